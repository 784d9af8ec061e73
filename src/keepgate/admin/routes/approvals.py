"""Requests that wait for a person, and the decision on them, with a second factor where one is demanded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol

from pydantic import StringConstraints

from keepgate.admin.access import Identity, Permission
from keepgate.admin.route import route, shape

ApprovalId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{1,32}$")]


@shape
@dataclass(frozen=True, slots=True)
class Approval:
    """One request. What is under `params`, `client`, `name` and `reason` may be text of outsiders."""

    id: str
    state: Literal["pending", "approved", "denied", "used", "expired"]
    principal: str
    client: str
    action: str
    server: str
    name: str
    params: dict[str, Any]
    reason: str
    rules: tuple[str, ...]
    trace: str
    """Decision id, for the log."""
    created: float
    expires: float
    """Unix seconds."""
    decided_by: str
    decision_reason: str
    risk: tuple[str, ...] = ()
    """What speaks against it, as far as is known."""
    out_of_band: bool = True
    """An answer through the client itself counts for nothing."""


@shape
@dataclass(frozen=True, slots=True)
class ApprovalList:
    """The newest first."""

    approvals: tuple[Approval, ...]


@shape
@dataclass(frozen=True, slots=True)
class ApprovalQuery:
    """Which ones."""

    all: bool = False
    """What was decided as well."""


@shape
@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decides."""

    approve: bool
    reason: Annotated[str, StringConstraints(max_length=1000)] = ""
    """For the log."""


@shape
@dataclass(frozen=True, slots=True)
class Remembered:
    """What passes without being asked for again. Made by `keepgate approvals approve --remember` only."""

    id: str
    principal: str
    client: str
    action: str
    server: str
    name: str
    params: dict[str, Any]
    """As they were approved."""
    constraint: str
    """Which arguments may be others, in words."""
    by: str
    created: float
    expires: float
    """Unix seconds."""


@shape
@dataclass(frozen=True, slots=True)
class RememberedList:
    """The newest first."""

    remembered: tuple[Remembered, ...]


class Approvals(Protocol):
    """What waits. All raise LocalError."""

    async def every(self) -> tuple[Approval, ...]:
        """Decided ones included."""

    async def get(self, name: str) -> Approval:
        """One of them."""

    async def decide(self, name: str, *, approve: bool, by: str, reason: str) -> Approval:
        """Recorded first, then in force."""

    async def remembered(self) -> tuple[Remembered, ...]:
        """What passes without being asked for again."""

    async def revoke(self, name: str, *, by: str) -> None:
        """At once, and recorded."""


@route("GET", "/approvals", Permission.APPROVALS_READ, strong=True, problems=(409,))
async def list_approvals(approvals: Approvals, query: ApprovalQuery) -> ApprovalList:
    """The requests that wait for a person, with everything they ask."""
    found = await approvals.every()
    return ApprovalList(tuple(one for one in found if query.all or one.state == "pending"))


@route("GET", "/approvals/{name}", Permission.APPROVALS_READ, strong=True, problems=(409,))
async def show_approval(approvals: Approvals, name: ApprovalId) -> Approval:
    """One request, with everything it asks."""
    return await approvals.get(name)


@route("POST", "/approvals/{name}/decision", Permission.APPROVALS_DECIDE, problems=(409,))
async def decide_approval(approvals: Approvals, who: Identity, name: ApprovalId, body: Decision) -> Approval:
    """Let exactly this request pass once, or refuse it."""
    return await approvals.decide(name, approve=body.approve, by=f"admin:{who.name}", reason=body.reason)


@route("GET", "/remembered", Permission.APPROVALS_READ, strong=True, problems=(409,))
async def list_remembered(approvals: Approvals) -> RememberedList:
    """What passes without being asked for again, and until when."""
    return RememberedList(await approvals.remembered())


@route("POST", "/remembered/{name}/revocation", Permission.APPROVALS_DECIDE, problems=(409,))
async def revoke_remembered(approvals: Approvals, who: Identity, name: ApprovalId) -> RememberedList:
    """Ask for it again from now on."""
    await approvals.revoke(name, by=f"admin:{who.name}")
    return RememberedList(await approvals.remembered())
