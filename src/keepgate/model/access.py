"""Who asks for what: principal, action, resource, context (the words of Cedar and of the MCP authorization pages)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Action(StrEnum):
    """What a message asks to do. Values are the ids used in policies."""

    CALL_TOOL = "call_tool"
    READ_RESOURCE = "read_resource"
    SUBSCRIBE_RESOURCE = "subscribe_resource"
    GET_PROMPT = "get_prompt"
    COMPLETE = "complete"


class Administration(StrEnum):
    """What can be done with keepgate itself. Values are the ids used in policies."""

    READ_PAYLOADS = "read_payloads"
    """Open what the audit log seals: arguments, results, and what policy was asked."""
    ERASE = "erase"
    """Destroy the keys of a person's payloads and names, and remove records that are past their time."""


class ResourceKind(StrEnum):
    """Kinds of things on a server that a role can name."""

    TOOL = "tool"
    RESOURCE = "resource"
    PROMPT = "prompt"


@dataclass(frozen=True, slots=True)
class Authentication:
    """What an access token says of how its bearer was authenticated, and for how long that counts."""

    issuer: str
    """The configured name of who issued the token."""
    scopes: frozenset[str] = frozenset()
    acr: str = ""
    """Authentication context class reference (RFC 9470), empty if the token has none."""
    auth_time: float | None = None
    """When the person logged in, Unix seconds."""
    until: float = 0.0
    """When the token expires, Unix seconds."""
    scheme: str = "Bearer"
    """Bearer or DPoP: the scheme to be challenged with."""
    metadata: str = ""
    """URL of the RFC 9728 document of the endpoint the token was shown to."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller.

    `id` says who it is and what sessions, streams and handles are bound to: `anonymous`, `key:cursor`, `local:alice`,
    `oauth:<issuer>/<sub>/<client>` (with a tenant `oauth:<issuer>@<tenant>/...`), `cert:<name>`. It never says two
    things at once: each part is quoted.
    """

    id: str
    kind: str
    """How it was authenticated: anonymous, key, local, oauth, cert."""
    groups: tuple[str, ...] = ()
    tenant: str = ""
    user: str = ""
    client: str = ""
    actors: tuple[str, ...] = ()
    """Who acts for the user (`act`, RFC 8693), the current actor first."""
    auth: Authentication | None = None
    """For a principal that showed an access token, else None."""

    def expired(self, now: float) -> bool:
        """Whether the credential was a token that has run out at `now`, Unix seconds."""
        return self.auth is not None and now >= self.auth.until

    @property
    def grantees(self) -> tuple[str, ...]:
        """Every `to:` value of a grant that reaches this principal."""
        # The id of a token's or certificate's principal is an identity of our own making, which no grant names.
        out = [] if self.id.startswith(("oauth:", "cert:")) else [self.id]
        if self.user:
            out.append(f"user:{self.user}")
        if self.client:
            out.append(f"client:{self.client}")
        out.extend(f"group:{group}" for group in self.groups)
        if self.tenant:
            out.append(f"tenant:{self.tenant}")
        return tuple(dict.fromkeys(out))


ANONYMOUS = Principal("anonymous", "anonymous")


@dataclass(frozen=True, slots=True)
class Resource:
    """A tool, prompt or resource on one server, by the server's own name for it."""

    kind: ResourceKind
    server: str
    name: str

    @property
    def id(self) -> str:
        """`server/name`, the form roles use."""
        return f"{self.server}/{self.name}"


@dataclass(slots=True)
class Request:
    """One authorization question."""

    principal: Principal
    action: Action
    resource: Resource
    context: dict[str, Any] = field(default_factory=dict)
