"""Rates and concurrency, as a table."""

import pytest

from keepgate.decide.facts import Budget, Fact
from keepgate.decide.guards.limits import Limits
from keepgate.model.message import Kind
from keepgate.model.verdict import Effect
from tests.decide.guards.exchanges import exchange


@pytest.mark.parametrize(
    ("kind", "rate", "free", "denied"),
    [
        (Kind.REQUEST, 0, 0, False),
        (Kind.REQUEST, -0.5, 0, True),
        (Kind.REQUEST, 5, -1, True),
        (Kind.NOTIFICATION, 5, -1, False),
        (Kind.NOTIFICATION, -1, 5, True),
        (Kind.RESULT, -1, -1, False),
    ],
)
def test_limits(kind: Kind, rate: float, free: float, denied: bool) -> None:
    facts = {Fact.RATE: Budget(rate, 0.25), Fact.CONCURRENCY: Budget(free)}
    verdict = Limits().check(exchange(kind), facts)
    assert (verdict is not None) == denied
    if verdict is not None:
        assert verdict.effect is Effect.DENY
        assert verdict.retry_after
        assert not verdict.hidden
