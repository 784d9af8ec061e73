"""Budgets of the configuration: what is refused, and what they become."""

import os
from pathlib import Path

import pytest

from keepgate.compose.budgets import budgets_of
from keepgate.config import load, parse
from keepgate.config.budgets import dearest
from keepgate.model.errors import ConfigError
from keepgate.stores.counters import MemoryCounters, SqliteCounters
from tests.gateway.test_budgets import call

HEAD = "version: 1\nservers: {a: {command: [x]}}\nbudgets:\n  - "


def made(text: str):
    return parse(HEAD + text, file=Path("/c/keepgate.yaml"), env={"HOME": "/h"}).budgets


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{per_day: 1}", "4:5: `budgets.0.name` is missing"),
        ("{name: b}", "4:5: it bounds nothing: name `rate`"),
        ("{name: b, rate: 0}", "must be more than 0"),
        ("{name: b, per_day: 1, burst: 3}", "`burst` goes with a `rate`"),
        ('{name: b, per_day: 1, to: ["bob"]}', "4:32: `bob` is not a principal"),
        ('{name: b, per_day: 1, uses: ["b/*"]}', "4:34: unknown server `b`"),
        ('{name: b, per_day: 1, costs: {"a": 1}}', "`a` is not a pattern"),
        (
            '{name: b, per_day: 9, costs: {"a/x": 10}}',
            "4:42: what costs 10 units can never be had: `per_day` is 9",
        ),
        ("{name: b, per_month: 0.5}", "a use, which costs 1 unit, can never be had: `per_month` is 0.5"),
        ("{name: b, per_day: 1, each: [tool, tool]}", "`each` names something twice"),
        ("{name: b, per_day: 1, each: [group]}", "must be"),
        ("{name: b, per_day: 1}\n  - {name: b, per_day: 2}", "5:12: there is another budget `b`"),
        ("{name: b, perday: 1}", "unknown key `perday`: did you mean `per_day`?"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(text, said):
    with pytest.raises(ConfigError) as refused:
        made(text)
    assert said in str(refused.value)


def test_a_rate_has_room_for_its_dearest_use():
    (budget,) = made('{name: b, rate: 2, costs: {"a/x": 10, "a/y": 3}}')
    assert (dearest(budget), budget.burst, budget.each) == (10, None, ("principal",))


@pytest.fixture
def settings(tmp_path):
    def load_with(text: str):
        path = tmp_path / "keepgate.yaml"
        path.write_text(f"state: state\n{HEAD}{text}")
        return load(path, env=os.environ)

    return load_with


def test_without_budgets_there_is_nothing(tmp_path):
    path = tmp_path / "keepgate.yaml"
    path.write_text("version: 1\nstate: state\n")
    assert budgets_of(load(path, env=os.environ)) is None
    assert not (tmp_path / "state" / "budgets.db").exists()


def test_a_quota_goes_on_after_a_restart(settings):
    found = settings('{name: b, per_day: 3, costs: {"a/x": 2}}')
    for remaining in (1, -1):
        budgets = budgets_of(found)
        charges = budgets.charges(call(what="a/x"))
        (standing,) = budgets.standing(charges)
        assert standing.remaining == remaining
        budgets.charge(charges)
        assert isinstance(budgets._counters, SqliteCounters)
        budgets.close()


def test_rates_alone_need_no_file(settings):
    budgets = budgets_of(settings("{name: b, rate: 2, concurrent: 3}"))
    assert isinstance(budgets._counters, MemoryCounters)
    (standing, free) = budgets.standing(budgets.charges(call(what="a/x")))
    assert (standing.remaining, free.remaining) == (1, 2)
