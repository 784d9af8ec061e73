"""Everything together: order of times, incidents, restarts, bounds."""

import json

import pytest

from keepgate.watch.alert import Sign
from keepgate.watch.engine import OF_ONE, Watch
from tests.watch.made import DAY, HOUR, MONDAY, call, weeks

NOON = MONDAY + 9 * DAY + 12 * HOUR


def learned():
    watch = Watch()
    for event in weeks(9, shape=("path",)):
        watch.see(event)
    return watch


def test_what_belongs_together_is_one_incident():
    watch = learned()
    found = watch.see(call(NOON, server="payroll", name="export", sent=900_000))
    found += watch.see(call(NOON + 600, effect="deny", findings=("honeytoken",)))
    later = watch.see(call(NOON + 5 * HOUR, findings=("honeytoken",)))
    assert {alert.sign for alert in found} >= {Sign.FIRST_USE, Sign.HONEYTOKEN}
    assert len({alert.incident for alert in found}) == 1
    assert later[0].incident == later[0].id != found[0].incident


def test_the_tools_of_a_new_server_are_no_news_of_their_own():
    found = learned().see(call(NOON, server="payroll", name="export"))
    assert [alert.seen for alert in found] == ["first use of the server `payroll`"]


def test_baselines_survive_a_restart_as_json():
    before = learned()
    after = Watch.restored(json.loads(json.dumps(before.state())))
    assert after.learning() == before.learning()
    events = [call(NOON + n / 3, name=f"read-{n % 30}", sent=4000) for n in range(300)]
    seen = [
        [(alert.id, alert.seen) for event in events for alert in watch.see(event)]
        for watch in (before, after)
    ]
    assert seen[0] == seen[1] != []


@pytest.mark.parametrize("state", [{}, {"version": 2}, {"version": 1}, {"version": 1, "newest": "x"}])
def test_a_state_of_something_else_is_refused(state):
    with pytest.raises((KeyError, TypeError, ValueError, IndexError)):
        Watch.restored(state)


def test_an_event_that_is_late_counts_as_of_now():
    watch = learned()
    found = [alert for n in range(200) for alert in watch.see(call(NOON - 60 * n))]
    assert Sign.RATE in {alert.sign for alert in found}


def test_one_event_can_stand_for_many():
    """What is tallied before it is looked at gives the same alert as every event by itself."""
    one_by_one, tallied = learned(), learned()
    single = [alert for n in range(200) for alert in one_by_one.see(call(NOON + n / 100))]
    bundle = tallied.see(call(NOON + 2, sent=200 * 200, times=200))
    assert {(alert.sign, alert.subject) for alert in single} == {
        (alert.sign, alert.subject) for alert in bundle
    }


def test_it_says_what_it_has_learned():
    assert learned().learning()["rate-principal"] == (1, 1)
    assert Watch().learning()["rate-principal"] == (0, 0)


def test_addresses_that_cost_nothing_are_not_a_mail_each():
    watch = Watch()
    found = []
    for number in range(200):
        failed = {"principal": "", "client": "", "server": "", "name": "", "kind": "event", "sent": 0}
        for _ in range(8):
            found += watch.see(
                call(NOON + number, method="auth.failed", source=f"2001:db8::{number:x}", **failed)
            )
    assert len(found) == OF_ONE
    assert "this is the 50th within an hour" in found[-1].seen
    leak = call(NOON + 200, findings=("honeytoken",), effect="deny")
    assert [alert.sign for alert in watch.see(leak)] == [Sign.HONEYTOKEN]
    later = call(NOON + 2 * HOUR, method="auth.failed", source="2001:db8::ffff", times=8, **failed)
    assert [alert.subject.source for alert in watch.see(later)] == ["2001:db8::ffff"]


def test_names_of_resources_that_cost_nothing_are_not_a_mail_each():
    watch = Watch()
    leaks = (call(NOON, name=f"file:///{number}", findings=("honeytoken",)) for number in range(200))
    assert len([alert for leak in leaks for alert in watch.see(leak)]) == OF_ONE
    assert watch.see(call(NOON, principal="user:bob", findings=("honeytoken",)))
