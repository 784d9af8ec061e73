"""The era tables against the official SDK's, which serves as oracle."""

import mcp_types.methods as oracle
import pytest

from keepgate.model.message import Direction, Kind
from keepgate.protocol import eras

CASES = [
    ("client requests", oracle.CLIENT_REQUESTS, Direction.TO_SERVER, Kind.REQUEST),
    ("client notifications", oracle.CLIENT_NOTIFICATIONS, Direction.TO_SERVER, Kind.NOTIFICATION),
    ("server requests", oracle.SERVER_REQUESTS, Direction.TO_CLIENT, Kind.REQUEST),
    ("server notifications", oracle.SERVER_NOTIFICATIONS, Direction.TO_CLIENT, Kind.NOTIFICATION),
]

# The SDK models every handshake revision by the schema of the newest, ours follow the specifications.
# The SDK has no tasks: 2025-11-25 is a schema without them there, and of 2026-07-28 they are an extension.
TASKS = ("tasks/get", "tasks/result", "tasks/list", "tasks/cancel", "notifications/tasks/status")
OURS_ONLY = {
    *((method, eras.R2025_11) for method in TASKS),
    *(
        (method, eras.R2026_07)
        for method in ("tasks/get", "tasks/update", "tasks/cancel", "notifications/tasks")
    ),
}


@pytest.mark.parametrize(("theirs", "direction", "kind"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_tables_equal_the_sdk(
    theirs: dict[tuple[str, str], object], direction: Direction, kind: Kind
) -> None:
    ours = {
        (row.method, revision)
        for row in eras.TABLE
        if row.direction is direction and row.kind is kind
        for revision in row.revisions
    }
    assert ours - OURS_ONLY == set(theirs)


def test_lookup_is_exact() -> None:
    assert eras.lookup("tools/call", Direction.TO_SERVER, Kind.REQUEST, eras.R2026_07) is not None
    for method in ("tools/call ", "TOOLS/CALL", "tools/Call", "", "unknown/method"):
        assert eras.lookup(method, Direction.TO_SERVER, Kind.REQUEST, eras.R2026_07) is None
    assert eras.lookup("initialize", Direction.TO_SERVER, Kind.REQUEST, eras.R2026_07) is None
    assert eras.lookup("tools/call", Direction.TO_CLIENT, Kind.REQUEST, eras.R2025_11) is None
    assert eras.lookup("tools/call", Direction.TO_SERVER, Kind.NOTIFICATION, eras.R2025_11) is None


def test_negotiation_answers_what_was_asked_or_the_newest() -> None:
    for revision in eras.HANDSHAKE_REVISIONS:
        assert eras.negotiate(revision) == revision
    for odd in ("2026-07-28", "1999-01-01", None, 7, ""):
        assert eras.negotiate(odd) == eras.R2025_11


def test_only_one_revision_batches_and_one_primes() -> None:
    assert [r for r in eras.REVISIONS if eras.may_batch(r)] == ["2025-03-26"]
    assert [r for r in eras.REVISIONS if eras.may_prime(r)] == ["2025-11-25"]
