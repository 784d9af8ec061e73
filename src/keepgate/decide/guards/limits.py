"""Deny when a principal exceeds its request rate or its number of calls in flight."""

from __future__ import annotations

from keepgate.decide.facts import Budget, Fact, Facts
from keepgate.model.exchange import Exchange
from keepgate.model.message import Direction, Kind
from keepgate.model.verdict import Effect, Verdict

_TO_SERVER, _REQUEST = Direction.TO_SERVER, Kind.REQUEST
_RATE, _CONCURRENCY = Fact.RATE, Fact.CONCURRENCY


class Limits:
    """Rates and concurrency of requests from the client; sizes and depths are bounded while parsing."""

    id = "limits"
    needs = frozenset((Fact.RATE, Fact.CONCURRENCY))

    def check(self, exchange: Exchange, facts: Facts) -> Verdict | None:
        """DENY with `retry_after` when a budget is used up, else no opinion."""
        if exchange.direction is not _TO_SERVER or exchange.message.is_reply:
            return None
        rate: Budget = facts[_RATE]
        if rate.remaining < 0:
            return self._over("rate limit reached", rate.resets_in, "limits.requests_per_second")
        if exchange.message.kind is not _REQUEST:
            return None
        concurrency: Budget = facts[_CONCURRENCY]
        if concurrency.remaining < 0:
            return self._over("too many calls in flight", 1.0, "limits.concurrent_calls")
        return None

    def _over(self, what: str, seconds: float, setting: str) -> Verdict:
        wait = max(seconds, 0.001)
        return Verdict(
            Effect.DENY, f"{what}, retry in {wait:.3g} s", self.id, retry_after=wait, rules=(setting,)
        )
