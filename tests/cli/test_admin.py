import pytest
from typer.testing import CliRunner

from keepgate.admin.administrators import KEY_CHARS, Roll
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
