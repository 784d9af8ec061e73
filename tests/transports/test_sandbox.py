"""Contained servers as keepgate starts them: what they see, how they are spoken with, how they end."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from keepgate.model.errors import UpstreamError
from keepgate.transports.connect import StdioConnector
from keepgate.transports.sandbox import landlock, selftest
from keepgate.transports.sandbox.launch import Containment
from keepgate.transports.sandbox.needs import code_of
from keepgate.transports.sandbox.profile import Profile
from keepgate.transports.sandbox.selftest import Outcome, backend_of, examine
from keepgate.transports.upstream_stdio import ProcessSpec, StdioLimits
from tests.support import peers
from tests.transports.upstreams import gone, on_both_loops, started

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is nothing to contain with")

LOOK = """
import json, os, sys
def names(path):
    try: return sorted(os.listdir(path))
    except OSError as error: return error.strerror
def text(path):
    try: return open(path).read()
    except OSError as error: return error.strerror
for line in sys.stdin:
    asked = json.loads(line)
    said = {"env": dict(os.environ), "cwd": os.getcwd(), "pid": os.getpid()}
    said |= {"names": {path: names(path) for path in asked.get("names", ())}}
    said |= {"texts": {path: text(path) for path in asked.get("texts", ())}}
    for path in asked.get("write", ()):
        try: open(path, "w").write("x")
        except OSError as error: said.setdefault("failed", {})[path] = error.strerror
    print(json.dumps(said), flush=True)
"""
DEAF = """
import json, signal
signal.signal(signal.SIGTERM, lambda *_: print(json.dumps({"term": 1}), flush=True))
print("{}", flush=True)
while True: signal.pause()
"""
DAEMON = """
import json, os, signal, sys
if not os.fork():
    os.setsid()
    if not os.fork():
        while True: signal.pause()
    os._exit(0)
os.wait()
os.environ.clear()
print(json.dumps({"pids": [int(each) for each in os.listdir("/proc") if each.isdigit()]}), flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=["bubblewrap", "landlock"])
def backend(request):
    if request.param == "bubblewrap":
        peers.need_program("bwrap")
    elif landlock.abi() < landlock.ENOUGH:
        pytest.skip(f"this kernel has version {landlock.abi()} of Landlock")
    return request.param


@pytest.fixture
def home(tmp_path):
    home = tmp_path / "home"
    for name in (".ssh", "data/sub", "notes"):
        (home / name).mkdir(parents=True)
    (home / ".ssh" / "id").write_text("a key")
    (home / "data" / "fact").write_text("a fact")
    (home / "notes" / "one").write_text("a note")
    return home


def contained(script, backend, home, *, spec=None, **profile):
    given = Profile("test", mode="strict", home=home, **profile)
    limits = StdioLimits(term_after=0.2, kill_after=0.3)
    words = [sys.executable, "-c", script]
    return StdioConnector(
        ProcessSpec(words, containment=Containment(given, backend), limits=limits, **(spec or {}))
    )


async def ask(connector, **wanted):
    channel, sink = await started(connector)
    await channel.notify(json.dumps(wanted).encode(), {})
    return json.loads(await sink.message_next())


@on_both_loops
async def test_it_sees_what_is_listed_and_nothing_else(backend, home):
    data, note = home / "data", home / "notes" / "one"
    said = await ask(
        contained(LOOK, backend, home, read=(note,), write=(data,)),
        names=[str(home), str(home / ".ssh"), str(data)],
        texts=[str(note), str(home / ".ssh" / "id"), "/etc/shadow"],
        write=[str(data / "new"), str(note), str(home / "notes" / "two"), "/usr/x"],
    )
    assert said["names"][str(data)] == ["fact", "sub"]
    assert said["texts"].pop(str(note)) == "a note"
    assert set(said["texts"].values()) <= {"No such file or directory", "Permission denied"}
    assert "id" not in said["names"][str(home / ".ssh")]
    assert (data / "new").read_text() == "x"
    assert {str(note), "/usr/x"} <= set(said["failed"])
    assert note.read_text() == "a note"
    assert not (home / "notes" / "two").exists()
    if backend == "bubblewrap":
        assert said["names"][str(home)] == ["data", "notes"]


@on_both_loops
async def test_its_environment_is_small(backend, home, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:1")
    monkeypatch.setenv("UV_CACHE_DIR", "/c")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("WANTED", "w")
    connector = contained(
        LOOK, backend, home, spec={"env": {"OWN": "line\nbreak=", "UV_OWN": "u"}, "pass_env": ["WANTED"]}
    )
    said = await ask(connector)
    assert said["env"]["OWN"] == "line\nbreak="
    assert said["env"]["UV_OWN"] == "u"
    assert said["env"]["WANTED"] == "w"
    assert not {"HTTPS_PROXY", "UV_CACHE_DIR", "AWS_SECRET_ACCESS_KEY"} & said["env"].keys()


@on_both_loops
async def test_a_library_to_preload_is_for_the_server_only(backend, home, tmp_path):
    """Outside, in bubblewrap or in our own reaper, it would run uncontained."""
    seen = await ask(
        contained(LOOK, backend, home, spec={"env": {"LD_PRELOAD": str(tmp_path / "evil.so")}}),
    )
    assert seen["env"]["LD_PRELOAD"] == str(tmp_path / "evil.so")
    launch = Containment(Profile("test", mode="strict", home=home), backend).launch(
        selftest.Start(sys.executable, [], {"LD_PRELOAD": "x", "SECRET": "s"}, tmp_path, {"LD_PRELOAD": "x"})
    )
    try:
        assert launch.env == {}
        assert not any("LD_PRELOAD" in word or "SECRET" in word for word in launch.command)
    finally:
        launch.close()
        launch.forget()


@on_both_loops
async def test_it_is_asked_to_end_before_it_is_made_to(backend, home):
    channel, sink = await started(contained(DEAF, backend, home))
    assert await sink.message_next() == b"{}"
    said = []
    channel._process._line = said.append  # no sink hears what it says while it is closed
    await channel.close()
    assert b'{"term": 1}' in said


@on_both_loops
async def test_nothing_of_it_is_left(home):
    """Not even what made itself a daemon and cleared its environment: the namespace ends with its first process."""
    peers.need_program("bwrap")
    channel, sink = await started(contained(DAEMON, "bubblewrap", home))
    inside = json.loads(await sink.message_next())["pids"]
    assert len(inside) == 3
    reaper = channel._process._group
    below = descendants(reaper)
    assert len(below) == 4  # bubblewrap twice, the server, its daemon
    await channel.close()
    for pid in below:
        await gone(pid)


def descendants(pid):
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(entry.read_bytes().rpartition(b")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            found += [int(entry.parent.name), *descendants(int(entry.parent.name))]
    return found


@on_both_loops
async def test_a_listed_path_that_does_not_exist_is_named(backend, home):
    channel = contained(LOOK, backend, home, read=(home / "nowhere",)).channel(era="handshake")
    with pytest.raises(UpstreamError, match="nowhere`, which does not exist: create or remove it"):
        await channel.open(None)


@on_both_loops
async def test_what_is_keepgate_s_own_is_never_shown(backend, home):
    own = home / "notes"
    for read in (own, own / "one"):
        channel = contained(LOOK, backend, home, read=(read,), hidden=(own,)).channel(era="handshake")
        with pytest.raises(UpstreamError, match="keepgate's own"):
            await channel.open(None)


@on_both_loops
async def test_credentials_stay_hidden_below_a_listed_directory(home):
    peers.need_program("bwrap")
    key, link = home / ".ssh" / "id", home.parent / "link"
    link.symlink_to(home)
    own = home / "notes"
    wanted = {"texts": [str(key), str(link / ".ssh" / "id"), str(home / "data" / "fact"), str(own / "one")]}
    said = await ask(contained(LOOK, "bubblewrap", home, read=(home, link), hidden=(own,)), **wanted)
    assert said["texts"][str(home / "data" / "fact")] == "a fact"
    assert not {"a key", "a note"} & set(said["texts"].values())
    said = await ask(contained(LOOK, "bubblewrap", home, read=(home, home / ".ssh")), **wanted)
    assert said["texts"][str(key)] == "a key"  # who lists it means it


@on_both_loops
async def test_landlock_refuses_what_it_cannot_hide(home):
    if landlock.abi() < landlock.ENOUGH:
        pytest.skip(f"this kernel has version {landlock.abi()} of Landlock")
    channel = contained(LOOK, "landlock", home, read=(home,)).channel(era="handshake")
    with pytest.raises(UpstreamError, match="cannot hide"):
        await channel.open(None)


@on_both_loops
async def test_where_nothing_contains_strict_refuses_and_dev_runs(home):
    for mode in ("strict", "dev"):
        containment = Containment(Profile("test", mode=mode, home=home), "")
        connector = StdioConnector(ProcessSpec([sys.executable, "-c", LOOK], containment=containment))
        if mode == "strict":
            with pytest.raises(
                UpstreamError, match="must be contained, and cannot be here: install bubblewrap"
            ):
                await connector.channel(era="handshake").open(None)
        else:
            said = await ask(connector, texts=[str(home / ".ssh" / "id")])
            assert said["texts"][str(home / ".ssh" / "id")] == "a key"


def test_the_self_test_sees_what_holds_and_remembers_it(backend, tmp_path, monkeypatch):
    monkeypatch.setattr(selftest, "BACKENDS", (backend,))
    (found,) = examine(tmp_path)
    assert found.holds, found
    assert {"files", "ssh", "processes", "signals", "tcp", "udp", "sockets", "abstract"} <= set(found.denied)
    assert sorted(each.name for each in (tmp_path / "sandbox").iterdir()) == ["selftest.json"]
    monkeypatch.setattr(selftest, "_try", None)
    assert examine(tmp_path) == (found,)
    assert backend_of((found,)) == backend
    with pytest.raises(TypeError):
        examine(tmp_path, fresh=True)


def test_a_remembered_answer_of_other_circumstances_does_not_count(tmp_path, monkeypatch):
    monkeypatch.setattr(selftest, "_try", lambda backend, folder: Outcome(backend, why="broken"))
    assert not backend_of(examine(tmp_path))
    file = tmp_path / "sandbox" / "selftest.json"
    monkeypatch.setattr(selftest, "_try", lambda backend, folder: Outcome(backend, denied=("files",)))
    assert not backend_of(examine(tmp_path))
    file.write_text(file.read_text().replace('"here":["', '"here":["another'))
    assert backend_of(examine(tmp_path)) == "bubblewrap"
    file.write_text('{"here": 1')
    assert backend_of(examine(tmp_path)) == "bubblewrap"


def test_without_a_state_directory_nothing_can_be_tried(tmp_path):
    file = make(tmp_path / "state")
    assert not backend_of(examine(file))
    assert "Not a directory" in examine(file)[0].why


def test_the_self_test_notices_what_does_not_hold(tmp_path, monkeypatch):
    """Run without any containment it finds everything open that is open."""

    def uncontained(self, start):
        return selftest.Launch("-", [start.file, *start.words], dict(start.env))

    monkeypatch.setattr(selftest.Containment, "launch", uncontained)
    (tmp_path / "sandbox").mkdir()
    found = selftest._try("bubblewrap", tmp_path / "sandbox")
    assert not found.holds
    assert {"files", "write", "processes", "signals", "tcp", "udp", "sockets", "abstract"} <= set(found.open)
    assert "not refused" in str(found)


def make(path, text="", mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def needed(file, words, home, cwd=None, **env):
    return set(code_of(str(file), words, env, cwd or home, home))


def test_the_code_a_command_needs(home):
    opt = home.parent / "opt"
    python = Path(sys.executable)
    node = make(opt / "node" / "bin" / "node", mode=0o755)
    make(opt / "node" / "include" / "node.h")
    script = make(home / "app" / "node_modules" / "@x" / "server" / "dist" / "index.js")
    modules = home / "app" / "node_modules"
    assert needed(node, [str(script), str(home / "data")], home) == {opt / "node", modules}
    assert needed(node, ["--no-warnings", str(script)], home) == {opt / "node", modules}
    nested = make(modules / "a" / "node_modules" / "b" / "cli.js")
    assert needed(node, [str(nested)], home) == {opt / "node", modules}
    # a project, a lone script, one that lies in the home directory itself
    make(home / "work" / "package.json")
    project = make(home / "work" / "src" / "server.js")
    assert needed(node, [str(project)], home) == {opt / "node", home / "work"}
    lone = make(home / "scripts" / "server.py")
    assert home / "scripts" in needed(python, [str(lone)], home)
    loose = make(home / "server.py")
    assert loose in needed(python, [str(loose)], home)
    # data is never guessed
    assert needed(node, ["-e", "1", str(home / "data")], home) == {opt / "node"}
    assert needed(make(opt / "bin" / "tool", mode=0o755), [str(home / "data")], home) == {opt / "bin"}
    # what the configuration says
    assert home / "notes" in needed(python, ["-c", "1"], home, PYTHONPATH="notes:/nowhere")


def test_the_code_behind_links_and_interpreters(home):
    tool = home / ".local" / "share" / "uv" / "tools" / "t"
    make(tool / "pyvenv.cfg", f"home = {home.parent / 'python' / 'bin'}\n")
    base = make(home.parent / "python" / "bin" / "python3", mode=0o755)
    make(home.parent / "python" / "include" / "Python.h")
    (tool / "bin").mkdir()
    (tool / "bin" / "python").symlink_to(base)
    make(tool / "bin" / "serve", f"#!{tool}/bin/python\n", 0o755)
    (home / ".local" / "bin").mkdir(parents=True)
    link = home / ".local" / "bin" / "serve"
    link.symlink_to(tool / "bin" / "serve")
    assert needed(link, [], home) == {link, tool, home.parent / "python"}
    wrapped = make(home / ".local" / "bin" / "wrapped", "#!/usr/bin/env -S helper --x\n", 0o755)
    helper = make(home.parent / "opt" / "bin" / "helper", mode=0o755)
    assert needed(wrapped, [], home, PATH=str(helper.parent)) == {wrapped, helper.parent}
    first, second = home / "a", home / "b"
    first.symlink_to(second)
    second.symlink_to(first)
    assert needed(first, [], home) == set()


def test_bubblewrap_that_fails_is_quoted(tmp_path, monkeypatch):
    broken = make(tmp_path / "bin" / "bwrap", "#!/bin/sh\necho 'bwrap: No permissions' >&2; exit 1\n", 0o755)
    monkeypatch.setenv("PATH", f"{broken.parent}:{os.environ['PATH']}")
    assert shutil.which("bwrap") == str(broken)
    (tmp_path / "sandbox").mkdir()
    found = selftest._try("bubblewrap", tmp_path / "sandbox")
    assert "No permissions" in found.why
    assert "does not work here" in str(found)
