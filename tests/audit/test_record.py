"""The stored bytes: canonical, complete, and without anything that must not be read."""

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from keepgate.audit.record import GENESIS, encode, envelope, leaf, period, rfc3339
from tests.audit.made import ENTRY, WRITER, entry
from tests.spec.log_spec import leaf_hash

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(TEXT, TEXT, st.lists(TEXT, max_size=3), st.integers(0, 2**53 - 1))
def test_a_record_is_canonical_json(text, name, rules, size):
    made = entry(client=text, method=text, server=text, reason=text, rules=tuple(rules), size=size)
    payload = {"cipher": text, "digest": text, "len": size, "off": size}
    stored = encode(made, (WRITER, size, GENESIS), ("pseudonym", name), payload)
    assert rfc8785.dumps(orjson.loads(stored)) == stored
    assert b"\n" not in stored


def test_a_record_says_what_was_decided_about_whom():
    stored = encode(ENTRY, (WRITER, 0, GENESIS), ("pseudonym", "read_file"), None)
    assert orjson.loads(stored) == {
        "client": "cursor/1.0",
        "direction": "to_server",
        "findings": [],
        "kind": "request",
        "method": "tools/call",
        "name": "read_file",
        "payload": None,
        "policy": "",
        "prev": GENESIS,
        "principal": "pseudonym",
        "rules": ["policy0"],
        "seq": 0,
        "server": "files",
        "size": 40,
        "time": "2026-11-21T08:33:20.123456789Z",
        "trace": "d-1",
        "v": 1,
        "verdict": {"effect": "allow", "reason": ""},
        "writer": WRITER,
    }
    assert leaf(stored) == leaf_hash(stored)


def test_nothing_private_is_in_the_clear():
    made = entry(private="because of /etc/hosts", payload=b'{"path":"/etc/hosts"}')
    assert b"/etc/hosts" not in encode(made, (WRITER, 0, GENESIS), ("pseudonym", "shown"), None)
    assert b"key:cursor" not in encode(made, (WRITER, 0, GENESIS), ("pseudonym", "shown"), None)


def test_a_text_that_outsiders_chose_is_cut():
    stored = encode(entry(method="m" * 5000), (WRITER, 0, GENESIS), ("p", "n" * 5000), None)
    assert len(stored) < 3000
    assert orjson.loads(stored)["method"].endswith("m…")


@pytest.mark.parametrize(
    ("made", "shown", "plain"),
    [
        (entry(), "read_file", {"body": {"path": "/etc/hosts"}}),
        (entry(payload=b""), "read_file", None),
        (entry(payload=b"", private="why"), "read_file", {"private": "why"}),
        (entry(name="file:///x"), "file:#1", {"body": {"path": "/etc/hosts"}, "name": "file:///x"}),
    ],
)
def test_the_envelope_holds_what_the_record_may_not(made, shown, plain):
    sealed = envelope(made, shown)
    assert (orjson.loads(sealed) if sealed else None) == plain


def test_times_sort_as_text_and_fall_into_months():
    times = [0, 999_999_999, 1_000_000_000, ENTRY.time_ns, ENTRY.time_ns + 1]
    assert sorted(map(rfc3339, times)) == [rfc3339(moment) for moment in times]
    assert rfc3339(0) == "1970-01-01T00:00:00.000000000Z"
    assert period(ENTRY.time_ns) == "2026-11"


def test_text_that_is_not_unicode_cannot_be_recorded():
    with pytest.raises(TypeError):
        encode(entry(client="\ud800"), (WRITER, 0, GENESIS), ("p", "n"), None)
