"""What a budget says, as a table."""

import pytest

from keepgate.decide.facts import Fact, Standing
from keepgate.decide.guards.budgets import Budgets, told
from keepgate.model.message import Kind
from keepgate.model.verdict import Effect
from tests.decide.guards.exchanges import exchange


def checked(*standing: Standing, kind: Kind = Kind.REQUEST):
    return Budgets().check(exchange(kind), {Fact.BUDGETS: standing})


def test_what_remains_lets_through_down_to_nothing():
    assert checked() is None
    assert checked(Standing("b", "day", 0, 60), Standing("b", "rate", 0.5, 0)) is None


def test_what_does_not_reach_denies_and_says_when_it_will():
    verdict = checked(
        Standing("short", "rate", -0.5, 0.25),
        Standing("long", "day", -1, 5 * 3600 + 11 * 60 + 2),
        Standing("fine", "month", 3, 1e6),
    )
    assert verdict.effect is Effect.DENY
    assert not verdict.hidden
    assert verdict.reason == "the budget `long` (day) is used up, retry in 5 h 12 min"
    assert verdict.retry_after == 5 * 3600 + 11 * 60 + 2
    assert verdict.rules == ("budgets.short", "budgets.long")


@pytest.mark.parametrize("kind", [Kind.NOTIFICATION, Kind.RESULT, Kind.ERROR])
def test_only_requests_use_anything(kind):
    assert checked(Standing("b", "day", -1, 60), kind=kind) is None


def test_without_the_fact_it_does_not_decide():
    with pytest.raises(KeyError):
        Budgets().check(exchange(Kind.REQUEST), {})


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.25, "0.25 s"),
        (59.4, "59.4 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3599.5, "60 min"),
        (3600, "1 h"),
        (3601, "1 h 1 min"),
        (86_400, "1 d"),
        (2.5 * 86_400, "2 d 12 h"),
    ],
)
def test_times_are_told_in_two_units(seconds, text):
    assert told(seconds) == text
