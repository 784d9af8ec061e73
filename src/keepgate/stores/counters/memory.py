"""Counters of one process, forgotten with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

MOST: Final = 100_000
"""Counters kept at a time; what they are for is partly named by callers."""
_SWEEP: Final = 1.0
"""Seconds between two looks for what has ended: a look takes milliseconds."""
REST: Final = "rest"
"""The one counter that all share for which there is no room: full memory makes budgets tighter, never wider."""


class MemoryCounters:
    """`ports.Counters` in a dict."""

    def __init__(self, clock: Callable[[], float], *, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._swept = float("-inf")
        self._used: dict[str, tuple[float, float]] = {}
        """By key: until when, and how much."""

    def used(self, key: str) -> float:
        """What was added under `key` in a window that has not ended."""
        until, units = self._used.get(self.place(key), (0.0, 0.0))
        return units if until > self._clock() else 0.0

    def add(self, key: str, until: float, units: float) -> None:
        """Add to what was used under `key`. After `until`, Unix seconds, all of it is forgotten."""
        key = self.place(key)
        self._used[key] = max(until, self._used.get(key, (0.0, 0.0))[0]), self.used(key) + units

    def close(self) -> None:
        """Nothing is held."""

    def place(self, key: str) -> str:
        """Where `key` is counted: under itself as long as there is room."""
        if key in self._used or len(self._used) < self._most:
            return key
        if self._clock() - self._swept > _SWEEP:
            self.forget_ended()
        return key if len(self._used) < self._most else REST

    def forget_ended(self) -> None:
        """Free what ended windows hold."""
        self._swept = now = self._clock()
        self._used = {key: entry for key, entry in self._used.items() if entry[0] > now}

    def put(self, key: str, until: float, units: float) -> None:
        """Know that so much was used, whatever was known before."""
        self._used[key] = until, units
