"""What is read from logs, keepgate's own and others'."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.model.errors import RemoteError
from keepgate.watch.event import Event, event_of, shape_of

RECORD = {
    "client": "cursor/1.4",
    "direction": "to_server",
    "findings": ["secrets"],
    "kind": "request",
    "method": "tools/call",
    "name": "read_file",
    "policy": "abc",
    "principal": "user:ann",
    "rules": ["role:analyst"],
    "seq": 7,
    "server": "files",
    "size": 120,
    "time": "2026-11-21T08:15:30.123456789Z",
    "trace": "t1",
    "verdict": {"effect": "deny", "reason": "not granted"},
    "writer": "00ff",
}


def test_a_record_of_our_own():
    assert event_of(RECORD) == Event(
        time=1795248930.123456,
        id="00ff:7",
        principal="user:ann",
        client="cursor/1.4",
        server="files",
        name="read_file",
        method="tools/call",
        effect="deny",
        rules=("role:analyst",),
        findings=("secrets",),
        sent=120,
        own=False,
    )


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ({"time": 1795248930}, {"time": 1795248930}),
        ({"time": 1795248930123}, {"time": 1795248930.123}),
        ({"time": 1795248930123456789}, {"time": 1795248930.123456789}),
        ({"time": "2026-11-21T08:15:30Z"}, {"time": 1795248930}),
        ({"time": "2026-11-21T08:15:30"}, {"time": 1795248930}),
        ({"time": "2026-11-21T10:15:30.5+02:00"}, {"time": 1795248930.5}),
        ({"verdict": "DENY", "reason": "bad key, from 10.0.0.9"}, {"effect": "deny", "source": "10.0.0.9"}),
        ({"source": "10.0.0.1"}, {"source": "10.0.0.1"}),
        ({"sizes": {"request": 5, "response": 70}}, {"sent": 5, "received": 70}),
        ({"direction": "to_client", "size": 9, "kind": "result"}, {"sent": 0, "received": 9}),
        ({"kind": "error"}, {"failed": True}),
        ({"kind": "event", "writer": "00ff", "seq": 1}, {"own": True, "id": "00ff:1"}),
        ({"error": "timeout"}, {"failed": True}),
        ({"arguments": {"b": 1, "a": 2}}, {"shape": ("a", "b")}),
        ({"tool": "read"}, {"name": "read"}),
        ({"principal": {"id": "user:ann"}}, {"principal": "user:ann"}),
        ({"findings": [{"rule": "honeytoken"}]}, {"findings": ("honeytoken",)}),
        ({"size": True}, {"sent": 0}),
        ({"size": -5}, {"sent": 0}),
        ({"name": ["x"]}, {"name": ""}),
    ],
    ids=str,
)
def test_what_other_writers_say(value, what):
    event = event_of({"time": 0} | value)
    assert {key: getattr(event, key) for key in what} == what


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ([], "JSON object"),
        ({}, "`time`"),
        ({"time": "yesterday"}, "`yesterday`"),
        ({"time": True}, "`time`"),
        ({"time": -1}, "`time`"),
    ],
)
def test_what_cannot_be_used_is_said(value, why):
    with pytest.raises(RemoteError, match=why):
        event_of(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*RECORD, "sizes", "arguments", "error", "id", "shape"]), JSON))
def test_anything_is_an_event_or_an_error(value):
    try:
        event = event_of(value)
    except RemoteError:
        return
    assert event.sent >= 0
    assert len(event.rules) <= 32
    assert all(len(text) <= 256 for text in (event.principal, event.name, *event.shape))


def test_a_shape_is_bounded():
    assert len(shape_of({str(number): 0 for number in range(1000)})) == 32
    assert shape_of({"x" * 1000: 0}) == ("x" * 64,)
    assert shape_of("no object") == ()
