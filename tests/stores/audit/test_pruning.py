"""Retention: what is past its time goes, the log verifies, proofs stay; whoever removes without a word is found."""

import getpass
import json
import shutil

import pytest
from typer.testing import CliRunner

from keepgate.audit.receipt import document, verify_document
from keepgate.audit.record import PRUNED
from keepgate.audit.verify import Status
from keepgate.cli.audit import app
from keepgate.stores.audit import Pace, load_kek, open_log
from keepgate.stores.audit.files import LEAVES, LOG, segment, segments
from keepgate.stores.audit.index import Filter, Index
from keepgate.stores.audit.opening import of_the_log
from keepgate.stores.audit.proving import Prover
from keepgate.stores.audit.pruning import past
from keepgate.stores.audit.pruning import prune as remove
from keepgate.stores.audit.reading import verify
from tests.audit.made import ENTRY

HOUR = 3600 * 10**9
PACE = Pace(segment_bytes=3000)


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.delenv("KEEPGATE_KEY", raising=False)
    path = tmp_path / "keepgate.yaml"
    path.write_text(f"""version: 1
state: state
access:
  roles: {{keeper: {{administer: [erase]}}}}
  grants: [{{to: "local:{getpass.getuser()}", role: keeper}}]
""")
    return path


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def log(config, state):
    """A record an hour from 08:33 on."""
    log = open_log(state, load_kek(state, {}), pace=PACE)
    for number in range(40):
        log.append(ENTRY._replace(time_ns=ENTRY.time_ns + number * HOUR, trace=f"t{number}"))
    yield log
    log.close()


@pytest.fixture
def prune(config):
    def run(before="2026-11-22T08:00:00Z"):
        return CliRunner().invoke(app, ["prune", "--before", before, "--yes", "--config", str(config)])

    return run


def statuses(state) -> set[str]:
    return {report.status for report in verify(state)}


def failures(state) -> str:
    return " ".join(text for report in verify(state) for text in report.failed)


def test_what_is_past_its_time_goes_while_the_log_is_written_and_the_rest_is_as_it_was(log, state, prune):
    index = Index(state / "index.db", state)
    index.catch_up()
    kept = document(Prover(state, index).decision("t2"))
    before = segments(log.directory)
    assert prune().exit_code == 0
    after = segments(log.directory)
    assert 0 < len(after) < len(before)
    assert after == before[-len(after) :]
    log.append(ENTRY._replace(trace="later"))
    log.close()
    assert statuses(state) == {Status.PASS}
    (report,) = (report for report in verify(state) if report.pruned)
    assert 0 < report.pruned < 24
    assert report.records == 41
    assert len(verify_document(kept)) == 1  # what was proven stays proven
    for fresh in (index, Index(state / "fresh.db", state)):  # what is there is found and can be proven
        fresh.catch_up()
        assert fresh.query(Filter(trace="t2"), limit=9) == []
        assert len(fresh.query(Filter(trace="t39"), limit=9)) == 1
        assert len(verify_document(document(Prover(state, fresh).decision("t39")))) == 1


def test_a_second_time_goes_on_from_the_first(log, state, prune):
    assert prune("2026-11-21T18:00:00Z").exit_code == 0
    first = len(segments(log.directory))
    assert prune().exit_code == 0
    assert len(segments(log.directory)) < first
    assert "no segment" in prune().stdout
    log.close()
    assert statuses(state) == {Status.PASS}


def test_the_same_done_by_hand_is_found(log, state):
    log.close()
    for each in past(state, "2026-11-22T08:00:00Z"):
        remove(each)
    assert "no signed record says" in failures(state)


def test_who_may_not_prune_does_not_and_allows_nobody_to(log, state, prune, config):
    config.write_text(config.read_text().replace("[erase]", "[read_payloads]"))
    before = segments(log.directory)
    assert prune().exit_code != 0
    assert segments(log.directory) == before
    log.close()
    for each in past(state, "2026-11-22T08:00:00Z"):
        remove(each)
    assert "no signed record says" in failures(state)  # though a denied one names them


@pytest.mark.parametrize("what", ["more", "leaves", "gap", "empty", "cut", "forged permission"])
def test_tampering_behind_retention_is_found(log, state, prune, what, tmp_path):
    assert prune("2026-11-21T18:00:00Z").exit_code == 0
    log.close()
    first = segments(log.directory)[0]
    gone = segment(log.directory, first - 1, LEAVES)
    match what:
        case "more":  # another segment than was said
            for each in past(state, "2026-11-22T08:00:00Z"):
                remove(each)
        case "leaves":
            gone.write_bytes(b"X" + gone.read_bytes()[1:])
        case "gap":
            gone.unlink()
        case "empty":
            gone.write_bytes(b"")
        case "cut":
            gone.write_bytes(gone.read_bytes()[:-32])
        case "forged permission":  # in a log of one's own
            for each in past(state, "2026-11-22T08:00:00Z"):
                remove(each)
            other = open_log(tmp_path / "other", load_kek(tmp_path / "other", {}))
            other.append(of_the_log(ENTRY.time_ns, PRUNED, "", (f"{log.writer}:1000",)))
            other.close()
            shutil.copytree(other.directory, state / "audit" / other.writer)
    assert Status.FAIL in statuses(state)


def test_a_segment_that_was_changed_is_not_removed(log, state, prune):
    path = segment(log.directory, 1, LOG)
    path.write_bytes(path.read_bytes().replace(b"read_file", b"keep_file", 1))
    result = prune()
    assert result.exit_code != 0
    assert path.exists()


def test_verify_says_how_many_are_gone(log, prune, config):
    prune()
    log.close()
    shown = CliRunner().invoke(app, ["verify", "--format", "json", "--config", str(config)])
    assert any(writer["pruned"] for writer in json.loads(shown.stdout)["writers"])
