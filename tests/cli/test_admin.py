import time

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from typer.testing import CliRunner

from keepgate.admin.administrators import KEY_CHARS, Roll
from keepgate.admin.password import matches
from keepgate.cli.admin import app
from keepgate.model.errors import LocalError
from keepgate.stores.admins import JsonAdminStore


@pytest.fixture
def run(tmp_path):
    config = tmp_path / "keepgate.yaml"
    config.write_text("version: 1\nstate: state\nadmin: {}\n")

    def invoke(*args: str, stdin: str = ""):
        result = CliRunner().invoke(app, [*args, "--config", str(config)], input=stdin)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


@pytest.fixture
def roll(tmp_path):
    now = iter(range(10**6))
    return Roll(JsonAdminStore(tmp_path / "state"), lambda: next(now) * 10.0)


def test_the_key_stands_alone_on_stdout_and_opens(run, roll):
    made = run("add", "alice", "--role", "operator", "--role", "payloads")
    key = made.stdout.strip()
    assert len(key) == KEY_CHARS
    assert key not in made.stderr
    assert roll.by_key(key).roles == ("operator", "payloads")
    assert key not in roll.store.path.read_text()
    assert "alice  operator,payloads  key" in run("list").stdout


def test_further_keys_and_their_end(run, roll):
    first = run("add", "alice", "--role", "viewer").stdout.strip()
    second = run("key", "alice").stdout.strip()
    assert roll.by_key(first) is not None
    assert roll.by_key(second) is not None
    run("key", "alice", "--revoke")
    assert roll.by_key(first) is roll.by_key(second) is None


def test_roles_change_and_people_go(run, roll):
    key = run("add", "alice", "--role", "viewer").stdout.strip()
    run("role", "alice", "--role", "admin")
    assert roll.by_key(key).roles == ("admin",)
    run("remove", "alice")
    assert roll.by_key(key) is None


def test_an_app_counts_once_it_has_shown_a_code(run, roll, monkeypatch):
    run("add", "alice", "--role", "viewer")
    secret = bytes(range(20))
    monkeypatch.setattr("keepgate.admin.totp.new_secret", lambda: secret)
    with pytest.raises(LocalError, match="code is wrong"):
        run("enroll", "alice", "--totp", stdin="000000\n")
    assert not roll.get("alice").second_factor
    code = TOTP(secret, 6, SHA1(), 30, enforce_key_length=False).generate(time.time()).decode()
    shown = run("enroll", "alice", "--totp", stdin=f"{code}\n")
    assert shown.stdout.startswith("otpauth://totp/keepgate:alice?secret=")
    assert roll.get("alice").totp
    assert roll.get("alice").totp_step == pytest.approx(time.time() // 30, abs=2), (
        "that code opens nothing more"
    )
    assert "totp" in run("list").stdout
    run("enroll", "alice", "--remove")
    assert not roll.get("alice").second_factor


def test_a_link_for_a_passkey_names_the_face(run, roll):
    run("add", "alice", "--role", "viewer")
    link = run("enroll", "alice", "--passkey").stdout.strip()
    assert link.startswith("http://localhost:8700/admin/enroll#")
    assert link.rpartition("#")[2] not in roll.store.path.read_text()


def test_a_password_is_read_from_stdin_and_never_kept(run, roll):
    run("add", "alice", "--role", "viewer")
    run("password", "alice", stdin="correct horse battery\n")
    assert matches("correct horse battery", roll.get("alice").password)
    assert "battery" not in roll.store.path.read_text()
    with pytest.raises(LocalError):
        run("password", "alice", stdin="short\n")
    run("password", "alice", "--remove")
    assert not roll.get("alice").password


def test_a_key_is_not_sent_in_clear_to_elsewhere(run, monkeypatch):
    monkeypatch.setenv("KEEPGATE_ADMIN_TOKEN", "kga_x")
    for url in ("http://gate.example.com", "ftp://localhost", "localhost:8700"):
        with pytest.raises(LocalError, match="must be https"):
            CliRunner().invoke(app, ["call", "GET", "/this", "--url", url], catch_exceptions=False)


@pytest.mark.parametrize(
    "command",
    [
        ("add", "alice", "--role", "root"),
        ("add", "a/b", "--role", "viewer"),
        ("role", "nobody", "--role", "viewer"),
        ("key", "nobody"),
        ("remove", "nobody"),
    ],
)
def test_mistakes_change_nothing(run, roll, command):
    with pytest.raises(LocalError):
        run(*command)
    assert roll.all() == []
