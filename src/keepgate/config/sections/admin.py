"""The admin face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from keepgate.config import values
from keepgate.config.sections.types import AnySecret, Level, Name, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminGrant:
    """Roles of the admin face for whoever `to` names among those who log in at the issuer."""

    to: Annotated[str, StringConstraints(pattern=r"^(user|group|tenant):.{1,256}$")]
    """`user:<sub>`, `group:<name>` or `tenant:<id>`."""
    roles: Annotated[
        tuple[Literal["viewer", "operator", "approver", "admin", "payloads"], ...], Field(min_length=1)
    ]
    """What they may do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminLogin:
    """Administrators who log in at an identity provider (OpenID Connect)."""

    issuer: Name
    """One of `identity.issuers`."""
    client_id: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    """By which it knows the admin face; the redirect address there is `<url>/admin/oidc/callback`."""
    client_secret: AnySecret | None = None
    """A reference: `{secret: "env:NAME"}`. Without this key: a public client."""
    scopes: tuple[Scope, ...] = ()
    """Asked of it besides `openid`."""
    acr: Annotated[tuple[Level, ...], Field(min_length=1)]
    """Levels of login of which one must be reached: those that mean a second factor."""
    grants: Annotated[tuple[AdminGrant, ...], Field(min_length=1)]
    """Who gets which roles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admin:
    """The admin API under `/admin/api/v1`, for those that `keepgate admin add` makes administrators."""

    url: Annotated[str, AfterValidator(values.public_url)] = ""
    """As administrators reach it from elsewhere: `https://gate.example.com`. Without this key: only on this machine."""
    login: AdminLogin | None = None
    """Let administrators log in at an identity provider as well."""
    session_idle: Annotated[float, Field(ge=60, le=86_400)] = 900.0
    """Seconds without a request after which a login ends."""
    session_maximum: Annotated[float, Field(ge=60, le=604_800)] = 28_800.0
    """Seconds after which a login ends in any case."""
    second_factor: Literal["changes", "always", "never"] = "changes"
    """What a key or password alone does not open: whatever changes something or shows payloads, all, or nothing."""
