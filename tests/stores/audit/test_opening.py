"""Opening after a clean end, after a torn one, beside another process, and beside files that do not fit."""

import errno
import os

import orjson
import pytest

from keepgate.audit.record import RECOVERED, SET_ASIDE
from keepgate.audit.verify import Status
from keepgate.model.errors import AuditError
from keepgate.stores.audit import Pace, open_log
from keepgate.stores.audit.reading import records, verify
from tests.audit.made import ENTRY, LONG
from tests.stores.audit.conftest import KEK, signed


def stored(log) -> list[dict]:
    return [orjson.loads(found.data) for found in records(log.directory, 0, 0)]


@pytest.fixture
def written(opened, state):
    """The directory of a writer that was closed in an orderly way after three records."""
    log = opened(deployment="lab")
    for _ in range(3):
        log.append(LONG)
    log.close()
    return log.directory


def test_two_processes_never_share_a_writer(opened, state):
    first, second = opened(), opened()
    assert first.writer != second.writer
    first.append(ENTRY)
    second.append(ENTRY)
    first.close()
    second.close()
    assert {opened().writer, opened().writer} == {first.writer, second.writer}
    assert [report.status for report in verify(state)] == [Status.PASS] * 2


def test_a_torn_last_record_is_cut_off_and_told(written, opened, state):
    with (written / "00000001.log").open("ab") as stream:
        stream.write(b'{"client":"torn')
    assert verify(state)[0].status is Status.PASS
    log = opened()
    *old, told = stored(log)
    assert (log.writer, len(old)) == (written.name, 3)
    assert (told["method"], told["kind"]) == (RECOVERED, "event")
    assert "15 bytes" in told["verdict"]["reason"]
    log.close()
    (report,) = verify(state)
    assert (report.status, report.signed) == (Status.PASS, 4)


def test_bytes_of_a_power_failure_are_cut_off_like_any_torn_record(written, opened, state):
    with (written / "00000001.log").open("ab") as stream:
        stream.write(b"\0" * 4096)
    log = opened()
    assert stored(log)[-1]["method"] == RECOVERED
    log.close()
    assert len(verify(state)[0].unknown) == 1  # nothing unfinished is left


def test_a_payload_without_its_record_is_overwritten(written, opened, state):
    with (written / "00000001.sealed").open("ab") as stream:
        stream.write(b"orphan" * 10)
    log = opened()
    log.append(ENTRY)
    log.close()
    assert verify(state)[0].status is Status.PASS


def test_a_torn_checkpoint_is_written_again(written, opened, state):
    path = written / "checkpoints"
    path.write_bytes(path.read_bytes()[:-9])
    log = opened()
    log.append(ENTRY)
    log.close()
    (report,) = verify(state)
    assert (report.status, report.signed) == (Status.PASS, 4)


def unsigned_tail(opened):
    """A writer with one signed record and two that no checkpoint covers, as a killed process leaves it."""
    log = opened(pace=Pace(seconds=3600))
    log.append(LONG)
    signed(log)
    log.append(LONG)
    log.append(LONG)
    os.close(log._lock_file)
    log._lock_file = os.open(os.devnull, os.O_RDONLY)
    log._signed = log._seq  # it does not sign when the test closes it
    return log.directory


@pytest.mark.parametrize("zeros", [True, False])
def test_payloads_lost_in_a_power_failure_are_unknown_and_no_false_alarm(opened, state, zeros):
    directory = unsigned_tail(opened)
    sealed = directory / "00000001.sealed"
    whole = sealed.read_bytes()
    half = len(whole) // 2
    sealed.write_bytes(whole[:half] + (b"\0" * (len(whole) - half) if zeros else b""))
    log = opened()
    assert log.writer == directory.name
    assert stored(log)[-1]["rules"] == ["1-2"]
    log.append(ENTRY)
    log.close()
    (report,) = verify(state)
    assert (report.status, report.signed) == (Status.PASS, 5)
    assert len([question for question in report.unknown if "power failure" in question]) == 2


def test_signed_payloads_are_not_excused_by_a_restart(written, opened, state):
    (written / "00000001.sealed").write_bytes(b"")
    log = opened()
    log.append(ENTRY)
    log.close()
    assert verify(state)[0].status is Status.FAIL


def edit(path, old, new):
    path.write_bytes(path.read_bytes().replace(old, new))


DAMAGE = {
    "record edited": lambda d: edit(d / "00000001.log", b"read_file", b"rm_file"),
    "records removed": lambda d: (d / "00000001.log").write_bytes(
        b"".join((d / "00000001.log").read_bytes().splitlines(keepends=True)[:2])
    ),
    "header edited": lambda d: edit(d / "00000001.log", b'"seq":0,"writer', b'"seq":1,"writer'),
    "checkpoint edited": lambda d: edit(d / "checkpoints", b"\n3\n", b"\n2\n"),
    "public key removed": lambda d: (d / "public.key").write_text(""),
}


@pytest.mark.parametrize("damage", DAMAGE, ids=str)
def test_a_log_that_does_not_fit_is_kept_as_evidence_and_another_writer_begins(
    written, opened, state, damage
):
    DAMAGE[damage](written)
    before = (written / "00000001.log").read_bytes()
    log = opened()
    assert log.writer != written.name
    told = stored(log)[0]
    assert told["method"] == SET_ASIDE
    assert written.name in told["verdict"]["reason"]
    assert (written / "00000001.log").read_bytes() == before
    log.close()
    assert {report.writer: report.status for report in verify(state)} == {
        written.name: Status.FAIL,
        log.writer: Status.PASS,
    }


def test_a_name_of_the_deployment_lasts_as_long_as_the_writer(written, opened):
    assert (written / "public.key").read_text().startswith(f"lab/{written.name}+")
    log = opened(deployment="renamed")
    log.append(ENTRY)
    log.close()
    assert "renamed" not in (written / "checkpoints").read_text()


def test_another_key_than_the_one_the_log_was_begun_with_refuses_to_start(written, state):
    with pytest.raises(AuditError, match="another key"):
        open_log(state, bytes(32))


def test_a_start_that_was_killed_half_way_is_taken_up(opened, state):
    half = state / "audit" / "0011223344556677"
    half.mkdir(parents=True)
    assert verify(state) == []
    log = opened()
    assert log.writer == half.name
    log.append(ENTRY)
    log.close()
    assert verify(state)[0].status is Status.PASS


def test_a_disk_that_refuses_is_an_audit_error_and_holds_nothing(written, state, monkeypatch, opened):
    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with (written / "00000001.log").open("ab") as stream:
        stream.write(b"torn")
    with monkeypatch.context() as patch, pytest.raises(AuditError):
        patch.setattr(os, "pwrite", full)
        open_log(state, KEK)
    assert opened().writer == written.name


def test_checkpoints_kept_elsewhere_are_found_by_their_writer(written, opened, state, tmp_path):
    kept = tmp_path / "kept"
    kept.write_bytes((written / "checkpoints").read_bytes())
    (report,) = verify(state, elsewhere=[kept])
    assert (report.status, report.unknown) == (Status.PASS, [])
    for path in written.iterdir():
        path.unlink()
    written.rmdir()
    (report,) = verify(state, elsewhere=[kept])
    assert report.status is Status.FAIL
