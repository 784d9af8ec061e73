"""Budgets of a configuration as the gateway takes them, with the counters behind them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from keepgate.config import Settings
from keepgate.config.budgets import dearest
from keepgate.policy.pattern import Pattern

if TYPE_CHECKING:
    from keepgate.gateway.budgets import Budgets


def budgets_of(settings: Settings) -> Budgets | None:
    """None without any: then nothing is counted. Raises LocalError if what was used cannot be read."""
    if not settings.budgets:
        return None
    from keepgate.gateway.budgets import Budget, Budgets
    from keepgate.stores.counters import MemoryCounters, SqliteCounters
    from keepgate.stores.counters.sqlite import FILE

    made = [
        Budget(
            each.name,
            frozenset(each.to),
            tuple(map(Pattern.parse, each.uses)),
            each.each,
            each.rate or 0.0,
            each.burst or max(each.rate or 0.0, dearest(each)),
            each.concurrent or 0,
            each.per_day or 0.0,
            each.per_month or 0.0,
            tuple((Pattern.parse(text), units) for text, units in each.costs.items()),
        )
        for each in settings.budgets
    ]
    lasting = any(each.per_day or each.per_month for each in made)
    counters = SqliteCounters(settings.state / FILE, time.time) if lasting else MemoryCounters(time.time)
    return Budgets(made, counters, time.monotonic, time.time_ns)
