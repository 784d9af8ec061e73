"""Fetches the facts that guards named: request rates (token buckets) and calls in flight, per principal."""

from __future__ import annotations

from collections.abc import Callable

from keepgate.decide.facts import Budget, Fact
from keepgate.gateway.settings import Limits

MAX_PRINCIPALS = 10_000
"""Buckets kept; beyond it full ones are dropped, which forgets nothing that matters."""


class Meters:
    """Per-principal counters of one process."""

    def __init__(self, limits: Limits, monotonic: Callable[[], float]) -> None:
        self._limits = limits
        self._now = monotonic
        self._buckets: dict[str, tuple[float, float]] = {}
        self._running: dict[str, int] = {}

    def spend(self, principal: str, *, rate: float = 0.0, burst: float = 0.0) -> Budget:
        """Take one token from the principal's bucket; a negative remainder means the rate is exceeded.

        `rate` (tokens per second) and `burst` are those of the configuration unless given.
        """
        now = self._now()
        rate, burst = rate or self._limits.requests_per_second, burst or self._limits.burst
        tokens, at = self._buckets.get(principal, (burst, now))
        tokens = min(burst, tokens + (now - at) * rate) - 1.0
        if tokens < 0:
            self._buckets[principal] = (tokens + 1.0, now)
            return Budget(tokens, -tokens / rate)
        if len(self._buckets) >= MAX_PRINCIPALS and principal not in self._buckets:
            self._forget_full(now)
        self._buckets[principal] = (tokens, now)
        return Budget(tokens)

    def _forget_full(self, now: float) -> None:
        refill = self._limits.burst / self._limits.requests_per_second
        self._buckets = {key: value for key, value in self._buckets.items() if now - value[1] < refill}

    def free(self, principal: str) -> Budget:
        """How many more calls the principal may have in flight, not counting the one that asks."""
        return Budget(self._limits.concurrent_calls - self._running.get(principal, 0) - 1)

    def enter(self, principal: str) -> None:
        """A call starts."""
        self._running[principal] = self._running.get(principal, 0) + 1

    def leave(self, principal: str) -> None:
        """A call ends."""
        left = self._running.get(principal, 1) - 1
        if left > 0:
            self._running[principal] = left
        else:
            self._running.pop(principal, None)

    def facts(self, principal: str) -> dict[Fact, object]:
        """The facts for one client message."""
        return {Fact.RATE: self.spend(principal), Fact.CONCURRENCY: self.free(principal), Fact.REQUEST: False}
