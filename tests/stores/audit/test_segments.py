"""The log as the gateway uses it: what is on the disk when `append` and `durable` return."""

import asyncio
import errno
import os
import stat
import threading
from base64 import b64decode

import orjson
import pytest

from keepgate.audit.checkpoint import notes
from keepgate.audit.record import INLINE
from keepgate.audit.verify import Status
from keepgate.model.errors import AuditError
from keepgate.stores.audit import Pace
from keepgate.stores.audit.data_keys import DataKeys
from keepgate.stores.audit.reading import records, verify
from keepgate.stores.audit.segments import NONCES
from tests.audit.made import ENTRY, LONG, entry
from tests.stores.audit.conftest import KEK, signed


def stored(log) -> list[dict]:
    return [orjson.loads(found.data) for found in records(log.directory, 0, 0)]


def test_a_record_is_in_its_file_when_append_returns(opened):
    log = opened()
    for number in range(3):
        assert log.append(entry(trace=f"t{number}")) == number
        assert stored(log)[-1]["trace"] == f"t{number}"


def test_numbers_and_chain_go_on_after_a_restart(opened, state):
    first = opened()
    first.append(ENTRY)
    first.close()
    second = opened()
    assert second.writer == first.writer
    assert second.append(ENTRY) == 1
    second.close()
    (report,) = verify(state)
    assert (report.status, report.records, report.signed) == (Status.PASS, 2, 2)


@pytest.mark.parametrize("length", [0, INLINE])
def test_the_payload_opens_with_the_key_of_its_principal(opened, state, length):
    log = opened()
    body = "x" * length
    made = entry(private="because", name="file:///a/b", method="resources/read", payload=orjson.dumps(body))
    log.append(made)
    (record,) = stored(log)
    key = DataKeys(state / "audit" / "keys", KEK).all()[record["principal"]]
    assert key.principal == "key:cursor"
    place = record["payload"]
    if length:
        sealed = (log.directory / "00000001.sealed").read_bytes()[place["off"] : place["off"] + place["len"]]
    else:
        sealed = b64decode(place["sealed"])
    plain = key.unseal(
        bytes.fromhex(place["nonce"]), sealed, f"keepgate audit payload v2 {log.writer} 0".encode()
    )
    assert orjson.loads(plain) == {"body": body, "name": "file:///a/b", "private": "because"}


def test_no_nonce_is_used_twice(opened):
    log = opened()
    for number in range(2 * NONCES + 2):
        log.append((ENTRY, LONG)[number % 2])
    assert len({record["payload"]["nonce"] for record in stored(log)}) == 2 * NONCES + 2


def test_only_so_many_forms_are_kept_and_none_of_long_texts(opened, monkeypatch):
    monkeypatch.setattr("keepgate.stores.audit.segments.FORMS", 4)
    log = opened()
    for number in range(12):
        log.append(entry(name=f"tool{number}"))
        log.append(entry(client="x" * 2000))
        assert len(log._forms) <= 4
    assert [record["name"] for record in stored(log)[::2]] == [f"tool{number}" for number in range(12)]
    assert not [sort for sort in log._forms if "x" * 2000 in sort]


def test_no_payload_name_or_key_is_readable_on_the_disk(opened, state):
    log = opened()
    words = ["NEEDLE-payload", "NEEDLE-private", "NEEDLE-path", "NEEDLE-principal"]
    for _ in range(3):
        log.append(
            entry(
                payload=b'{"a":"NEEDLE-payload"}',
                private="NEEDLE-private",
                principal="user:NEEDLE-principal",
                method="resources/read",
                name="file:///NEEDLE-path?token=NEEDLE-path",
            )
        )
    log.close()
    everything = b"".join(
        str(path).encode() + path.read_bytes() for path in state.rglob("*") if path.is_file()
    )
    assert not [word for word in words if word.encode() in everything]
    assert KEK not in everything


def test_only_the_owner_can_read_anything(opened, state):
    umask = os.umask(0)
    try:
        log = opened()
        log.append(ENTRY)
        log.close()
    finally:
        os.umask(umask)
    for path in [state, *state.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_one_data_key_for_each_principal_and_month_however_often_it_restarts(opened, state):
    november, december = ENTRY.time_ns, ENTRY.time_ns + 20 * 86_400 * 1_000_000_000
    for _ in range(2):
        log = opened()
        for time_ns in (november, december, november):
            for principal in ("key:a", "key:b"):
                log.append(entry(time_ns=time_ns, principal=principal))
        log.close()
    keys = DataKeys(state / "audit" / "keys", KEK).all().values()
    assert sorted((key.period, key.principal) for key in keys) == [
        ("2026-11", "key:a"),
        ("2026-11", "key:b"),
        ("2026-12", "key:a"),
        ("2026-12", "key:b"),
    ]


def test_segments_rotate_and_stay_one_log(opened, state):
    log = opened(pace=Pace(segment_bytes=2000, records=5))
    for _ in range(20):
        log.append(ENTRY)
    assert len(list(log.directory.glob("*.log"))) > 3
    assert verify(state)[0].status is Status.PASS
    log.close()
    again = opened(pace=Pace(segment_bytes=2000, records=5))
    assert again.append(ENTRY) == 20
    again.close()
    (report,) = verify(state)
    assert (report.status, report.signed) == (Status.PASS, 21)


def test_a_checkpoint_follows_the_first_record_without_being_asked(opened, state):
    log = opened()
    log.append(ENTRY)
    signed(log)
    assert verify(state)[0].signed == 1


def test_many_records_are_signed_before_the_pause_is_over(opened):
    log = opened(pace=Pace(records=10, seconds=3600))
    while len(notes((log.directory / "checkpoints").read_bytes())) < 3:
        log.append(ENTRY)


def test_durable_serves_all_who_wait_with_one_turn_of_the_disk(opened, monkeypatch):
    log = opened()
    turns = 0
    commit = log._commit

    def counted(*, sign):
        nonlocal turns
        turns += not sign
        commit(sign=sign)

    monkeypatch.setattr(log, "_commit", counted)

    async def call():
        await log.durable(log.append(ENTRY))

    async def all_at_once():
        await asyncio.gather(*(call() for _ in range(200)))

    asyncio.run(all_at_once())
    assert log._durable == 200
    assert turns <= 3


def test_durable_brings_both_files_to_the_disk_first(opened, monkeypatch):
    log = opened(pace=Pace(seconds=3600))
    synced = []
    real = os.fdatasync
    monkeypatch.setattr(
        os, "fdatasync", lambda fd: (real(fd), synced.append(os.readlink(f"/proc/self/fd/{fd}")))
    )
    asyncio.run(log.durable(log.append(LONG)))
    assert {path.rpartition("/")[2] for path in synced} >= {"00000001.sealed", "00000001.log"}


def test_a_cancelled_waiter_does_not_take_the_others_with_it(opened):
    log = opened()

    async def scenario():
        first = asyncio.ensure_future(log.durable(log.append(ENTRY)))
        second = asyncio.ensure_future(log.durable(log.append(ENTRY)))
        await asyncio.sleep(0)
        first.cancel()
        await second

    asyncio.run(scenario())
    assert log._durable == 2


def test_appends_from_many_threads_are_one_chain(opened, state):
    log = opened(pace=Pace(segment_bytes=20_000, records=16))
    numbers = []

    def work():
        numbers.extend(log.append(ENTRY) for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert sorted(numbers) == list(range(200))
    (report,) = verify(state)
    assert (report.status, report.signed) == (Status.PASS, 200)


class Disk:
    """`os.pwrite` and `os.fdatasync` that fail while told to."""

    def __init__(self, monkeypatch):
        self.full = False
        self.room = 0
        self.sick = False
        self._write, self._sync = os.pwrite, os.fdatasync
        monkeypatch.setattr(os, "pwrite", self.pwrite)
        monkeypatch.setattr(os, "fdatasync", self.fdatasync)

    def pwrite(self, fd, data, offset):
        if not self.full:
            return self._write(fd, data[: max(1, len(data) // 2)], offset)  # always short: callers must go on
        if not self.room:
            self.fail()
        count = self._write(fd, data[: self.room], offset)
        self.room -= count
        return count

    def fdatasync(self, fd):
        if self.sick:
            self.fail()
        self._sync(fd)

    @staticmethod
    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def disk(monkeypatch):
    return Disk(monkeypatch)


@pytest.mark.parametrize("long", [400, 4000])
@pytest.mark.parametrize("room", [0, 1, 49, 50, 200])
def test_while_the_disk_is_full_every_append_raises_and_then_the_log_goes_on(opened, state, disk, room, long):
    log = opened(pace=Pace(seconds=3600))
    log.append(ENTRY)
    disk.full, disk.room = True, room
    for _ in range(3):
        with pytest.raises(AuditError):
            log.append(entry(payload=b'"' + b"x" * long + b'"'))
    disk.full = False
    assert log.append(ENTRY) == 1
    log.close()
    (report,) = verify(state)
    assert (report.status, report.records, report.signed) == (Status.PASS, 2, 2)
    assert len(report.unknown) == 1  # no unfinished record is left behind


def test_what_could_not_be_removed_after_a_failure_does_not_stay_behind_a_rotation(
    opened, state, disk, monkeypatch
):
    log = opened(pace=Pace(segment_bytes=1000))
    log.append(ENTRY)
    long = entry(reason="x" * 1000, payload=b"")
    with monkeypatch.context() as patch, pytest.raises(AuditError):
        patch.setattr(os, "ftruncate", disk.fail)
        disk.full, disk.room = True, 1000
        log.append(long)
    disk.full = False
    log.append(ENTRY)
    assert (log.directory / "00000001.log").stat().st_size > log._segment.at
    log.append(ENTRY)
    log.close()
    (report,) = verify(state)
    assert (report.status, report.signed, len(report.unknown)) == (Status.PASS, 3, 1)
    assert (log.directory / "00000002.log").exists()


def test_a_disk_that_does_not_sync_fails_all_who_wait_and_every_append_until_it_does(opened, state, disk):
    log = opened(pace=Pace(seconds=3600))
    log.append(ENTRY)
    signed(log)
    disk.sick = True

    async def waiting():
        seq = log.append(ENTRY)
        return await asyncio.gather(*(log.durable(seq) for _ in range(5)), return_exceptions=True)

    assert {type(answer) for answer in asyncio.run(waiting())} == {AuditError}
    for _ in range(2):
        with pytest.raises(AuditError):
            log.append(ENTRY)
    disk.sick = False
    assert log.append(ENTRY) == 2
    asyncio.run(log.durable(2))
    log.close()
    assert verify(state)[0].signed == 3


def test_what_a_failed_sync_may_have_lost_is_written_again(opened, disk, monkeypatch):
    """After a failed fdatasync the kernel calls the pages clean: another fdatasync alone would lie."""
    log = opened(pace=Pace(seconds=3600))
    log.append(ENTRY)
    signed(log)
    disk.sick = True
    log.append(ENTRY)
    with pytest.raises(AuditError):
        asyncio.run(log.durable(1))
    before = (log.directory / "00000001.log").read_bytes()
    again = []
    write = disk.pwrite
    monkeypatch.setattr(
        os, "pwrite", lambda fd, data, at: (again.append(bytes(data)), write(fd, data, at))[1]
    )
    disk.sick = False
    asyncio.run(log.durable(1))
    last = before.splitlines(keepends=True)[-1]
    assert any(last.startswith(part) for part in again)
    assert (log.directory / "00000001.log").read_bytes() == before


def test_text_that_cannot_be_recorded_is_an_error_and_leaves_no_trace(opened, state):
    log = opened()
    with pytest.raises(AuditError):
        log.append(entry(client="\ud800"))
    assert log.append(ENTRY) == 0
    log.close()
    assert verify(state)[0].status is Status.PASS


def test_a_closed_log_takes_nothing_more(opened):
    log = opened()
    log.close()
    log.close()
    with pytest.raises(AuditError):
        log.append(ENTRY)


def test_closing_says_when_the_end_could_not_be_signed(opened, disk):
    log = opened(pace=Pace(seconds=3600))
    log.append(ENTRY)
    signed(log)
    log.append(ENTRY)
    disk.sick = True
    with pytest.raises(AuditError):
        log.close()


def test_payloads_that_a_killed_process_left_are_synced_before_they_are_signed(opened, state, monkeypatch):
    first = opened(pace=Pace(seconds=3600))
    first.append(LONG)
    first.close()
    synced = []
    real = os.fdatasync
    monkeypatch.setattr(
        os, "fdatasync", lambda fd: (real(fd), synced.append(os.readlink(f"/proc/self/fd/{fd}")))
    )
    log = opened(pace=Pace(seconds=3600))
    asyncio.run(log.durable(log.append(ENTRY)))
    assert {path.rpartition("/")[2] for path in synced} >= {"00000001.sealed", "00000001.log"}
