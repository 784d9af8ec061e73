"""The kill switch: what is stopped, and stopping it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Protocol

from pydantic import StringConstraints

from keepgate.admin.access import Identity, Permission
from keepgate.admin.route import route, shape

Target = Annotated[str, StringConstraints(min_length=3, max_length=512)]
Reason = Annotated[str, StringConstraints(max_length=1000)]


@shape
@dataclass(frozen=True, slots=True)
class HeldThing:
    """One thing that is stopped."""

    target: str
    """`server:ID`, `tool:SERVER/NAME`, `principal:ID` or `all`."""
    by: str
    at: float
    """Unix seconds."""
    reason: str


@shape
@dataclass(frozen=True, slots=True)
class QuarantineList:
    """All of it."""

    quarantined: tuple[HeldThing, ...]


@shape
@dataclass(frozen=True, slots=True)
class QuarantineChange:
    """What to stop, or to let go on."""

    target: Target
    """`server:ID`, `tool:SERVER/NAME`, `principal:ID` or `all`."""
    reason: Reason = ""
    """For the log."""


class Quarantine(Protocol):
    """What is stopped. All raise LocalError."""

    async def all(self) -> tuple[HeldThing, ...]:
        """In the order in which it was stopped."""

    async def stop(self, target: str, by: str, reason: str) -> None:
        """In force within a second."""

    async def release(self, target: str, by: str, reason: str) -> None:
        """Recorded first."""


@route("GET", "/quarantine", Permission.QUARANTINE_READ, problems=(409,))
async def list_quarantine(quarantine: Quarantine) -> QuarantineList:
    """What is stopped."""
    return QuarantineList(await quarantine.all())


@route("POST", "/quarantine", Permission.QUARANTINE_WRITE, status=201, problems=(409,))
async def add_to_quarantine(quarantine: Quarantine, who: Identity, body: QuarantineChange) -> QuarantineList:
    """Stop a server, a tool, a principal or everything."""
    await quarantine.stop(body.target, f"admin:{who.name}", body.reason)
    return QuarantineList(await quarantine.all())


@route("POST", "/quarantine/release", Permission.QUARANTINE_WRITE, problems=(409,))
async def release_from_quarantine(
    quarantine: Quarantine, who: Identity, body: QuarantineChange
) -> QuarantineList:
    """Let it go on."""
    await quarantine.release(body.target, f"admin:{who.name}", body.reason)
    return QuarantineList(await quarantine.all())
