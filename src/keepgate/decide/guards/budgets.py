"""Deny what a budget does not reach for, with the time after which it does again."""

from __future__ import annotations

from keepgate.decide.facts import Fact, Facts, Standing
from keepgate.model.exchange import Exchange
from keepgate.model.message import Direction, Kind
from keepgate.model.verdict import Effect, Verdict

_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))


class Budgets:
    """Quotas, rates and concurrency that the configuration names, besides the limits that always hold."""

    id = "budgets"
    needs = frozenset((Fact.BUDGETS,))

    def check(self, exchange: Exchange, facts: Facts) -> Verdict | None:
        """DENY with `retry_after` when a budget is used up, else no opinion."""
        if exchange.direction is not Direction.TO_SERVER or exchange.message.kind is not Kind.REQUEST:
            return None
        standing: tuple[Standing, ...] = facts[Fact.BUDGETS]
        over = [each for each in standing if each.remaining < 0]
        if not over:
            return None
        # A call that several budgets stop may come again when the last of them lets it.
        last = max(over, key=lambda each: each.resets_in)
        wait = max(last.resets_in, 0.001)
        return Verdict(
            Effect.DENY,
            f"the budget `{last.budget}` ({last.bound}) is used up, retry in {told(wait)}",
            self.id,
            retry_after=wait,
            rules=tuple(dict.fromkeys(f"budgets.{each.budget}" for each in over)),
        )


def told(seconds: float) -> str:
    """`0.25 s`, `12 s`, `5 h 12 min`, `3 d 4 h`: the two largest units, rounded up."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    for (size, name), (below, smaller) in zip(_UNITS, (*_UNITS[1:], (1, "s")), strict=True):
        if seconds >= size:
            units, rest = divmod(-(-seconds // below) * below, size)
            return f"{units:.0f} {name}" + (f" {rest // below:.0f} {smaller}" if rest else "")
    raise AssertionError(seconds)
