"""Fetches the facts that guards named: request rates (token buckets) and calls in flight, per principal."""

from __future__ import annotations

from collections.abc import Callable

from keepgate.decide.facts import Budget, Fact
from keepgate.gateway.settings import Limits

MAX_PRINCIPALS = 10_000
"""Buckets kept; beyond it full ones are dropped, which forgets nothing that matters."""
MOST = 4 * MAX_PRINCIPALS
"""Beyond it newcomers with a rate of their own share one bucket: addresses without end must neither fill the memory nor
begin anew each time. Who is authenticated always has one."""
SWEEP = 1.0
"""Seconds between two looks for full ones."""
_REST = "rest"


_RATE, _CONCURRENCY, _REQUEST = Fact.RATE, Fact.CONCURRENCY, Fact.REQUEST


class Meter:
    """What one principal has left and has running."""

    __slots__ = ("at", "refill", "running", "tokens")

    def __init__(self, tokens: float, at: float, refill: float) -> None:
        self.tokens = tokens
        self.at = at
        """When `tokens` was right, on the monotonic clock."""
        self.refill = refill
        """Seconds after which it is full again, however empty."""
        self.running = 0


class Meters:
    """Per-principal counters of one process."""

    def __init__(self, limits: Limits, monotonic: Callable[[], float]) -> None:
        self._limits = limits
        self._now = monotonic
        self._meters: dict[str, Meter] = {}
        self._swept = float("-inf")

    def _meter(self, principal: str, rate: float, burst: float) -> Meter:
        meter = self._meters.get(principal)
        if meter is None:
            now = self._now()
            if len(self._meters) >= MAX_PRINCIPALS and now - self._swept > SWEEP:
                self._forget_full(now)
            meter = self._meters[principal] = Meter(burst, now, burst / rate)
        return meter

    def exhausted(self, principal: str) -> bool:
        """Whether the bucket is empty now. Takes nothing from it."""
        meter = self._meters.get(principal)
        return meter is not None and meter.tokens < 1.0 and self._now() - meter.at < 1.0

    def spend(self, principal: str, *, rate: float = 0.0, burst: float = 0.0) -> Budget:
        """Take one token from the principal's bucket; a negative remainder means the rate is exceeded.

        `rate` (tokens per second) and `burst` are those of the configuration unless given.
        """
        if rate and len(self._meters) >= MOST and principal not in self._meters:
            principal = f"{_REST} {rate}"
        rate, burst = rate or self._limits.requests_per_second, burst or self._limits.burst
        meter, now = self._meters.get(principal) or self._meter(principal, rate, burst), self._now()
        tokens = meter.tokens + (now - meter.at) * rate
        tokens = min(tokens, burst)
        meter.at = now
        if tokens < 1.0:
            meter.tokens = tokens
            return Budget(tokens - 1.0, (1.0 - tokens) / rate)
        meter.tokens = tokens - 1.0
        return Budget(meter.tokens)

    def _forget_full(self, now: float) -> None:
        self._swept = now
        self._meters = {
            key: meter
            for key, meter in self._meters.items()
            if meter.running or now - meter.at < meter.refill
        }

    def enter(self, principal: str) -> None:
        """A call starts."""
        self._meter(principal, self._limits.requests_per_second, self._limits.burst).running += 1

    def leave(self, principal: str) -> None:
        """A call ends."""
        meter = self._meters.get(principal)
        if meter is not None and meter.running > 0:
            meter.running -= 1

    def in_flight(self) -> dict[str, int]:
        """Calls in flight, of those that have any."""
        return {key: meter.running for key, meter in self._meters.items() if meter.running}

    def facts(self, principal: str) -> dict[Fact, object]:
        """The facts for one client message: its rate, and the calls that may be in flight besides it."""
        spent = self.spend(principal)
        free = self._limits.concurrent_calls - self._meters[principal].running - 1
        return {_RATE: spent, _CONCURRENCY: Budget(free), _REQUEST: False}
