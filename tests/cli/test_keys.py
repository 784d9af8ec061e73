import time

import pytest
import typer
from typer.testing import CliRunner

from keepgate.auth.apikey import KEY_CHARS, KeyRing
from keepgate.cli.keys import app, duration
from keepgate.model.errors import ConfigError, LocalError
from keepgate.model.keys import ApiKey
from keepgate.stores.keys import JsonKeyStore


@pytest.fixture
def run(tmp_path):
    config = tmp_path / "keepgate.yaml"
    config.write_text("version: 1\nstate: state\n")

    def invoke(*args: str):
        result = CliRunner().invoke(app, [*args, "--config", str(config)])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


@pytest.fixture
def store(tmp_path) -> JsonKeyStore:
    return JsonKeyStore(tmp_path / "state")


def test_create_prints_the_key_alone_on_stdout(run, store):
    result = run("create", "cursor", "--expires", "90d")
    key = result.stdout.strip()
    assert len(key) == KEY_CHARS
    assert KeyRing(store).authenticate(key).id == "key:cursor"
    assert "shown this once" in result.stderr
    assert key not in result.stderr
    (kept,) = store.read()
    assert kept.expires - kept.created == 90 * 86_400


def test_list_shows_live_keys_and_never_a_secret(run):
    secret = run("create", "cursor").stdout.strip()
    run("create", "claude", "--expires", "1h")
    run("create", "old")
    run("revoke", "old")
    lines = run("list").stdout.splitlines()
    assert lines[0].split() == ["NAME", "ID", "CREATED", "EXPIRES", "STATE"]
    assert [line.split()[0] for line in lines[1:]] == ["cursor", "claude"]
    assert lines[1].split()[1] == secret[3:11]
    assert lines[1].split()[-2:] == ["never", "live"]
    assert secret[12:] not in "\n".join(lines)
    assert any(
        line.startswith("old") and line.endswith("revoked")
        for line in run("list", "--all").stdout.splitlines()
    )


def test_rotate_prints_a_new_key_and_ends_the_old_one(run, store):
    old, new = run("create", "a").stdout.strip(), run("rotate", "a").stdout.strip()
    ring = KeyRing(store)
    assert ring.authenticate(old) is None
    assert ring.authenticate(new).id == "key:a"


def test_rotate_can_overlap(run, store):
    old = run("create", "a").stdout.strip()
    run("rotate", "a", "--overlap", "1h")
    assert KeyRing(store).authenticate(old) is not None
    assert KeyRing(store, clock=lambda: time.time() + 3601).authenticate(old) is None


def test_revoke_says_so(run, store):
    key = run("create", "a").stdout.strip()
    assert run("revoke", "a").stdout == "revoked a\n"
    assert KeyRing(store).authenticate(key) is None


def test_mistakes_leave_as_errors_that_name_the_cure(run, tmp_path):
    with pytest.raises(LocalError, match="there is no live key `b`"):
        run("revoke", "b")
    run("create", "a")
    with pytest.raises(LocalError, match="rotate or revoke it"):
        run("create", "a")
    (tmp_path / "keepgate.yaml").write_text("version: 1\nstat: x\n")
    with pytest.raises(ConfigError, match="did you mean `state`"):
        run("list")


def test_a_bad_duration_is_a_usage_error(run):
    result = run("create", "a", "--expires", "soon")
    assert result.exit_code == 2
    assert "not a duration" in result.output


def test_nothing_in_the_file_steers_the_terminal(run, store):
    store.update(lambda keys: (ApiKey("ab\x1b[2Jcd", "n\x1b]0;x\x07\n\u202e", "00" * 32, 1.0),))
    out = run("list").stdout
    assert out.isascii()
    assert "\x1b" not in out
    assert "\x07" not in out
    assert len(out.splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "seconds"), [("45s", 45), ("30m", 1800), ("12h", 43_200), ("90d", 7_776_000), ("2w", 1_209_600)]
)
def test_durations(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "d", "1", "-1d", "1.5h", "1 d", "٣d", "1y", "9999999d"])
def test_what_is_not_a_duration_is_refused(text):
    with pytest.raises(typer.BadParameter, match="write 90d"):
        duration(text)
