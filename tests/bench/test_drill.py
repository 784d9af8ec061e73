"""The drill: what the table of docs/benchmarks.md is made of."""

from bench.drill import Drill, run


def test_nine_of_ten_incidents_within_five_minutes_and_at_most_one_false_alert_a_day():
    score = run(Drill(21).make())
    assert score.planted == 10
    assert score.found >= 9
    assert len(score.false) <= 14


def test_the_same_seed_gives_the_same_drill():
    first, second = Drill(1).make(), Drill(1).make()
    assert first.events == second.events
    assert {one.kind for one in first.incidents} == {one.kind for one in second.incidents}
