"""What callers were shown, and taking that away from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Protocol

from pydantic import StringConstraints

from keepgate.admin.access import Identity, Permission
from keepgate.admin.route import route, shape

FlowOwner = Annotated[str, StringConstraints(min_length=1, max_length=2048)]


@shape
@dataclass(frozen=True, slots=True)
class FlowOrigin:
    """What brought a label. `name` may be text of outsiders."""

    label: str
    server: str
    name: str
    """Of the tool, prompt or resource; empty for what a server said unasked."""
    at: float
    """When it did so first, Unix seconds."""
    said: bool
    """The label is configured; else it is assumed."""


@shape
@dataclass(frozen=True, slots=True)
class LabelledFlow:
    """All that one principal did lately."""

    principal: str
    last: float
    """When it was last heard of, Unix seconds."""
    origins: tuple[FlowOrigin, ...]


@shape
@dataclass(frozen=True, slots=True)
class FlowList:
    """The newest first."""

    flows: tuple[LabelledFlow, ...]


@shape
@dataclass(frozen=True, slots=True)
class FlowClearance:
    """Whose labels to take away."""

    principal: FlowOwner
    reason: Annotated[str, StringConstraints(max_length=1000)] = ""
    """For the log."""


class FlowDesk(Protocol):
    """Flows with labels. All raise LocalError."""

    async def all(self) -> tuple[LabelledFlow, ...]:
        """The newest first."""

    async def clear(self, principal: str, by: str, reason: str) -> None:
        """Recorded first."""


@route("GET", "/flows", Permission.FLOWS_READ, problems=(409,))
async def list_flows(flows: FlowDesk) -> FlowList:
    """Who has labels on what they do, and what brought them."""
    return FlowList(await flows.all())


@route("POST", "/flows/clear", Permission.FLOWS_CLEAR, problems=(409,))
async def clear_flow(flows: FlowDesk, who: Identity, body: FlowClearance) -> FlowList:
    """Take all labels from what somebody does."""
    await flows.clear(body.principal, f"admin:{who.name}", body.reason)
    return FlowList(await flows.all())
