"""Crypto-shredding: the keys of a person are destroyed, the log still verifies, and a running log notices."""

import pytest

from keepgate.audit.verify import Status
from keepgate.stores.audit import Pace
from keepgate.stores.audit.data_keys import DataKeys
from keepgate.stores.audit.payloads import Payloads
from keepgate.stores.audit.reading import verify
from tests.audit.made import ENTRY, LONG, entry
from tests.stores.audit.conftest import KEK, signed

DECEMBER = ENTRY.time_ns + 20 * 86_400 * 10**9


@pytest.fixture
def keys(state):
    return DataKeys(state / "audit" / "keys", KEK)


def test_erasing_closes_payloads_and_name_for_ever_and_the_log_verifies(opened, state, keys):
    log = opened()
    for who in ("key:alice", "key:bob"):
        log.append(entry(principal=who))
        log.append(LONG._replace(principal=who, time_ns=DECEMBER))
    log.close()
    gone = keys.erase("key:alice")
    assert len(gone) == 2
    found = list(Payloads(state, KEK).opened())
    assert [each.principal for each in found] == ["", "", "key:bob", "key:bob"]
    assert [each.envelope is None for each in found] == [True, True, False, False]
    assert {each.why for each in found if each.envelope is None} == {"its key was destroyed"}
    (report,) = verify(state)
    assert (report.status, report.signed) == (Status.PASS, 4)
    assert keys.erase("key:alice") == []


def test_a_month_can_be_erased_alone(opened, keys):
    log = opened()
    log.append(ENTRY)
    log.append(entry(time_ns=DECEMBER))
    keys.erase(ENTRY.principal, until="2026-11")
    assert [key.period for key in keys.all().values()] == ["2026-12"]


def test_a_log_that_runs_uses_a_new_key_after_an_erasure(opened, keys):
    log = opened(pace=Pace(seconds=0.001))
    log.append(ENTRY)
    signed(log)
    before = keys.all().keys()
    keys.erase(ENTRY.principal)
    while log._erasures != keys.erasures():
        log.append(ENTRY)
        signed(log)
    log.append(ENTRY)
    (after,) = keys.all()
    assert after not in before


def test_nothing_left_on_the_disk_says_the_name(opened, state, keys):
    log = opened()
    log.append(entry(principal="key:NEEDLE", payload=b'"NEEDLE"', private="NEEDLE"))
    log.close()
    keys.erase("key:NEEDLE")
    assert b"NEEDLE" not in b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())
