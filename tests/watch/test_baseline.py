"""Sums over five minutes, daily maxima, and what survives a restart."""

from hypothesis import given
from hypothesis import strategies as st

from keepgate.watch.baseline import (
    DAY,
    DISTINCT,
    WINDOW,
    Calibration,
    Different,
    Latest,
    Level,
    apart,
    longest_gap,
)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 9)), max_size=60))
def test_a_window_holds_what_came_in_the_last_five_minutes(steps):
    level, now, past = Level(0), 0.0, []
    for step, amount in steps:
        now += step
        past.append((now, amount))
        total = level.add(now, amount)
        exact = sum(amount for when, amount in past if when > now - WINDOW)
        wider = sum(amount for when, amount in past if when > now - WINDOW - 30)
        narrower = sum(amount for when, amount in past if when > now - WINDOW + 30)
        assert narrower <= total <= wider
        assert exact <= wider


def test_a_day_counts_for_no_more_than_what_is_usual():
    level = Level(0)
    for day in range(10):
        level.turn(day * DAY)
        level.learn(10, 50)
    level.learn(10_000, 50)
    level.turn(11 * DAY)
    assert level.usual() == (10, 50)
    assert level.learned(11 * DAY)


def test_the_first_days_are_kept():
    level = Level(0)
    for day in range(30):
        level.turn(day * DAY)
        level.learn(10 * (day + 1), 1e9)
    assert level.anchor == 40
    assert level.usual()[0] > 200


def test_a_level_survives():
    level = Level(5)
    for day in range(9):
        level.turn(day * DAY)
        level.learn(day + 1, 1e9)
    again = Level.restored(level.state())
    assert again.state() == level.state()
    assert again.usual() == level.usual()


def test_different_values_are_counted_once_and_forgotten_after_five_minutes():
    different = Different()
    assert [different.add(0, value) for value in "aabca"] == [1, 1, 2, 3, 3]
    assert different.add(WINDOW + 1, "z") == 1
    for number in range(2 * DISTINCT):
        most = different.add(WINDOW + 2, str(number))
    assert most == DISTINCT


def test_one_bad_day_does_not_blind_the_watch():
    calibration = Calibration()
    calibration.note(1 * DAY, 3)
    calibration.note(2 * DAY, 100)
    assert calibration.bar(3 * DAY) == 3
    calibration.note(3 * DAY, 100)
    assert calibration.bar(4 * DAY) == 100
    assert calibration.bar(60 * DAY) == 0


def test_the_longest_not_met_is_forgotten():
    table = Latest(2)
    for key in ("a", "b", "a", "c"):
        table.meet((key,), object)
    assert [key for key, _ in table.items()] == [("a",), ("c",)]
    assert table.get(("b",)) is None
    assert len(table) == 2


def test_hours_go_round():
    assert apart(1, [22, 23]) == 2
    assert apart(12, [9, 17]) == 3
    assert apart(3, []) == 12
    assert longest_gap([9, 10, 17]) == 15
    assert longest_gap(list(range(24))) == 0
    assert longest_gap([]) == 24
