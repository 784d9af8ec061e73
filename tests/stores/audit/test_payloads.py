"""Opening payloads: those in records and those beside, of all writers, and what can no longer be opened."""

import orjson
import pytest

from keepgate.audit.checkpoint import EvidenceError
from keepgate.stores.audit.payloads import Payloads
from tests.audit.made import ENTRY, LONG, entry
from tests.stores.audit.conftest import KEK

SECOND = 1_000_000_000


def test_every_payload_comes_back_in_the_order_of_time_over_all_writers(opened, state):
    one, two = opened(), opened()
    for number in range(6):
        log = (one, two)[number % 2]
        log.append(
            (LONG if number == 3 else ENTRY)._replace(
                time_ns=ENTRY.time_ns + number * SECOND, trace=str(number), request=b'{"n":%d}' % number
            )
        )
    found = [each for each in Payloads(state, KEK).opened() if each.record["kind"] == "request"]
    assert [each.record["trace"] for each in found] == [str(number) for number in range(6)]
    assert [each.envelope["request"] for each in found] == [{"n": number} for number in range(6)]
    assert {each.principal for each in found} == {"key:cursor"}
    assert found[3].envelope["body"] == orjson.loads(LONG.payload)
    assert found[0].envelope["body"] == {"path": "/etc/hosts"}


def test_only_what_is_wanted_and_in_time_is_opened(opened, state):
    log = opened()
    for number in range(4):
        log.append(entry(time_ns=ENTRY.time_ns + number * SECOND, trace=str(number)))
    times = [each.record["time"] for each in Payloads(state, KEK).opened()]
    payloads = Payloads(state, KEK)
    found = payloads.opened(since=times[1], until=times[3], wanted=lambda record: record["trace"] != "2")
    assert [each.record["trace"] for each in found] == ["1"]


def test_a_record_without_payload_has_none(opened, state):
    opened().append(entry(payload=b""))
    (found,) = Payloads(state, KEK).opened()
    assert (found.envelope, found.why) == (None, "")


def test_what_was_erased_stays_closed_and_the_rest_opens(opened, state):
    log = opened()
    log.append(entry())
    log.append(entry(principal="key:other"))
    record = next(Payloads(state, KEK).opened()).record
    next((state / "audit" / "keys").glob(f"*-{record['principal']}")).unlink()
    first, second = Payloads(state, KEK).opened()
    assert (first.principal, first.envelope, first.why) == ("", None, "its key was destroyed")
    assert second.envelope is not None


def test_a_changed_payload_is_said_to_be_changed(opened, state):
    log = opened()
    log.append(LONG)
    path = log.directory / "00000001.sealed"
    sealed = bytearray(path.read_bytes())
    sealed[0] ^= 1
    path.write_bytes(sealed)
    (found,) = Payloads(state, KEK).opened()
    assert found.envelope is None
    assert "changed" in found.why


def test_with_another_key_nothing_opens(opened, state):
    opened().append(ENTRY)
    with pytest.raises(EvidenceError):
        Payloads(state, bytes(32))
