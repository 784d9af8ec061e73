"""A request that a person must decide on: what is asked, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from keepgate.model.message import Json

OUT_OF_BAND: Final = "approval:out-of-band"
"""Obligation of an ASK that no answer of the client itself can settle: whoever steers the client could give it."""
REMEMBERED: Final = ", remembered"
"""Behind the name of who decided, where that was on an earlier request like this one."""
ASKABLE: Final = "approval:client"
"""Obligation of an ASK that the caller may be asked for by its client's own form."""


class State(StrEnum):
    """Of an approval. What is neither approved nor used opens nothing."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    USED = "used"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Exactly what is asked for: an approval holds for this and for nothing else."""

    principal: str
    client: str
    action: str
    server: str
    name: str
    params: dict[str, Json]
    """Of the request, without its envelope."""
    definition: str
    """Digest of the definition that was shown for it; "" for what no list has."""
    reason: str
    rules: tuple[str, ...]
    trace: str
    out_of_band: bool = True
    """An answer through the client counts for nothing."""
    risk: tuple[str, ...] = ()
    """What speaks against it, as far as is known: keepgate's and the administrator's words."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What became of it so far."""

    id: str
    state: State
    by: str = ""
    """Who decided."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """Which arguments a remembered approval covers: all others must be exactly as approved."""

    free: tuple[str, ...] = ()
    """Arguments that may have any value, or be left out."""
    most: tuple[tuple[str, float], ...] = ()
    """Arguments that must be numbers, from 0 up to this."""

    def __str__(self) -> str:
        said = [f"any `{name}`" for name in self.free]
        said += [f"`{name}` up to {most:g}" for name, most in self.most]
        return ", ".join(said) or "exactly these arguments"


@dataclass(frozen=True, slots=True)
class Remembered:
    """An approval that counts more than once, until it expires or is revoked."""

    id: str
    wanted: Wanted
    constraint: Constraint
    by: str
    created: float
    expires: float


@dataclass(frozen=True, slots=True)
class Pending:
    """An approval as an approver sees it. Every text in `wanted` may come from an outsider."""

    id: str
    state: State
    wanted: Wanted
    created: float
    expires: float
    """Unix seconds; a decision after this counts for nothing."""
    by: str = ""
    reason: str = ""
