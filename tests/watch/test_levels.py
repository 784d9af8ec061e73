"""Too much within five minutes, and what is not."""

import pytest

from keepgate.watch.alert import Sign
from keepgate.watch.engine import Watch
from keepgate.watch.levels import is_failed_login
from tests.watch.made import DAY, HOUR, MONDAY, call, weeks

NOON = MONDAY + 9 * DAY + 12 * HOUR
"""On a Wednesday, after seven working days."""


@pytest.fixture
def watch():
    watch = Watch()
    for event in weeks(9):
        assert watch.see(event) == []
    return watch


def alerts(watch, events):
    return [alert for event in events for alert in watch.see(event)]


def login(at, **what):
    return call(
        at,
        kind="event",
        method="auth.failed",
        effect="deny",
        principal="",
        server="",
        name="",
        sent=0,
        **what,
    )


def reply(at, **what):
    return call(at, kind="result", to_server=False, sent=0, **what)


def page(number):
    return call(NOON + 3 * number, name=f"file://x#{number}", method="resources/read")


TOO_MUCH = [
    (
        "failed logins",
        Sign.FAILED_AUTHENTICATION,
        [login(NOON + 5 * n, source="10.0.0.9") for n in range(12)],
    ),
    ("denials", Sign.REPEATED_DENIALS, [call(NOON + 5 * n, effect="deny") for n in range(12)]),
    ("calls", Sign.RATE, [call(NOON + n / 2) for n in range(200)]),
    ("bytes out", Sign.DATA_TRANSFER, [call(NOON + 20 * n, sent=60_000) for n in range(6)]),
    ("bytes in", Sign.DATA_TRANSFER, [reply(NOON + 9 * n, received=400_000) for n in range(6)]),
    ("names", Sign.ENUMERATION, [page(n) for n in range(40)]),
    ("errors", Sign.ERROR_BURST, [reply(NOON + 3 * n, failed=True) for n in range(90)]),
]


@pytest.mark.parametrize(
    ("sign", "events"), [case[1:] for case in TOO_MUCH], ids=[case[0] for case in TOO_MUCH]
)
def test_too_much_is_told_once_within_five_minutes(watch, sign, events):
    found = [alert for alert in alerts(watch, events) if alert.sign is sign]
    assert len(found) == 1
    assert found[0].time - NOON <= 300
    assert found[0].records
    assert found[0].expected.startswith("at most ")


@pytest.mark.parametrize(
    ("sign", "events"), [case[1:] for case in TOO_MUCH], ids=[case[0] for case in TOO_MUCH]
)
def test_a_tenth_of_it_is_nothing(watch, sign, events):
    assert alerts(watch, events[: max(1, len(events) // 10)]) == []


def test_an_error_burst_needs_a_past_but_guessing_does_not():
    watch = Watch()
    assert alerts(watch, TOO_MUCH[6][2]) == []
    assert [alert.sign for alert in alerts(watch, TOO_MUCH[0][2])] == [Sign.FAILED_AUTHENTICATION]


def test_what_happens_every_day_is_usual():
    watch = Watch()
    for day in range(9):
        burst = [call(MONDAY + day * DAY + 12 * HOUR + n / 2) for n in range(200)]
        found = alerts(watch, burst)
        assert not found or day < 3


def test_it_is_told_again_when_it_doubles(watch):
    first = alerts(watch, [call(NOON + n / 4) for n in range(100)])
    later = alerts(watch, [call(NOON + 2 * HOUR + n / 4) for n in range(100)])
    worse = alerts(watch, [call(NOON + 4 * HOUR + n / 10) for n in range(600)])
    assert [len([a for a in found if a.sign is Sign.RATE]) for found in (first, later, worse)] == [1, 0, 1]


def test_growing_slowly_is_seen():
    """Each day a quarter more than the day before stays below every threshold of the day."""
    watch, found = Watch(), []
    for day in range(40):
        amount = int(30_000 * 1.25**day)
        found += alerts(watch, [call(MONDAY + day * DAY + (9 + n) * HOUR, sent=amount) for n in range(8)])
    assert any("have become usual" in alert.seen for alert in found if alert.sign is Sign.DATA_TRANSFER)


def test_who_has_no_past_is_measured_by_everybody(watch):
    mild = [call(NOON + 10 * n, principal="user:new") for n in range(30)]
    assert [alert.sign for alert in alerts(watch, mild)] == []
    wild = [call(NOON + HOUR + n / 10, principal="user:wild") for n in range(400)]
    assert Sign.RATE in [alert.sign for alert in alerts(watch, wild)]


def test_failed_logins_by_any_name():
    assert is_failed_login(login(0))
    assert is_failed_login(call(0, method="login", effect="deny"))
    assert not is_failed_login(call(0, method="auth.scope", effect="deny"))
    assert not is_failed_login(call(0, method="tools/call", effect="deny"))
