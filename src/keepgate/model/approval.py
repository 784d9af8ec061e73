"""A request that a person must decide on: what is asked, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from keepgate.model.message import Json


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


@dataclass(frozen=True, slots=True)
class Claim:
    """What became of it so far."""

    id: str
    state: State
    by: str = ""
    """Who decided."""


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
