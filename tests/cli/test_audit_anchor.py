"""Checkpoints kept elsewhere, at a witness over HTTP and in a Git repository: truncation, roll-back, fork and removal
by someone who writes the store are found, and without them the answer is unknown."""

import os
import shutil
import subprocess

import pytest
from typer.testing import CliRunner

from keepgate.cli.audit import app
from keepgate.stores.audit import load_kek, open_log
from tests.audit.made import ENTRY, entry
from tests.support.witness import Witness


@pytest.fixture
def witness():
    made = Witness()
    yield made
    made.close()


@pytest.fixture
def remote(tmp_path):
    path = tmp_path / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", path], check=True)
    return path


@pytest.fixture
def config(tmp_path, witness, remote, monkeypatch):
    monkeypatch.delenv("KEEPGATE_KEY", raising=False)
    path = tmp_path / "keepgate.yaml"
    path.write_text(f"""version: 1
state: state
audit:
  witnesses: [{{url: "{witness.url}", key: "{witness.vkey}"}}]
  git: [{{remote: "{remote}"}}]
""")
    return path


@pytest.fixture
def run(config):
    def invoke(*args: str):
        result = CliRunner().invoke(app, [*args, "--config", str(config)])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


def write(state, count, **changes):
    """A run of keepgate that records so much; the directory of its writer."""
    log = open_log(state, load_kek(state, os.environ))
    for number in range(count):
        log.append(entry(**changes) if changes else ENTRY._replace(size=number))
    log.close()
    return log.directory


def known(witness, directory):
    key = (directory / "public.key").read_text().strip()
    witness.logs[key.partition("+")[0]] = key


def roll_back(state, directory, to):
    shutil.rmtree(directory)
    shutil.copytree(to, directory)


def test_anchored_and_sound(run, state, witness, tmp_path):
    directory = write(state, 5)
    known(witness, directory)
    assert run("verify").exit_code == 0
    assert run("verify", "--strict").exit_code == 1  # nothing was kept elsewhere
    for _ in range(3):
        assert run("anchor").exit_code == 0
        for against in ("witness", "git"):
            result = run("verify", "--strict", "--against", against)
            assert result.exit_code == 0, result.stdout
        write(state, 3)
    assert "witnessed" in run("verify", "--against", "witness").stdout
    (seen,) = witness.seen.values()
    assert seen[0] == 14


@pytest.mark.parametrize("against", ["witness", "git"])
def test_a_roll_back_is_found(run, state, witness, tmp_path, against):
    directory = write(state, 5)
    known(witness, directory)
    shutil.copytree(directory, tmp_path / "earlier")
    write(state, 5)
    assert run("anchor").exit_code == 0
    roll_back(state, directory, tmp_path / "earlier")
    unknowing = run("verify")
    assert unknowing.exit_code == 0
    assert "unknown" in unknowing.stdout
    result = run("verify", "--against", against)
    assert result.exit_code == 1, result.stdout
    assert "FAIL" in result.stdout


@pytest.mark.parametrize("against", ["witness", "git"])
def test_a_fork_with_the_signing_key_is_found(run, state, witness, tmp_path, against):
    """Even someone who has the key cannot have two histories."""
    directory = write(state, 2)
    known(witness, directory)
    shutil.copytree(directory, tmp_path / "earlier")
    write(state, 3)
    assert run("anchor").exit_code == 0
    roll_back(state, directory, tmp_path / "earlier")
    write(state, 9, name="another history")
    assert run("verify").exit_code == 0
    assert run("verify", "--against", against).exit_code == 1
    assert run("anchor").exit_code == 1


def test_a_writer_that_was_removed_is_missed_by_git(run, state, witness):
    directory = write(state, 2)
    known(witness, directory)
    run("anchor")
    shutil.rmtree(directory)
    assert run("verify", "--against", "git").exit_code == 1


def test_a_witness_that_is_away_or_does_not_know_the_log_is_unknown_and_not_a_pass(run, state, witness):
    directory = write(state, 2)
    result = run("verify", "--strict", "--against", "witness")
    assert (result.exit_code, "does not know this log" in result.stdout) == (1, True)
    assert run("verify", "--against", "witness").exit_code == 0
    known(witness, directory)
    for answer in ((500, b""), (200, b""), (200, b"garbage\n"), (409, b"x"), (409, b"9" * 40), (302, b"")):
        witness.answer = answer
        result = run("verify", "--strict", "--against", "witness")
        assert (result.exit_code, "FAIL" in result.stdout) == (1, False), (answer, result.stdout)
        assert run("anchor").exit_code == 1


def test_a_signature_of_somebody_else_is_no_witness(run, state, witness):
    other = Witness()
    try:
        directory = write(state, 2)
        known(witness, directory)
        text = (directory / "checkpoints").read_text().partition("\n\n")[0] + "\n"
        witness.answer = 200, other.cosign(text, 1)
        assert run("anchor").exit_code == 1
    finally:
        other.close()


def test_git_is_never_overwritten(run, state, witness, remote):
    known(witness, write(state, 2))
    run("anchor")
    head = ["git", "--git-dir", str(remote), "rev-list", "--count", "keepgate"]
    assert subprocess.run(head, capture_output=True, check=True).stdout == b"1\n"
    run("anchor")
    assert subprocess.run(head, capture_output=True, check=True).stdout == b"1\n"
    write(state, 1)
    run("anchor")
    assert subprocess.run(head, capture_output=True, check=True).stdout == b"2\n"


def test_a_repository_that_is_away_is_an_error_and_unknown(run, state, witness, remote):
    known(witness, write(state, 2))
    shutil.rmtree(remote)
    assert run("anchor").exit_code == 1
    result = run("verify", "--strict", "--against", "git")
    assert (result.exit_code, "unknown" in result.stdout) == (1, True)


@pytest.mark.parametrize("remote_text", ["-x", "--upload-pack=touch /tmp/x", "ext::sh -c x"])
def test_a_remote_that_git_would_run_is_refused(config, remote_text, tmp_path):
    config.write_text(f'version: 1\nstate: state\naudit: {{git: [{{remote: "{remote_text}"}}]}}\n')
    result = CliRunner().invoke(app, ["verify", "--against", "git", "--config", str(config)])
    assert result.exit_code != 0
