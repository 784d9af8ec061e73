"""Records that differ in nothing but time and size are one event."""

from keepgate.audit.record import Entry, Heard, sort
from keepgate.gateway.tally import tally
from keepgate.watch.certain import certain
from keepgate.watch.levels import is_failed_login


def entry(at, **what):
    known = {
        "time_ns": at * 10**9,
        "trace": f"t{at}",
        "direction": "to_server",
        "kind": "request",
        "method": "tools/call",
        "principal": "key:a",
        "client": "c/1",
        "server": "files",
        "name": "read",
        "effect": "allow",
        "size": 10,
    }
    made = Entry(**known | what)
    return Heard(sort(made), made.time_ns, made.trace, made.size, made.payload)


def test_what_is_heard_is_the_entry_again():
    heard = entry(1, payload=b"{}", reason="why", rules=("r",))
    assert heard.entry() == Entry(
        10**9, "t1", "to_server", "request", "tools/call", "key:a", "c/1", "files", "read", "allow",
        reason="why", rules=("r",), size=10, payload=b"{}",
    )  # fmt: skip


def test_what_is_alike_is_counted():
    (event,) = tally(entry(at, size=at) for at in range(1, 5))
    assert (event.times, event.sent, event.received, event.time, event.id) == (4, 10, 0, 4.0, "t4")


def test_what_differs_stays_apart_in_order_of_time():
    events = tally([entry(3), entry(1, name="write"), entry(2, kind="error", direction="to_client", size=7)])
    assert [(event.name, event.failed, event.sent, event.received) for event in events] == [
        ("write", False, 10, 0),
        ("read", True, 0, 7),
        ("read", False, 10, 0),
    ]


def test_the_names_of_arguments_are_seen():
    events = tally(
        entry(at, payload=payload)
        for at, payload in enumerate(
            [
                b'{"arguments":{"path":1}}',
                b'{"arguments":{"b":2,"a":1}}',
                b"not json",
                b"[]",
                b'{"arguments":[]}',
            ],
            1,
        )
    )
    assert [event.shape for event in events] == [("a", "b", "path")]


def test_where_a_refused_login_came_from():
    (event,) = tally(
        [entry(1, kind="event", method="auth.failed", reason="unknown key, from 10.0.0.9", effect="deny")]
    )
    assert event.source == "10.0.0.9"


def test_the_watch_does_not_watch_itself():
    assert tally([entry(1, kind="event", method="alert.raised")]) == []


def test_a_caller_does_not_speak_for_keepgate_by_the_name_of_a_method():
    """Nor goes unwatched by it."""
    events = tally(
        entry(at, method=method, effect="deny", principal="key:mallory")
        for at, method in enumerate(("alert.raised", "auth.failed", "lock.withheld"))
    )
    assert [event.own for event in events] == [False] * 3
    assert not any(is_failed_login(event) or certain(event) for event in events)
    assert tally([entry(1, kind="event", method="alert.raised")]) == []
