"""`keepgate approvals`: everything is shown, nothing steers the terminal, and only a person at one approves."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from keepgate.cli import app
from keepgate.compose.approvals import approvals_of
from keepgate.config import load
from keepgate.model.approval import State, Wanted
from keepgate.model.errors import KeepgateError
from tests.support import processes

WANTED = Wanted(
    "key:alice",
    "cla\u202ede\x1b[2J",
    "call_tool",
    "bank",
    "pay",
    {"arguments": {"to": "bob\n  | approved by root\x1b[1A", "memo": "y" * 1000}},
    "d" * 64,
    "role `clerk` asks",
    ("role:clerk",),
    "0123456789abcdef",
)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "keepgate.yaml"
    path.write_text("version: 1\nstate: state\n")
    return path


@pytest.fixture
def store(file):
    return approvals_of(load(file, env=os.environ))


def run(file: Path, *args: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["approvals", *args, "--config", str(file)])
    if isinstance(result.exception, KeepgateError):
        return 1, result.exception.public
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_what_waits_is_listed(file, store):
    assert run(file, "list") == (0, "nothing waits\n")
    name = store.claim(WANTED).id
    _, said = run(file, "list")
    assert said.startswith(f"{name}  pending  ")
    assert "key:alice  call_tool bank/pay" in said


def test_all_of_it_is_shown_and_nothing_can_be_taken_for_keepgates_own_words(file, store):
    name = store.claim(WANTED).id
    code, said = run(file, "show", name)
    assert code == 0
    assert said.count("y") >= 1000
    assert "\x1b" not in said
    assert "\u202e" not in said
    head, _, body = said.partition("everything after `|` is the caller's:\n")
    assert "role `clerk` asks" in head
    assert all(line.startswith("    | ") for line in body.splitlines())
    assert max(map(len, said.splitlines())) < 600


def test_nothing_that_a_program_is_fed_approves(file, store):
    name = store.claim(WANTED).id
    for given in (f"{name}\n", "y\n", "\n"):
        result = CliRunner().invoke(app, ["approvals", "approve", name, "--config", str(file)], input=given)
        assert result.exit_code == 1
    assert store.get(name).state is State.PENDING


def typed(file: Path, name: str, text: str, *more: str) -> int:
    """The exit code of `approvals approve` with a person at a terminal typing `text`."""
    primary, secondary = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "keepgate", "approvals", "approve", name, *more, "--config", str(file)],
        stdin=secondary,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=processes.clean_env(file.parent),
    )
    os.write(primary, text.encode())
    code = process.wait(30)
    os.close(primary)
    os.close(secondary)
    return code


def test_a_person_approves_by_typing_the_id(file, store):
    name = store.claim(WANTED).id
    assert typed(file, name, "yes\n") == 1
    assert store.get(name).state is State.PENDING
    assert typed(file, name, f"{name}\n") == 0
    found = store.get(name)
    assert found.state is State.APPROVED
    assert found.by.startswith("local:")
    done = subprocess.run(
        [sys.executable, "-m", "keepgate", "audit", "query", "--config", str(file)],
        capture_output=True,
        text=True,
        check=True,
        env=processes.clean_env(file.parent),
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["method"] for event in events if event["method"].startswith("approval.")] == [
        "approval.given"
    ]


def test_refusing_needs_no_ceremony(file, store):
    name = store.claim(WANTED).id
    assert run(file, "deny", name, "--reason", "no")[0] == 0
    assert store.get(name).state is State.DENIED


@pytest.mark.parametrize("command", ["show", "approve", "deny"])
def test_what_is_not_there_is_said(file, command):
    code, said = run(file, command, "0000000000")
    assert code == 1
    assert "no approval `0000000000`" in said


def test_what_a_person_lets_pass_for_a_time_is_listed_and_revoked(file, store):
    assert run(file, "remembered") == (0, "nothing is remembered\n")
    name = store.claim(WANTED).id
    assert run(file, "approve", name, "--any", "memo")[0] == 2
    assert run(file, "approve", name, "--remember", "1h", "--most", "memo")[0] == 2
    assert typed(file, name, f"{name}\n", "--remember", "1h", "--any", "memo") == 0
    (one,) = store.remembered()
    _, said = run(file, "remembered")
    assert said.startswith(f"{one.id}  3")
    assert "any `memo`" in said
    assert "\x1b" not in said
    assert run(file, "revoke", one.id, "--reason", "enough") == (0, f"{one.id}: revoked\n")
    assert not store.remembered()
    assert "nothing is remembered as" in run(file, "revoke", one.id)[1]
    done = subprocess.run(
        [sys.executable, "-m", "keepgate", "audit", "query", "--config", str(file)],
        capture_output=True,
        text=True,
        check=True,
        env=processes.clean_env(file.parent),
    )
    events = [json.loads(line)["method"] for line in done.stdout.splitlines()]
    assert events == ["approval.remembered", "approval.revoked"]
