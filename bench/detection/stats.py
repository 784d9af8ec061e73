"""Shares with their uncertainty."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Z = 1.959963984540054
"""Both tails together 5 %."""


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        """0 where there is nothing to count."""
        return self.hits / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval at 95 %."""
        if not self.of:
            return 0.0, 1.0
        share, count = self.value, self.of
        middle = share + Z * Z / (2 * count)
        reach = Z * math.sqrt(share * (1 - share) / count + Z * Z / (4 * count * count))
        below = 1 + Z * Z / count
        low, high = (middle - reach) / below, (middle + reach) / below
        return (0.0 if self.hits == 0 else low), (1.0 if self.hits == count else high)

    def __add__(self, other: Share) -> Share:
        return Share(self.hits + other.hits, self.of + other.of)


def share(flags: Sequence[bool]) -> Share:
    return Share(sum(flags), len(flags))


def quantile(values: Sequence[float], at: float) -> float:
    """The nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(at * len(ordered)) - 1))] if ordered else 0.0


def percent(value: float) -> str:
    """With as many digits as a rare thing needs."""
    return f"{100 * value:.1f}" if value >= 0.01 or value == 0 else f"{100 * value:.2f}"


def shown(found: Share) -> str:
    """`94.2 (91.0-96.4) of 310`."""
    low, high = found.interval
    return f"{percent(found.value)} ({percent(low)}–{percent(high)}) of {found.of}"
