"""A fault at each write, sync and rename of the log: no acknowledged record is lost, no false alarm of tampering."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from keepgate.audit.verify import Status
from keepgate.model.errors import AuditError
from keepgate.stores.audit import Pace, open_log
from keepgate.stores.audit.files import audit_directory, writers
from keepgate.stores.audit.payloads import Payloads
from keepgate.stores.audit.reading import records, verify
from tests.audit.made import entry
from tests.stores.audit.broken_disk import BrokenDisk, FailingDisk, KilledProcess, PowerCut
from tests.stores.audit.conftest import KEK

PACE = Pace(segment_bytes=2500, records=4, seconds=0.001)
ROUNDS = range(10)
ROOT = Path(__file__).parents[3]


def work(state, acknowledge: Callable[[str], None], *, durable: bool) -> None:
    """A life of the log: two starts, two principals, rotations, checkpoints."""
    for start in "ab":
        try:
            log = open_log(state, KEK, pace=PACE)
        except AuditError:
            continue
        for number in ROUNDS:
            trace = f"{start}{number}"
            payload = b"" if number % 4 == 3 else b'"' + b"x" * 300 * number + b'"'
            with suppress(AuditError):
                seq = log.append(entry(trace=trace, payload=payload, principal=f"key:{number % 2}"))
                if durable:
                    asyncio.run(log.durable(seq))
                acknowledge(trace)
        with suppress(AuditError):
            log.close()


def run_broken(disk: BrokenDisk, state, *, durable: bool) -> tuple[list[str], bool]:
    """Acknowledged traces, and whether the fault came before the end; in a process of its own."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            disk.install()
            work(state, lambda trace: os.write(write, trace.encode() + b"\n"), durable=durable)
            os._exit(9 if disk.count >= disk.at else 0)
        finally:
            os._exit(1)
    os.close(write)
    with open(read) as acks:
        acknowledged = acks.read().split()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9)
    return acknowledged, code == 9


def found(state) -> set[str]:
    return {
        orjson_trace(stored.data)
        for directory in writers(audit_directory(state))
        for stored in records(directory, 0, 0)
    }


def orjson_trace(record: bytes) -> str:
    return record.partition(b'"trace":"')[2].partition(b'"')[0].decode()


def check(state, acknowledged: list[str]) -> None:
    """Before and after the next start."""
    for report in verify(state):
        assert report.status is not Status.FAIL, report
    log = open_log(state, KEK)
    log.append(entry(trace="after"))
    log.close()
    for report in verify(state):
        assert report.status is not Status.FAIL, report
    assert not {*acknowledged, "after"} - found(state)
    opened = {each.record["trace"]: each.envelope for each in Payloads(state, KEK).opened()}
    for trace in acknowledged:  # what was sealed opens as well
        number = int(trace[1:])
        assert number % 4 == 3 or opened[trace] == {"body": "x" * 300 * number}, trace


FAULTS = {
    "one call fails": (lambda at, state: FailingDisk(at, 1), False),
    "the disk is full for a while": (lambda at, state: FailingDisk(at, 12), False),
    "the disk is full for a while, sync": (lambda at, state: FailingDisk(at, 12), True),
    "the process is killed": (lambda at, state: KilledProcess(at), False),
    "the power is cut": (PowerCut, True),
}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_at_every_call_that_changes_a_file(fault, tmp_path):
    """In an interpreter of its own: what other tests left running must not hold a lock when this one forks."""
    code = f"from tests.stores.audit.test_faults import at_every_call; at_every_call({fault!r}, {str(tmp_path)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=500)
    assert done.returncode == 0, done.stderr


def at_every_call(fault: str, directory: str) -> None:
    make, durable = FAULTS[fault]
    at, struck = 0, True
    while struck:
        at += 1
        state = Path(directory) / str(at)
        acknowledged, struck = run_broken(make(at, state), state, durable=durable)
        check(state, acknowledged)
    assert at > 60
