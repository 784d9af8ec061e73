"""First uses, new arguments, unusual hours, and what nobody needs to be told."""

import pytest

from keepgate.watch.alert import Sign
from keepgate.watch.engine import Watch
from keepgate.watch.novelty import weekend
from tests.watch.made import DAY, HOUR, MONDAY, call, weeks

NOON = MONDAY + 9 * DAY + 12 * HOUR


@pytest.fixture
def watch():
    watch = Watch()
    for event in weeks(9, shape=("path",)):
        assert watch.see(event) == []
    return watch


def told(watch, *events):
    return [alert for event in events for alert in watch.see(event)]


NEWS = [
    ("a server", call(NOON, server="payroll", name="export"), Sign.FIRST_USE, "`payroll`"),
    ("a tool", call(NOON, name="delete"), Sign.FIRST_USE, "`files/delete`"),
    ("a client", call(NOON, client="curl/8"), Sign.FIRST_USE, "`curl`"),
    ("an argument", call(NOON, shape=("path", "webhook")), Sign.NEW_SHAPE, "`webhook`"),
]


@pytest.mark.parametrize(
    ("event", "sign", "what"), [case[1:] for case in NEWS], ids=[case[0] for case in NEWS]
)
def test_what_was_never_there_is_told_once(watch, event, sign, what):
    found = told(watch, event, event._replace(time=NOON + 5), event._replace(time=NOON + 2 * DAY))
    assert [(alert.sign, what in alert.seen) for alert in found] == [(sign, True)]


@pytest.mark.parametrize(
    ("event", "sign", "what"), [case[1:] for case in NEWS], ids=[case[0] for case in NEWS]
)
def test_in_the_first_days_nothing_is_new(event, sign, what):
    watch = Watch()
    for each in weeks(2, shape=("path",)):
        watch.see(each)
    assert told(watch, event._replace(time=MONDAY + 1.8 * DAY)) == []


def test_a_new_version_of_a_client_is_no_news(watch):
    assert told(watch, call(NOON, client="cursor/2")) == []


def test_a_denied_first_use_is_no_use(watch):
    assert told(watch, call(NOON, server="payroll", effect="deny")) == []


def test_who_often_begins_something_new_does_not_surprise():
    watch, found = Watch(), []
    for event in weeks(14):
        found += watch.see(event)
        if event.time % DAY == 9 * HOUR:
            found += watch.see(call(event.time + 60, name=f"tool-of-{event.time:.0f}"))
    assert found == []


def test_what_those_who_work_alike_do_is_no_news():
    watch = Watch()
    for event in weeks(9):
        watch.see(event)
        for other in range(3):
            watch.see(event._replace(principal=f"user:{other}"))
            watch.see(event._replace(principal=f"user:{other}", server="wiki", name="search"))
    assert told(watch, call(NOON, server="wiki", name="search")) == []


def test_a_time_in_the_night(watch):
    at = MONDAY + 9 * DAY + 2 * HOUR
    found = told(watch, call(at), call(at + 60), call(at + 120))
    assert [(alert.sign, alert.time) for alert in found] == [(Sign.UNUSUAL_HOUR, at + 60)]
    assert "09, 10, 11" in found[0].expected


def test_a_long_evening_is_no_alarm(watch):
    at = MONDAY + 9 * DAY + 19.5 * HOUR
    assert told(watch, call(at), call(at + 60)) == []


def test_who_works_round_the_clock_has_no_usual_hours():
    watch = Watch()
    found = [alert for hour in range(24 * 12) if hour % 5 for alert in watch.see(call(MONDAY + hour * HOUR))]
    assert [alert.sign for alert in found if alert.sign is Sign.UNUSUAL_HOUR] == []


def test_the_first_weekend_after_three_without():
    watch = Watch()
    for event in weeks(26):
        assert watch.see(event) == []
    saturday = MONDAY + 26 * DAY + 12 * HOUR
    found = told(watch, call(saturday), call(saturday + 60))
    assert [(alert.sign, alert.seen) for alert in found] == [(Sign.UNUSUAL_HOUR, "active at a weekend")]


def test_weekends():
    assert [weekend(int(MONDAY // DAY) + day) for day in range(8)] == [False] * 5 + [True, True, False]
