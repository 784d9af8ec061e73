"""`keepgate sandbox`, and what is said about containment wherever keepgate starts."""

import json
import sys

import pytest
from typer.testing import CliRunner

from keepgate.cli import app
from keepgate.compose import sandbox
from keepgate.compose.launchers import packages_fault
from keepgate.compose.sandbox import notes, record, suggested
from keepgate.config import load
from keepgate.lock.document import Launch, Lock, LockedServer
from keepgate.transports.launchers.closure import Closure, Package
from keepgate.transports.sandbox import observing
from keepgate.transports.sandbox.selftest import Outcome

HELD = (Outcome("bubblewrap", ("files", "tcp")),)
FALLBACK = (Outcome("bubblewrap", why="No permissions"), Outcome("landlock", ("files", "tcp")))
NOTHING = (Outcome("bubblewrap", why="it is not installed"), Outcome("landlock", ("files",), ("udp",)))


@pytest.fixture
def configured(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    def make(outcomes=HELD, **servers):
        monkeypatch.setattr(sandbox, "examine", lambda state, fresh=False: outcomes)
        entries = {name: {"command": [sys.executable, "-c", "1"], **entry} for name, entry in servers.items()}
        file = tmp_path / "keepgate.yaml"
        file.write_text(json.dumps({"version": 1, "state": "state", "servers": entries}))
        return load(file, env={"HOME": str(tmp_path)})

    return make


def test_where_all_is_well_nothing_is_said(configured):
    assert list(notes(configured(a={}, b={"sandbox": {"mode": "strict"}}))) == []


def test_what_is_not_contained_is_said(configured):
    servers = {"a": {}, "b": {"sandbox": {"mode": "strict"}}, "c": {"sandbox": {"mode": "off"}}}
    assert list(notes(configured(NOTHING, **servers))) == [
        "no sandbox: bubblewrap does not work here: it is not installed",
        "no sandbox: landlock does not hold here: udp not refused",
        "these servers will not be started, for nothing can contain them here: b",
        "these servers run without a sandbox, with your rights: c, a",
    ]
    assert list(notes(configured(FALLBACK, a={}))) == [
        (
            "bubblewrap does not work here: No permissions; "
            "Landlock contains servers instead: they can see which files exist"
        )
    ]
    assert list(notes(configured(a={"sandbox": {"network": "host"}}))) == [
        "these servers have the network of this machine, all of it: a"
    ]
    container = {"command": ["docker", "run", "--privileged", "image"]}
    assert list(notes(configured(a=container))) == [
        "server a runs in a container, but it is privileged: it has the machine"
    ]
    assert sandbox.containment_of("a", configured(a=container)) is None


def test_the_proof_is_recorded(configured):
    events = []
    record(configured(FALLBACK, a={}), lambda name, text: events.append((name, text)))
    assert events[:2] == [
        ("sandbox", "bubblewrap does not work here: No permissions"),
        ("sandbox", "landlock holds: refused files, tcp"),
    ]


def test_show_tells_all_that_a_server_sees(configured, tmp_path):
    (tmp_path / "data").mkdir()
    settings = configured(
        a={"sandbox": {"read": ["data"], "write": ["~/data"], "network": ["api.example.com:443"]}},
        far={"command": [], "url": "https://h/mcp"},
    )

    def show(name):
        return CliRunner().invoke(app, ["sandbox", "show", name, "--config", str(settings.file)])

    lines = show("a").output.splitlines()
    assert lines[0] == "mode dev"
    assert f"read {tmp_path}/data" in lines
    assert f"write {tmp_path}/data" in lines or f"write {tmp_path}/home/data" in lines
    assert lines[-1] == "network api.example.com:443"
    assert any(line.endswith("(its own code)") for line in lines)
    assert "not started by keepgate" in show("far").output
    assert show("nobody").exit_code == 1


def test_update_shows_what_has_changed(configured, monkeypatch):
    settings = configured(a={"command": ["npx", "server"]})
    found = [
        Package("pkg:npm/a@1", "sha512-1"),
        Package("pkg:npm/b@1", "sha512-2"),
        Package("pkg:npm/c@1", "sha512-3"),
    ]
    new = [
        Package("pkg:npm/a@1", "sha512-1"),
        Package("pkg:npm/b@2", "sha512-4"),
        Package("pkg:npm/c@1", "sha512-5"),
    ]
    folder = settings.state
    monkeypatch.setattr(
        "keepgate.compose.launchers.known", lambda *_: Closure(folder, folder / "x", tuple(found))
    )

    async def fetch(*_):
        return Closure(folder, folder / "x", tuple(new))

    monkeypatch.setattr("keepgate.compose.launchers.fetch", fetch)
    said = (
        CliRunner()
        .invoke(app, ["sandbox", "update", "a", "--config", str(settings.file)])
        .output.splitlines()
    )
    assert said == [
        "- pkg:npm/b@1",
        "+ pkg:npm/b@2",
        "! pkg:npm/c@1 is not what it was: its content has another hash",
        "3 packages; running servers keep what they have until they are restarted",
    ]


def test_packages_are_held_to_the_lock():
    launch = Launch(("npx", "server"))
    pinned = ({"purl": "pkg:npm/a@1", "integrity": "sha512-1"},)
    lock = Lock(
        {
            "a": LockedServer(launch, "", "", (), {}, packages=pinned),
            "b": LockedServer(launch, "", "", (), {}),
        }
    )
    right, wrong = (Package("pkg:npm/a@1", "sha512-1"),), (Package("pkg:npm/a@1", "sha512-2"),)
    assert packages_fault("a", lock, right) == ""
    assert packages_fault("b", lock, wrong) == ""
    assert packages_fault("a", None, wrong) == ""
    for found in (wrong, (), (*right, *wrong)):
        assert "not those in keepgate.lock" in packages_fault("a", lock, found)


def test_a_first_sandbox_shows_what_the_arguments_name(tmp_path, monkeypatch):
    home = tmp_path / "home"
    (home / "notes").mkdir(parents=True)
    (home / "app").mkdir()
    (home / "app" / "server.js").write_text("")
    monkeypatch.setenv("HOME", str(home))
    notes_, script = str(home / "notes"), str(home / "app" / "server.js")
    assert suggested(["npx", "@x/server-filesystem", notes_, "/no/where"], {}, home) == {
        "write": [notes_],
        "network": [],
    }
    assert suggested(["node", script, f"--dir={notes_}"], {}, home) == {"read": [notes_], "network": []}
    assert suggested(["uvx", "it"], {"DIR": "~/notes", "KEY": {"secret": "env:K"}}, home) == {
        "read": [notes_],
        "network": [],
    }
    assert suggested(["/usr/bin/python3", "/usr/bin/true"], {}, home) == {"network": []}
    assert suggested(["docker", "run", "-v", f"{notes_}:/n", "image"], {}, home) == {}
    assert suggested([], {}, home) == {}


def propose(settings, *words):
    return CliRunner().invoke(app, ["sandbox", "propose", "a", *words, "--config", str(settings.file)])


def test_a_server_that_is_observed_is_said_to_have_all_rights(configured):
    assert list(notes(configured(a={"sandbox": {"mode": "observe"}}))) == [
        "these servers run without a sandbox, with your rights, and are observed: a"
    ]


def test_a_sandbox_is_proposed_that_the_configuration_takes(configured, tmp_path):
    settings = configured(a={"sandbox": {"mode": "observe"}})
    assert "never observed" in str(propose(settings).exception)
    odd = tmp_path / "no: te \u202e"
    odd.write_text("x")
    facts = [
        ("read", str(odd)),
        ("host", "api.example.com:443"),
        ("run", "/usr/bin/\x1b[2J"),
        ("write", str(tmp_path / "keepgate.yaml")),
    ]
    path = observing.file_of(settings.state, "a")
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps({"use": use, "what": what}) + "\n" for use, what in facts))
    result = propose(settings)
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.output
    assert "\u202e" not in result.output
    assert "# it used" in result.output
    command = (
        f"version: 1\nstate: state\n{result.output}      # end\n    command: [{sys.executable}, -c, '1']\n"
    )
    (tmp_path / "keepgate.yaml").write_text(command)
    taken = load(tmp_path / "keepgate.yaml", env={"HOME": str(tmp_path)}).servers["a"].sandbox
    assert (taken.mode, taken.read, taken.write) == ("strict", (odd,), ())
    assert taken.network == ("api.example.com:443",)
    assert propose(settings, "--forget").output == "a: forgotten\n"
    assert not path.exists()
