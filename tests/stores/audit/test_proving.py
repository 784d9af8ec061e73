"""Proofs from a log on disk; the independent verifier in examples/ agrees, about proofs and about whole logs."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from keepgate.audit.checkpoint import EvidenceError, PublicKey, notes
from keepgate.audit.proof import check_consistency
from keepgate.audit.receipt import document, verify_document
from keepgate.audit.verify import Status
from keepgate.stores.audit import Pace
from keepgate.stores.audit.index import Index
from keepgate.stores.audit.proving import Prover
from keepgate.stores.audit.reading import records, verify
from keepgate.stores.audit.tiles import WIDTH
from tests.audit.made import LONG, entry
from tests.stores.audit.conftest import signed

EXAMPLE = Path(__file__).parents[3] / "examples" / "verify_audit.py"


def by_example(kind: str, target: Path, key: Path) -> bool:
    command = [sys.executable, str(EXAMPLE), kind, str(target), str(key)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50)
    assert "Traceback" not in done.stderr or kind == "log", done.stderr
    return done.returncode == 0


@pytest.fixture
def log(opened):
    made = opened(pace=Pace(segment_bytes=20_000, records=1 << 20, seconds=0.01))
    for number in range(WIDTH + 30):
        made.append(entry(trace=f"t{number}", size=number))
    made.append(LONG._replace(trace="t7"))
    signed(made)
    return made


@pytest.fixture
def prover(state, log):
    index = Index(state / "index.db", state)
    index.catch_up()
    return Prover(state, index)


def test_each_decision_is_proven_and_the_independent_verifier_agrees(prover, log, tmp_path):
    key = (log.directory / "public.key").read_text()
    for trace, count in (("t0", 1), ("t7", 2), (f"t{WIDTH}", 1)):
        made = document(prover.decision(trace))
        assert [each.record["trace"] for each in verify_document(made, [key])] == [trace] * count
        path = tmp_path / "proof.json"
        path.write_bytes(made)
        assert by_example("proof", path, log.directory / "public.key")
        path.write_bytes(made.replace(b"allow", b"ALLOW"))
        assert not by_example("proof", path, log.directory / "public.key")


def test_a_record_is_found_by_its_place(prover, log):
    for seq in (0, 9, WIDTH + 30):
        (receipt,) = prover.decision(f"{log.writer}/{seq}")
        assert orjson.loads(receipt.record)["seq"] == seq
    for wrong in (f"{log.writer}/999999", "0011223344556677/0", "../0", "none"):
        with pytest.raises(EvidenceError):
            prover.decision(wrong)


def test_what_is_not_signed_yet_is_not_proven(prover, log):
    log.close()
    path = log.directory / "checkpoints"
    first = notes(path.read_bytes())[0]
    path.write_bytes(first + b"\n")
    with pytest.raises(EvidenceError, match="not signed yet"):
        prover.decision(f"t{WIDTH}")


def test_a_log_goes_on_from_every_earlier_checkpoint(prover, log):
    key = PublicKey.parse((log.directory / "public.key").read_text())
    earlier = [key.verify(note) for note in notes((log.directory / "checkpoints").read_bytes())]
    newest = earlier[-1]
    assert len(earlier) > 2
    for old in earlier:
        path = prover.extension(log.writer, old.size, newest)
        check_consistency((old.size, old.root), (newest.size, newest.root), path)


def test_a_record_that_was_changed_cannot_be_proven(prover, log, state):
    path = log.directory / "00000001.log"
    path.write_bytes(path.read_bytes().replace(b'"size":3,', b'"size":4,'))
    with pytest.raises(EvidenceError, match="cannot be proven"):
        prover.decision("t3")
    for file in state.glob("index.db*"):  # nor with an index of the changed log
        file.unlink()
    prover._index.catch_up()
    for trace in ("t3", "t9"):
        with pytest.raises(EvidenceError, match="cannot be proven"):
            prover.decision(trace)


def test_the_tree_of_the_index_is_that_of_the_log_however_it_grew(log, state, prover):
    from keepgate.audit.proof import tree_hash
    from keepgate.audit.record import leaf
    from tests.spec.log_spec import tree_hash as spec

    slow = Index(state / "slow.db", state)
    while slow._read(7):
        pass
    leaves = [leaf(stored.data) for stored in records(log.directory, 0, 0)]
    for index in (slow, prover._index):
        with index.tree(log.writer) as (nodes, size):
            assert size == len(leaves)
            for end in (1, 5, WIDTH, size):
                assert tree_hash(nodes, 0, end) == spec(leaves[:end])


def tampered(log, kind: str) -> None:
    path = log.directory / "00000002.log"
    lines = path.read_bytes().splitlines(keepends=True)
    match kind:
        case "edit":
            lines[3] = lines[3].replace(b"read_file", b"keep_file")
        case "delete":
            del lines[3]
        case "reorder":
            lines[3], lines[4] = lines[4], lines[3]
        case "replace segment":
            lines = (log.directory / "00000001.log").read_bytes().splitlines(keepends=True)
        case "payload":
            sealed = max(log.directory.glob("*.sealed"), key=lambda each: each.stat().st_size)
            sealed.write_bytes(b"X" + sealed.read_bytes()[1:])
        case "truncate":
            for later in sorted(log.directory.glob("*.log"))[2:]:
                later.unlink()
    path.write_bytes(b"".join(lines))


@pytest.mark.parametrize(
    "kind", ["nothing", "edit", "delete", "reorder", "replace segment", "payload", "truncate"]
)
def test_the_independent_verifier_agrees_about_a_whole_log(log, state, kind):
    log.close()
    tampered(log, kind)
    (report,) = verify(state)
    assert report.status is (Status.PASS if kind == "nothing" else Status.FAIL)
    assert by_example("log", log.directory, log.directory / "public.key") == (kind == "nothing")
