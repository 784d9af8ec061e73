"""A state directory, a key, and logs that are closed when the test is over."""

from contextlib import suppress

import pytest

from keepgate.model.errors import AuditError
from keepgate.stores.audit import Pace, open_log

KEK = bytes(range(100, 132))


def signed(log) -> None:
    """Wait until everything in the log is signed; then nothing happens to it but what the test does."""
    while log._signed != log._seq:
        log._keeper.join(0.001)


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def opened(state):
    """Opens logs; all are closed at the end of the test."""
    logs = []

    def make(kek=KEK, pace=None, **options):
        logs.append(open_log(state, kek, pace=pace or Pace(), **options))
        return logs[-1]

    yield make
    for log in logs:
        with suppress(AuditError):
            log.close()
