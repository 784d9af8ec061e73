"""`kill -9` of a process that writes as fast as it can: what it acknowledged is in the log, and the log is sound."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from keepgate.audit.verify import Status
from keepgate.stores.audit.files import audit_directory, writers
from keepgate.stores.audit.reading import records, verify
from tests.stores.audit.conftest import KEK

WRITER = """
import itertools, os, sys
from pathlib import Path
from keepgate.stores.audit import Pace, open_log
from tests.audit.made import ENTRY, LONG

log = open_log(Path(sys.argv[1]), bytes.fromhex(sys.argv[2]), pace=Pace(segment_bytes=200_000, records=64))
for number in itertools.count():
    trace = f"{sys.argv[3]}-{number}"
    log.append((ENTRY, LONG)[number % 2]._replace(trace=trace))
    os.write(1, trace.encode() + b"\\n")
"""


@pytest.mark.slow
def test_no_acknowledged_record_is_lost_to_kill_minus_nine(state):
    acknowledged = []
    for life in range(6):
        command = [sys.executable, "-c", WRITER, str(state), KEK.hex(), str(life)]
        env = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=env, cwd=Path.cwd()) as writer:
            for _ in range(1 + 311 * life):
                acknowledged.append(writer.stdout.readline().decode().strip())
            writer.send_signal(signal.SIGKILL)
            acknowledged += [line.decode().strip() for line in writer.stdout if line.endswith(b"\n")]
    assert all(acknowledged)
    (directory,) = writers(audit_directory(state))
    kept = {orjson.loads(found.data)["trace"] for found in records(directory, 0, 0)}
    assert not set(acknowledged) - kept
    (report,) = verify(state)
    assert report.status is Status.PASS
    assert report.records >= len(acknowledged)
