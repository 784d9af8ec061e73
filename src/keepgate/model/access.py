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


class ResourceKind(StrEnum):
    """Kinds of things on a server that a role can name."""

    TOOL = "tool"
    RESOURCE = "resource"
    PROMPT = "prompt"


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller. `id` is what grants name: `anonymous`, `key:cursor`, `local:alice`."""

    id: str
    kind: str
    """How it was authenticated: anonymous, key, local (later: user, client)."""
    groups: tuple[str, ...] = ()
    tenant: str = ""
    user: str = ""
    client: str = ""

    @property
    def grantees(self) -> tuple[str, ...]:
        """Every `to:` value of a grant that reaches this principal."""
        out = [self.id]
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
