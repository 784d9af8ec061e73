"""Quiet weeks, to plant something in."""

from collections.abc import Iterator

from keepgate.watch.event import Event

MONDAY = 1793577600.0
"""2026-11-02, a Monday, 00:00 UTC."""
HOUR = 3600.0
DAY = 24 * HOUR


def call(at: float, **what: object) -> Event:
    known = {"principal": "user:ann", "client": "cursor/1", "server": "files", "name": "read", "sent": 200}
    return Event(**{"time": at, "id": f"e{at:.0f}", "method": "tools/call"} | known | what)  # type: ignore[arg-type]


def weeks(days: int, *, first: int = 0, calls: int = 40, **what: object) -> Iterator[Event]:
    """Working hours from 9 to 17 UTC on the days from Monday to Friday, the same number of calls in each hour."""
    for day in range(first, days):
        if day % 7 < 5:
            for number in range(calls):
                yield call(MONDAY + day * DAY + (9 + 8 * number / calls) * HOUR, **what)
