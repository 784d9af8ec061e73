"""Who may be served: issuers, step-up, certificates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from keepgate.config import values
from keepgate.config.sections.types import Algorithm, AnySecret, ClaimPath, Level, Name, Scope, TrustDomain


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Certificate and key to serve HTTPS with, PEM files. Relative paths start at the configuration file."""

    cert: Path
    """Certificate chain."""
    key: Path
    """Private key."""
    client_ca: Path | None = None
    """Authorities whose client certificates are accepted, a PEM file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Introspection:
    """Ask the issuer about tokens (RFC 7662): opaque ones, and signed ones that may have been revoked."""

    client_id: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    """By which the issuer knows this gateway."""
    client_secret: AnySecret
    """A reference: `{secret: "env:NAME"}`."""
    url: Annotated[str, AfterValidator(values.url)] = ""
    """Where to ask. Without this key: as the issuer's metadata says."""
    always: bool = False
    """Ask about signed tokens as well."""
    interval: Annotated[float, Field(ge=1, le=3600)] = 60.0
    """Seconds that an answer counts: how long a revoked token may still work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerLogin:
    """keepgate as a client of the issuer, so that people at a browser can show who they are."""

    client_id: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    """By which the issuer knows this gateway; its redirect address there is `<public_url>/login/proof`."""
    client_secret: AnySecret | None = None
    """A reference: `{secret: "env:NAME"}`. Without this key: a public client."""
    scopes: tuple[Scope, ...] = ()
    """Asked of the issuer besides `openid`, such as one that brings the user's name into its ID tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Where a token has the names that grants use: a claim, or the path to one inside of others."""

    user: ClaimPath = ("sub",)
    """Named `user:` in grants. `email` counts only where `email_verified` is true."""
    client: ClaimPath = ("client_id",)
    """Named `client:` in grants; `azp` with some issuers."""
    groups: ClaimPath = ()
    """A list, named `group:` in grants."""
    tenant: ClaimPath = ()
    """Named `tenant:` in grants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """An authorization server whose access tokens are accepted."""

    url: Annotated[str, AfterValidator(values.url)]
    """Exactly as in the `iss` of its tokens."""
    jwks_url: Annotated[str, AfterValidator(values.url)] = ""
    """Where its keys are. Without this key: as its metadata says."""
    audience: tuple[Annotated[str, StringConstraints(min_length=1, max_length=512)], ...] = ()
    """Values of `aud` that mean this gateway, besides the URLs of its endpoints."""
    algorithms: tuple[Algorithm, ...] = ("RS256", "PS256", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
    """Signatures that are accepted."""
    types: tuple[Literal["at+jwt", "JWT"], ...] = ("at+jwt",)
    """Values of `typ` that mark an access token; `JWT` for issuers that do not follow RFC 9068."""
    prefix: Annotated[str, StringConstraints(pattern=r"^([a-z0-9][a-z0-9_-]{0,63}/)?$")] = ""
    """Put before the names of its users, clients, groups and tenants: needed as soon as there is another issuer."""
    claims: Claims = Claims()
    """Where the names are."""
    leeway: Annotated[float, Field(ge=0, le=120)] = 30.0
    """Seconds that clocks may differ."""
    max_age: Annotated[float, Field(ge=60, le=2_592_000)] = 86_400.0
    """Seconds; a token that was issued longer ago is refused, whatever it says."""
    dpop: Literal["accepted", "required"] = "accepted"
    """`required`: only tokens that are bound to a key of the client."""
    introspection: Introspection | None = None
    """Ask it about tokens."""
    login: IssuerLogin | None = None
    """Where users of its tokens show at a browser who they are, for their logins at servers (`auth: {type: oauth}`)."""
    private_network: bool = False
    """It may have a private address (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7)."""
    ca: Path | None = None
    """Authorities for its certificate instead of the system's, a PEM file. Relative paths start at this file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUp:
    """What the use of some things needs of the caller's login, beyond a grant."""

    uses: Annotated[tuple[str, ...], Field(min_length=1)]
    """`server/name` patterns as in roles."""
    scopes: tuple[Scope, ...] = ()
    """Scopes that the access token needs as well."""
    acr: tuple[Level, ...] = ()
    """Levels of login (`acr`) of which one must have been reached, such as one that means a second factor."""
    max_age: Annotated[float, Field(ge=1, le=2_592_000)] | None = None
    """Seconds since the login."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """keepgate as the authorization server of clients, where an issuer offers them no way to become known to it."""

    issuer: Name
    """Where people log in: one of `issuers`."""
    client_id: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    """By which the issuer knows this gateway; its redirect address there is `<public_url>/oauth/callback`."""
    client_secret: AnySecret | None = None
    """A reference: `{secret: "env:NAME"}`. Without this key: a public client."""
    scopes: tuple[Scope, ...] = ()
    """Asked of the issuer besides `openid`, such as one that brings groups into its ID tokens."""
    clients: Mapping[
        Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")], tuple[str, ...]
    ] = field(default_factory=dict)
    """Clients that are known: redirect addresses by client id. Others come with a document of their own (CIMD)."""
    registration: bool = False
    """Whoever can reach this gateway may register a client (RFC 7591); people are asked each time all the same."""
    token_seconds: Annotated[float, Field(ge=60, le=3600)] = 600.0
    """How long an access token counts."""
    login_seconds: Annotated[float, Field(ge=300, le=2_592_000)] = 28_800.0
    """How long a client may get new ones without a login."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Authentication of callers."""

    anonymous: bool = False
    """Serve callers without a key as the principal `anonymous`. Only where `listen` is a loopback address."""
    public_url: Annotated[str, AfterValidator(values.public_url)] = ""
    """As clients reach this gateway: `https://gate.example.com`. Without this key: `listen`, if that is loopback."""
    issuers: Mapping[Name, Issuer] = field(default_factory=dict)
    """Whose access tokens are accepted, by a name of your own."""
    scopes: tuple[Scope, ...] = ()
    """Scopes that every access token needs."""
    step_up: tuple[StepUp, ...] = ()
    """What needs more than that: further scopes, a stronger or a more recent login."""
    trust_domains: tuple[TrustDomain, ...] = ()
    """SPIFFE trust domains whose workloads are accepted by certificate: `example.org`."""
    front: Front | None = None
    """Stand in as authorization server for an issuer that clients cannot become known to."""
    dpop_nonce: bool = False
    """Demand a nonce of keepgate's own in DPoP proofs."""
