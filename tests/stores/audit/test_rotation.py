"""Rotation of the signing key: old logs verify, the new key is named by them, and nobody else can bring one in."""

import shutil

import pytest

from keepgate.audit.checkpoint import PublicKey
from keepgate.audit.record import ROTATED, SET_ASIDE
from keepgate.audit.verify import Status
from keepgate.model.errors import LocalError
from keepgate.stores.audit import open_log
from keepgate.stores.audit.files import SIGNING_KEY, writers
from keepgate.stores.audit.reading import records, verify
from keepgate.stores.audit.rotation import rotate_signing_key
from tests.audit.made import ENTRY
from tests.stores.audit.conftest import KEK


def life(opened, count=3):
    log = opened()
    for _ in range(count):
        log.append(ENTRY)
    log.close()
    return log


def key_of(log) -> bytes:
    return PublicKey.parse((log.directory / "public.key").read_text()).raw


def open_questions(state) -> list[str]:
    return [text for report in verify(state) for text in report.unknown if "whose key" in text]


def test_a_new_key_signs_from_then_on_and_the_old_logs_name_it(opened, state):
    first = life(opened)
    before = (state / "audit" / SIGNING_KEY).read_bytes()
    assert rotate_signing_key(state, KEK) == 1
    assert (state / "audit" / SIGNING_KEY).read_bytes() != before
    second = life(opened)
    assert second.writer != first.writer
    assert key_of(second) != key_of(first)
    assert rotate_signing_key(state, KEK) == 1
    third = life(opened)
    reports = verify(state)
    assert {report.status for report in reports} == {Status.PASS}
    assert len(reports) == 3
    assert open_questions(state) == []
    methods = [stored.data for log in (second, third) for stored in records(log.directory, 0, 0)]
    assert not any(SET_ASIDE.encode() in data for data in methods)  # an ended log is no accident
    assert sum(ROTATED.encode() in data for data in methods) == 1


def test_all_writers_end(opened, state):
    logs = [opened(), opened()]
    for log in logs:
        log.append(ENTRY)
        log.close()
    assert rotate_signing_key(state, KEK) == 2
    life(opened)
    assert [report.status for report in verify(state)] == [Status.PASS] * 3
    assert open_questions(state) == []


def test_a_log_under_a_key_that_nobody_named_is_an_open_question(opened, state, tmp_path):
    life(opened)
    other = tmp_path / "forged"
    log = open_log(other, KEK)
    log.append(ENTRY)
    log.close()
    shutil.copytree(log.directory, state / "audit" / log.writer)
    assert len(open_questions(state)) == 2


def test_nothing_is_rotated_while_somebody_writes(opened, state):
    log = opened()
    log.append(ENTRY)
    with pytest.raises(LocalError, match="running"):
        rotate_signing_key(state, KEK)
    log.append(ENTRY)
    log.close()
    assert [report.status for report in verify(state)] == [Status.PASS]


def test_without_a_log_there_is_nothing_to_rotate(state):
    with pytest.raises(LocalError):
        rotate_signing_key(state, KEK)


def test_broken_off_before_the_new_key_everything_goes_on_under_the_old(opened, state, monkeypatch):
    first = life(opened)
    monkeypatch.setattr("keepgate.stores.audit.rotation.replace", lambda *_: (_ for _ in ()).throw(OSError()))
    with pytest.raises(OSError):
        rotate_signing_key(state, KEK)
    assert life(opened).writer == first.writer
    monkeypatch.undo()
    assert rotate_signing_key(state, KEK) == 1
    life(opened)
    assert [report.status for report in verify(state)] == [Status.PASS] * 2
    assert open_questions(state) == []
    assert len(writers(state / "audit")) == 2
