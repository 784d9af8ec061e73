"""`keepgate flows` as one sees it."""

import os
import pty
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from keepgate.cli import app
from keepgate.compose.flow import file_of, guard_of, place_of
from keepgate.config import load
from keepgate.decide.guards.flow import Posture
from keepgate.model.flow import Origin
from keepgate.policy.servers import Place
from tests.support.processes import clean_env

CONFIG = """version: 1
state: state
servers:
  files: {command: [nothing]}
"""


@pytest.fixture
def settings(tmp_path):
    path = tmp_path / "keepgate.yaml"
    path.write_text(CONFIG)
    return load(path, env={})


def run(settings, *args):
    return CliRunner().invoke(app, ["flows", *args, "--config", str(settings.file)])


def at_a_terminal(settings, typed):
    """The exit code of `flows clear key:a` with a person at a terminal typing this."""
    primary, secondary = pty.openpty()
    done = subprocess.Popen(
        [sys.executable, "-m", "keepgate", "flows", "clear", "key:a", "--config", str(settings.file)],
        stdin=secondary,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=clean_env(settings.file.parent),
    )
    try:
        os.write(primary, f"{typed}\n".encode())
        return done.wait(30)
    finally:
        os.close(primary)
        os.close(secondary)


def test_what_somebody_was_shown_and_taking_it_away(settings):
    assert run(settings, "list").output == "no labels\n"
    now = time.time()
    store = file_of(settings)
    store.add(
        "key:a",
        [Origin("private", "crm", "get\x1b[2K", now, said=True), Origin("untrusted", "web", "", now)],
        now,
    )
    store.add("key:old", [Origin("private", "crm", "x", 1.0)], now - 3700)
    listed = run(settings, "list").output
    assert listed.startswith("key:a  private, untrusted  last heard of 20")
    assert "key:old" not in listed
    shown = run(settings, "show", "key:a").output
    assert "private  crm/get" in shown
    assert "(configured)" in shown
    assert "untrusted  web  (assumed)" in shown
    assert "\x1b" not in shown
    assert run(settings, "show", "key:b").exit_code == 1
    assert "needs a terminal" in run(settings, "clear", "key:a").output
    assert at_a_terminal(settings, "key:b") == 1
    assert "key:a" in run(settings, "list").output
    assert at_a_terminal(settings, "key:a") == 0
    assert run(settings, "list").output == "no labels\n"
    assert at_a_terminal(settings, "key:a") == 1


@pytest.mark.parametrize(
    ("server", "place"),
    [
        ("command: [x]", Place(outward=False, holds=False)),
        ("command: [x], sandbox: {mode: off}", Place(outward=True, holds=True)),
        ("command: [x], sandbox: {network: host}", Place(outward=True, holds=False)),
        ('command: [x], sandbox: {network: ["api.example.com:443"]}', Place(outward=True, holds=False)),
        (
            'command: [x], sandbox: {network: ["127.0.0.1:5432", "[::1]:80"]}',
            Place(outward=False, holds=False),
        ),
        ('command: [x], sandbox: {network: ["127.0.0.1:80", "*:443"]}', None),
        ("command: [x], sandbox: {read: [data]}", Place(outward=False, holds=True)),
        ("command: [x], cwd: data", Place(outward=False, holds=True)),
        ("command: [x], env: {A: b}", Place(outward=False, holds=True)),
        ('url: "https://x.example/mcp"', Place(outward=True, holds=False)),
        (
            'url: "https://x.example/mcp", headers: {X-Key: {secret: "env:A"}}',
            Place(outward=True, holds=True),
        ),
        ('url: "https://x.example/mcp", auth: {type: oauth}', Place(outward=True, holds=True)),
    ],
)
def test_where_a_server_stands(tmp_path, server, place):
    path = tmp_path / "keepgate.yaml"
    path.write_text(f"version: 1\nstate: state\nservers: {{s: {{{server}}}}}\n")
    try:
        settings = load(path, env={})
    except Exception:
        assert place is None
        return
    assert place_of(settings.servers["s"], settings) == place


@pytest.mark.parametrize(
    ("more", "posture", "strict"),
    [
        ("", Posture.ASK, False),
        ("content: {profile: relaxed}", Posture.RECORD, False),
        ("content: {profile: strict}", Posture.ASK, True),
        ("content: {inspect: false}", Posture.ASK, False),
        ("flow: {trifecta: deny}", Posture.DENY, False),
        ("flow: {trifecta: ignore}", None, False),
    ],
)
def test_what_closes_is_as_configured(tmp_path, more, posture, strict):
    path = tmp_path / "keepgate.yaml"
    path.write_text(f"version: 1\nstate: state\n{more}\n")
    made = guard_of(load(path, env={}))
    assert [(guard._posture, guard._strict) for guard in made] == (
        [] if posture is None else [(posture, strict)]
    )


@pytest.mark.parametrize("where", ["flow: {labels: [private]}", 'tools: {"*": {labels: ["a b"]}}'])
def test_labels_that_are_none_are_refused_with_their_place(tmp_path, where):
    path = tmp_path / "keepgate.yaml"
    path.write_text(f"version: 1\nstate: state\nservers: {{s: {{command: [x], {where}}}}}\n")
    with pytest.raises(Exception, match="is no label of your own"):
        load(path, env={})
