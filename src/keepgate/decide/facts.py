"""Facts: state that guards may need and that `gateway.gather` fetches before the chain runs. Guards never fetch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple


class Fact(StrEnum):
    """Names of facts, with the type of each."""

    RATE = "rate"
    """Budget: what is left of the principal's request rate"""
    CONCURRENCY = "concurrency"
    """Budget: how many more calls may be in flight for the principal"""
    REQUEST = "request"
    """bool: the message belongs to a request or subscription that was allowed"""
    BUDGETS = "budgets"
    """tuple of Standing: what would remain of each bound of each budget that the request is under"""
    TIME = "time"
    """float: now, Unix seconds; fetched for messages of clients"""
    FLOW = "flow"
    """FlowFact, or None for a flow without labels; fetched for messages of clients and for sampling"""
    APPROVALS = "approvals"
    """tuple of str: who approved exactly this request; there once somebody has, where a policy reads it"""


class Budget(NamedTuple):
    """What remains of a limit; negative means it is exceeded. `resets_in` in seconds."""

    remaining: float
    resets_in: float = 0.0


@dataclass(frozen=True, slots=True)
class Standing:
    """What would remain of one bound of a configured budget if the request were let through."""

    budget: str
    """by name"""
    bound: str
    """rate, calls at a time, day or month"""
    remaining: float
    """units; negative means that it does not reach"""
    resets_in: float
    """seconds"""


Facts = Mapping[Fact, Any]
"""A guard that looks up a fact that was not fetched raises KeyError, and the chain denies."""
