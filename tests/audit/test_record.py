"""The stored bytes: canonical, complete, and without anything that must not be read."""

from base64 import b64encode
from hashlib import sha256

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from keepgate.audit.record import (
    GENESIS,
    NONE,
    VERSION,
    Entry,
    Form,
    beside,
    inline,
    leaf,
    period,
    period_end,
    rfc3339,
    sort,
)
from tests.audit.made import ENTRY, WRITER, entry
from tests.spec.log_spec import leaf_hash

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.just("n" * 1025)
NUMBER = st.integers(0, 2**53 - 1)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
ENTRIES = st.builds(
    Entry,
    time_ns=st.integers(0, 250_000_000_000 * 10**9),
    trace=TEXT | st.text("0123456789abcdef", min_size=16, max_size=16),
    **dict.fromkeys(
        [
            "direction",
            "kind",
            "method",
            "principal",
            "client",
            "server",
            "name",
            "effect",
            "reason",
            "policy",
        ],
        TEXT,
    ),
    rules=TEXTS,
    findings=TEXTS,
    size=NUMBER,
    payload=TEXT.map(orjson.dumps) | st.just(b""),
    request=TEXT.map(orjson.dumps) | st.just(b""),
    private=TEXT,
)
PAYLOADS = (
    st.none()
    | st.builds(lambda nonce, sealed: (nonce.hex(), sealed), st.binary(), st.binary())
    | st.builds(lambda nonce, sealed, off: (nonce.hex(), sealed, off), st.binary(), st.binary(), NUMBER)
)


def encode(
    made: Entry, seq: int, prev: str, shown: tuple[str, str], payload: tuple[bytes, ...] = NONE
) -> bytes:
    return Form.of(made, WRITER, *shown).fill(made, seq, prev.encode(), payload)


def clipped(text: str) -> str:
    return text if len(text) <= 1024 else text[:1023] + "…"


def as_told(made: Entry, seq: int, prev: str, shown: tuple[str, str], payload: object) -> dict:
    """The record as docs/audit.md has it."""
    return {
        "v": VERSION,
        "writer": WRITER,
        "seq": seq,
        "prev": prev,
        "time": rfc3339(made.time_ns),
        "trace": clipped(made.trace),
        "direction": made.direction,
        "kind": made.kind,
        "method": clipped(made.method),
        "principal": shown[0],
        "client": clipped(made.client),
        "server": made.server,
        "name": clipped(shown[1]),
        "verdict": {"effect": made.effect, "reason": clipped(made.reason)}
        | ({"observed": made.observed} if made.observed else {}),
        "policy": made.policy,
        "rules": list(made.rules),
        "findings": list(made.findings),
        "size": made.size,
        "payload": payload,
    }


@given(ENTRIES, NUMBER, TEXT, TEXT, PAYLOADS)
def test_a_record_is_the_canonical_json_of_what_it_says(made, seq, pseudonym, name, payload):
    match payload:
        case None:
            text, told = NONE, None
        case (nonce, sealed):
            text, told = (
                inline(nonce.encode(), sealed),
                {"nonce": nonce, "sealed": b64encode(sealed).decode()},
            )
        case (nonce, sealed, offset):
            text = beside(nonce.encode(), sealed, offset)
            told = {
                "cipher": sha256(sealed).hexdigest(),
                "len": len(sealed),
                "nonce": nonce,
                "off": offset,
            }
    prev = sha256(pseudonym.encode()).hexdigest()
    stored = encode(made, seq, prev, (pseudonym, name), text)
    assert stored == rfc8785.dumps(as_told(made, seq, prev, (pseudonym, name), told))
    assert b"\n" not in stored


@given(ENTRIES, ENTRIES)
def test_a_form_serves_all_entries_of_its_sort(one, other):
    other = Entry._make([*other[:2], *sort(one), *other[15:]])
    form = Form.of(one, WRITER, "pseudonym", "shown")
    assert form == Form.of(other, WRITER, "pseudonym", "shown")
    assert form.fill(other, 7, GENESIS.encode(), NONE) == encode(other, 7, GENESIS, ("pseudonym", "shown"))
    plain = form.envelope(other)
    told = {"name": one.name} if one.name != "shown" else {}
    told |= {"private": other.private} if other.private else {}
    told |= {"body": orjson.loads(other.payload)} if other.payload else {}
    told |= {"request": orjson.loads(other.request)} if other.request else {}
    assert (orjson.loads(plain) if plain else {}) == told


def test_a_record_says_what_was_decided_about_whom():
    stored = encode(ENTRY, 0, GENESIS, ("pseudonym", "read_file"))
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
        "v": 2,
        "verdict": {"effect": "allow", "reason": ""},
        "writer": WRITER,
    }
    assert leaf(stored) == leaf_hash(stored)


def test_nothing_private_is_in_the_clear():
    made = entry(private="because of /etc/hosts", payload=b'{"path":"/etc/hosts"}')
    assert b"/etc/hosts" not in encode(made, 0, GENESIS, ("pseudonym", "shown"))
    assert b"key:cursor" not in encode(made, 0, GENESIS, ("pseudonym", "shown"))


def test_a_text_that_outsiders_chose_is_cut():
    stored = encode(entry(method="m" * 5000), 0, GENESIS, ("p", "n" * 5000))
    assert len(stored) < 3000
    assert orjson.loads(stored)["method"].endswith("m…")


@pytest.mark.parametrize(
    ("made", "shown", "plain"),
    [
        (entry(), "read_file", {"body": {"path": "/etc/hosts"}}),
        (entry(payload=b""), "read_file", None),
        (entry(payload=b"", private="why"), "read_file", {"private": "why"}),
        (entry(name="file:///x"), "file:#1", {"body": {"path": "/etc/hosts"}, "name": "file:///x"}),
        (entry(request=b"{}"), "read_file", {"body": {"path": "/etc/hosts"}, "request": {}}),
        (entry(request=b"{}", payload=b""), "read_file", {"request": {}}),
        (entry(request=b"{}", private="why", payload=b""), "read_file", {"private": "why", "request": {}}),
    ],
)
def test_the_envelope_holds_what_the_record_may_not(made, shown, plain):
    sealed = Form.of(made, WRITER, "pseudonym", shown).envelope(made)
    assert (orjson.loads(sealed) if sealed else None) == plain


def test_times_sort_as_text_and_fall_into_months():
    times = [0, 999_999_999, 1_000_000_000, ENTRY.time_ns, ENTRY.time_ns + 1]
    assert sorted(map(rfc3339, times)) == [rfc3339(moment) for moment in times]
    assert rfc3339(0) == "1970-01-01T00:00:00.000000000Z"
    assert period(ENTRY.time_ns) == "2026-11"


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        (0, "1970-02-01T00:00:00.000000000Z"),
        (ENTRY.time_ns, "2026-12-01T00:00:00.000000000Z"),
        (ENTRY.time_ns + 15 * 86_400 * 10**9, "2027-01-01T00:00:00.000000000Z"),
    ],
)
def test_a_month_ends_where_the_next_begins(moment, end):
    assert rfc3339(period_end(moment)) == end
    assert period(period_end(moment) - 1) == period(moment) != period(period_end(moment))


@pytest.mark.parametrize("field", ["client", "trace", "private", "name"])
def test_text_that_is_not_unicode_cannot_be_recorded(field):
    made = entry(**{field: "\ud800"})
    with pytest.raises(TypeError):
        Form.of(made, WRITER, "p", "n").envelope(made)
        encode(made, 0, GENESIS, ("p", "n"))
