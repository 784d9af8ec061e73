"""Keys come from outside, look random, and are readable by nobody else."""

import shlex
import stat
import sys
from base64 import b64encode
from hashlib import sha256
from types import SimpleNamespace

import pytest

from keepgate.model.errors import ConfigError
from keepgate.stores.audit.kek import from_keyring, load_kek

GOOD = sha256(b"good").digest()


def encoded(key: bytes) -> dict[str, str]:
    return {"KEEPGATE_KEY": b64encode(key).decode()}


def test_the_environment_comes_first(state):
    assert load_kek(state, encoded(GOOD)) == GOOD
    assert not state.exists()


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"KEEPGATE_KEY": ""}, "0 bytes"),
        ({"KEEPGATE_KEY": "not base64!"}, "not base64"),
        (encoded(GOOD[:16]), "16 bytes"),
        (encoded(GOOD + b"x"), "33 bytes"),
        (encoded(bytes(32)), "not random"),
        (encoded(b"ab" * 16), "not random"),
        (encoded(b"correct horse battery staple! ok"), "not random"),
    ],
)
def test_a_weak_key_is_refused_without_being_quoted(state, env, says):
    with pytest.raises(ConfigError, match=says) as error:
        load_kek(state, env)
    assert not env["KEEPGATE_KEY"] or env["KEEPGATE_KEY"] not in str(error.value)


def test_the_file_is_made_once_and_only_the_owner_reads_it(state):
    key = load_kek(state, {})
    assert load_kek(state, {}) == key
    assert stat.S_IMODE((state / "master.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


def test_who_only_reads_makes_no_key(state):
    with pytest.raises(ConfigError, match="cannot read"):
        load_kek(state, {}, create_file=False)
    assert not state.exists()


@pytest.mark.parametrize(
    ("damage", "says"), [(lambda f: f.chmod(0o640), "chmod 600"), (lambda f: f.write_text("x"), "not base64")]
)
def test_an_open_or_damaged_file_is_refused(state, damage, says):
    load_kek(state, {})
    damage(state / "master.key")
    with pytest.raises(ConfigError, match=says):
        load_kek(state, {})


class Keyring:
    """Stands for the `keyring` package and its backend."""

    priority = 5

    def __init__(self):
        self.kept = {}
        self.locked = False

    def get_keyring(self):
        return self

    def get_password(self, service, name):
        if self.locked:
            raise OSError("locked")
        return self.kept.get((service, name))

    def set_password(self, service, name, text):
        self.kept[service, name] = text


@pytest.fixture
def ring(monkeypatch):
    ring = Keyring()
    monkeypatch.setitem(sys.modules, "keyring", ring)
    monkeypatch.setitem(sys.modules, "keyring.errors", SimpleNamespace(KeyringError=OSError))
    return ring


def test_the_keyring_keeps_a_key_that_is_made_once(ring, state):
    env = {"KEEPGATE_KEY": "keyring:here"}
    assert load_kek(state, env) == load_kek(state, env)
    assert list(ring.kept) == [("keepgate", "here")]


def test_a_machine_without_a_safe_keyring_is_told_so(ring):
    ring.priority = 0
    with pytest.raises(ConfigError, match="no safe keyring"):
        from_keyring("here")


def test_a_keyring_that_does_not_answer_is_an_error(ring):
    ring.locked = True
    with pytest.raises(ConfigError, match="does not answer"):
        from_keyring("here")


def test_without_the_extra_the_cure_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigError, match="pip install"):
        from_keyring("here")


def command(code: str) -> dict[str, str]:
    return {"KEEPGATE_KEY": f"command:{shlex.join([sys.executable, '-c', code])}"}


def test_a_program_brings_the_key_and_is_asked_once(state, tmp_path):
    asked = tmp_path / "asked"
    env = command(f"open({str(asked)!r}, 'a').write('x'); print({b64encode(GOOD).decode()!r})")
    assert load_kek(state, env) == load_kek(state, env) == GOOD
    assert asked.read_text() == "x"
    assert not state.exists()


@pytest.mark.parametrize(
    ("env", "says"),
    [
        (command("print('c2hvcnQ=')"), "holds 5 bytes"),
        (command("import sys; sys.exit('no access to the key')"), "no access to the key"),
        (command("pass"), "0 bytes"),
        ({"KEEPGATE_KEY": "command:"}, "cannot be run"),
        ({"KEEPGATE_KEY": "command:/nowhere/at/all"}, "cannot be run"),
        ({"KEEPGATE_KEY": "command:'unbalanced"}, "cannot be run"),
        ({"KEEPGATE_KEY": "command:echo $(whoami); true"}, "not base64"),
    ],
)
def test_a_program_that_brings_none_is_an_error(state, env, says):
    with pytest.raises(ConfigError, match=says):
        load_kek(state, env)


def test_a_program_that_never_ends_is_an_error(state, monkeypatch):
    monkeypatch.setattr("keepgate.stores.audit.kek.PATIENCE", 0.2)
    with pytest.raises(ConfigError, match="within"):
        load_kek(state, command("import time; time.sleep(60)"))
