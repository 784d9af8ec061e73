"""What a person gets wrong, on the real command line: each says what is wrong and what to do, never a traceback."""

import asyncio
import base64
import concurrent.futures
import http.server
import itertools
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.client import Exchange, Handshake, conversation, encode
from tests.e2e.faults import failed, keepgate, records, texts, verified, with_tools
from tests.e2e.gate import gate_before
from tests.e2e.upstreams.start import Upstream, over_stdio
from tests.support import processes

pytestmark = pytest.mark.timeout(400)  # a machine that is busy with other tests

GOOD = """\
version: 1
listen: 127.0.0.1:PORT
state: state
servers:
  files:
    command: [python3, -c, pass]
access:
  roles:
    reader: {allow: ["files/*"]}
  grants:
    - {to: "key:laptop", role: reader}
"""

AT_ONCE = 3
"""Programs at a time."""


@dataclass(frozen=True)
class Case:
    """One mistake: how it gets into a good configuration, where it stands, what must be said, how the program ends."""

    edits: tuple[tuple[str, str], ...]
    place: str
    """The text at the line and column that the error names; empty if it names none."""
    said: tuple[str, ...]
    words: tuple[str, ...] = ("serve",)
    env: tuple[tuple[str, str], ...] = ()
    before: Callable[[Path], None] | None = None
    status: int = 1


def case(*edits, place="", said, **more):
    return Case(tuple(edits), place, tuple(said), **more)


def adding(line, at="state: state\n"):
    """An edit: one more line."""
    return (at, f"{at}{line}\n")


OUTSIDE = ("127.0.0.1:PORT", "192.0.2.1:PORT")
CLIENT_KEY = base64.b64encode(bytes(range(0, 256, 8))).decode()


def make(name, text="", mode=0o600):
    """Before the start: this file in the directory of the configuration."""

    def before(directory):
        path = directory / name
        path.parent.mkdir(exist_ok=True, mode=0o700)
        path.write_text(text)
        path.chmod(mode)

    return before


CASES = {
    # the file
    "a wrong key": case(("listen:", "lisen:"), place="lisen", said=["unknown key `lisen`", "`listen`"]),
    "a wrong key of a server": case(("command:", "comand:"), place="comand", said=["`comand`", "`command`"]),
    "a sandbox that is no mapping": case(
        adding("    sandbox: strict", "pass]\n"),
        place="strict",
        said=["`servers.files.sandbox` must be a mapping"],
    ),
    "auth for a server that is started": case(
        adding("    auth: {type: oauth}", "pass]\n"),
        place="{type: oauth}",
        said=["`auth` is for a server with a `url`"],
    ),
    "an unknown role": case(
        ("role: reader", "role: raeder"), place="raeder", said=["unknown role `raeder`", "`reader`"]
    ),
    "an unknown server": case(
        ("files/*", "flies/*"), place='"flies', said=["unknown server `flies`", "`files`"]
    ),
    "a wrong type": case(("version: 1", "version: one"), place="one", said=["version", "1"]),
    "an unknown version": case(("version: 1", "version: 2"), place="2", said=["version", "1"]),
    "a grantee of no known kind": case(("key:laptop", "laptop"), place='"laptop', said=["`laptop`", "key:"]),
    "a key twice": case(adding("state: other"), place="state: other", said=["`state`"]),
    "a tab": case(("  files:", "\tfiles:"), place="\tfiles", said=["a tab", "blanks"]),
    "an unclosed list": case(('["files/*"]', '["files/*"'), said=["not valid YAML", "keepgate.yaml:"]),
    "a command as one string": case(
        ("[python3, -c, pass]", "files-server ./data"), place="files-server", said=["as a list", "shell"]
    ),
    "neither command nor url": case(("command: [python3, -c, pass]", "cwd: ."), said=["`command`", "`url`"]),
    "a port that is none": case((":PORT", ":99999"), place="127.0", said=["`127.0.0.1:8700`"]),
    "anonymous off loopback": case(
        OUTSIDE,
        adding("identity: {anonymous: true}"),
        place="true",
        said=["only for loopback", "remove it or `listen` on 127.0.0.1"],
    ),
    "keys in clear off loopback": case(OUTSIDE, place="192", said=["keys in clear", "set `tls`"]),
    "every address": case(
        ("127.0.0.1:PORT", "0.0.0.0:PORT"), place="0.0", said=["every address", "`allowed_hosts`"]
    ),
    "postgresql storage": case(
        adding("storage: postgresql://db/keepgate"), place="postgresql", said=["postgresql", "sqlite"]
    ),
    "a limit out of range": case(
        adding("limits: {depth: 100000}"), place="100000", said=["limits.depth", "128"]
    ),
    "credentials in a url": case(
        ("command: [python3, -c, pass]", "url: https://me:hunter2@example.com/mcp"),
        place="https",
        said=["credentials", "`headers`"],
    ),
    # what it names
    "no file": case(said=["nowhere.yaml", "No such file"], words=("serve", "--config", "nowhere.yaml")),
    "a missing certificate": case(
        adding("tls: {cert: no.pem, key: no.key}"), said=["no.pem", "No such file"]
    ),
    "a certificate that is none": case(
        adding("tls: {cert: keepgate.yaml, key: keepgate.yaml}"), said=["cannot use the certificate"]
    ),
    "an address of another machine": case(
        OUTSIDE,
        adding("unsafe_plaintext_behind_proxy: true"),
        said=["192.0.2.1", "not an address of this machine", "set `listen`"],
    ),
    "a state directory that is a file": case(before=make("state"), said=["state"]),
    # the master key
    "a weak KEEPGATE_KEY": case(
        env=(("KEEPGATE_KEY", base64.b64encode(b"password" * 4).decode()),),
        said=["$KEEPGATE_KEY", "not random", "/dev/urandom"],
    ),
    "a short KEEPGATE_KEY": case(
        env=(("KEEPGATE_KEY", "c2hvcnQ="),), said=["$KEEPGATE_KEY", "not 32", "/dev/urandom"]
    ),
    "a KEEPGATE_KEY that is no base64": case(
        env=(("KEEPGATE_KEY", "changeme!"),), said=["$KEEPGATE_KEY", "not base64", "/dev/urandom"]
    ),
    "an empty KEEPGATE_KEY": case(env=(("KEEPGATE_KEY", ""),), said=["$KEEPGATE_KEY", "/dev/urandom"]),
    "a master key that others can read": case(
        before=make("state/master.key", CLIENT_KEY, 0o644), said=["master.key", "chmod 600"]
    ),
    # the command line
    "an unknown option": case(words=("serve", "--prot", "1"), said=["--prot"], status=2),
    "an unknown command": case(words=("sevre",), said=["sevre"], status=2),
    "an unknown server for the stdio front": case(
        words=("stdio", "--server", "crm"), said=["no server `crm`", "keepgate.yaml"]
    ),
    "a key that is not in the environment": case(
        words=("stdio", "--key-env", "NO_SUCH_KEY"), said=["$NO_SUCH_KEY", "missing"]
    ),
    "a time that is none": case(
        words=("audit", "query", "--since", "yesterdayish"), said=["since"], status=2
    ),
    "a key with a bad name": case(words=("keys", "create", "a b"), said=["key name", "letters, digits"]),
    "a key that does not exist": case(words=("keys", "revoke", "nobody"), said=["nobody"]),
    "nothing to verify yet": case(words=("audit", "verify"), said=["nothing was recorded"], status=3),
}


def at(text, word):
    """`line:column` of a word."""
    before = text.partition(word)[0]
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def run(directory, wrong):
    """The command on the wrong configuration; the configuration, and how it ended."""
    directory.mkdir()
    text = GOOD
    for old, new in wrong.edits:
        assert text.count(old) == 1, (old, text)
        text = text.replace(old, new)
    text = text.replace("PORT", str(processes.free_port()))
    file = directory / "keepgate.yaml"
    file.write_text(text)
    file.chmod(0o600)
    if wrong.before is not None:
        wrong.before(directory)
    try:
        return text, keepgate(directory, *wrong.words, env=dict(wrong.env))
    except subprocess.TimeoutExpired as error:
        return text, subprocess.CompletedProcess(error.cmd, 0, "it does not end", str(error.stderr))


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """All cases at once: most of the time they wait for Python to start."""
    directory, numbers = tmp_path_factory.mktemp("bad"), itertools.count()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        running = {name: pool.submit(run, directory / str(next(numbers)), CASES[name]) for name in CASES}
        return {name: future.result() for name, future in running.items()}


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_refused_with_its_place_its_cause_and_a_cure(outcomes, name):
    wrong, (text, done) = CASES[name], outcomes[name]
    said = done.stdout + done.stderr
    assert "Traceback" not in said, said
    assert done.returncode == wrong.status, said
    for word in wrong.said:
        assert word in said, (word, said)
    if wrong.place:
        assert f"keepgate.yaml:{at(text, wrong.place)}: " in said, (at(text, wrong.place), said)
    assert "ready: " not in said


@conversation
async def test_a_port_in_use_is_named_and_so_is_the_cure(tmp_path):
    server = over_stdio(tmp_path, "files", with_tools("act"))
    with gate_before(tmp_path, [server]) as gate:
        done = await asyncio.to_thread(keepgate, tmp_path, "serve")
        assert done.returncode == 1
        port = gate.origin.rpartition(":")[2]
        assert f"port {port} on `127.0.0.1` is in use" in done.stderr
        assert "set `listen` to another port" in done.stderr
        assert "Traceback" not in done.stderr
        client = await Handshake(gate.mount("files")).initialize()
        assert not failed(await client.tool("act")), "the one that runs goes on"


# Servers that do not work: keepgate serves, the others work, and who asks for this one is told why.


class Page(http.server.BaseHTTPRequestHandler):
    """A web site, and no MCP server."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b"<html>Sign in</html>"
        self.send_response(401 if self.path == "/private" else 200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def page():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def program(text):
    return {"command": [sys.executable, "-S", "-E", "-c", text]}


def broken_servers(page):
    """Entry, and what must be said of it."""
    return {
        "missing": (
            {"command": ["no-such-program"]},
            ["`no-such-program` was not found on PATH", "install it"],
        ),
        "nopath": ({"command": ["./no/such/file"]}, ["does not exist", "correct `command`"]),
        "nodir": ({**program("pass"), "cwd": "no-such-dir"}, ["no-such-dir", "create it or correct `cwd`"]),
        "dies": (program("import sys; sys.exit('the token is missing')"), ["ended with status 1"]),
        "garbage": (
            program(
                "import sys\nfor n in range(99): print('Welcome to the server!', n, flush=True)\nsys.stdin.read()"
            ),
            ["what is no message to stdout"],
        ),
        "banner": (
            program("import sys; print('Hi!', flush=True); sys.stdin.read()"),
            ["did not answer", "within 2 s"],
        ),
        "silent": (program("import sys; sys.stdin.read()"), ["did not answer", "within 2 s"]),
        "deaf": (program("import time; time.sleep(600)"), ["did not answer", "within 2 s"]),
        "nobody": ({"url": f"http://127.0.0.1:{processes.free_port()}/mcp"}, ["nothing listens there"]),
        "noname": ({"url": "http://no-such-host.invalid/mcp"}, ["cannot connect", "name"]),
        "website": ({"url": f"{page}/"}, ["neither JSON nor an event stream"]),
        "locked": ({"url": f"{page}/private"}, ["refused the credentials", "401"]),
        "nosecret": (
            {"url": f"{page}/", "headers": {"Authorization": {"secret": "env:NO_SUCH_TOKEN"}}},
            ["env:NO_SUCH_TOKEN", "no such variable"],
        ),
    }


@conversation
async def test_a_server_that_does_not_work_is_named_with_its_cause_and_the_others_work(tmp_path, page):
    broken = broken_servers(page)
    servers = [Upstream(name, "", None, None, entry) for name, (entry, _) in broken.items()]
    good = over_stdio(tmp_path, "good", with_tools("act"))
    with gate_before(tmp_path, [*servers, good], limits={"connect_timeout": 2}) as gate:

        async def initialize(name):
            hello = {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": {"name": "e2e", "version": "1"},
            }
            body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
            exchange = await Exchange.open(gate.mount(name), "POST", Handshake(gate.url).base(), encode(body))
            return texts(await exchange.reply())

        every = asyncio.gather(*map(initialize, broken))
        client = await Handshake(gate.mount("good")).initialize()
        assert not failed(await client.tool("act"))
        for (name, (_, said)), reply in zip(broken.items(), await every, strict=True):
            for word in [f"`{name}`", *said]:
                assert word in reply, (name, word, reply)
        assert "Traceback" not in gate.process.output()
        assert "server nosecret cannot be reached" in gate.process.output()
        assert "dies: the token is missing" in gate.process.output(), "what a server says on stderr is shown"
        assert "banner: the server process writes what is no message" in gate.process.output()
        assert "Welcome to the server!" in gate.process.output(), "its own words are for the operator only"
    verified(tmp_path)


def test_the_doctor_says_of_each_server_what_is_wrong_and_fails(tmp_path, page):
    broken = broken_servers(page)
    good = over_stdio(tmp_path, "good", with_tools("act"))
    config = processes.allow_all(
        processes.free_port(), tmp_path, {name: entry for name, (entry, _) in broken.items()}
    )
    config["servers"]["good"] = good.entry
    processes.write_config(tmp_path / "keepgate.yaml", config | {"limits": {"connect_timeout": 2}})
    done = keepgate(tmp_path, "doctor")
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    lines = {line.split(": ")[0].split()[-1]: line for line in done.stdout.splitlines() if " server " in line}
    for name, (_, said) in broken.items():
        assert lines[name].startswith("fail"), lines[name]
        for word in said:
            assert word in lines[name], (word, lines[name])
    assert lines["good"].startswith("ok")
    assert "1 tools" in lines["good"]


# A log that somebody changed


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A state directory after some calls and an orderly end."""
    directory = tmp_path_factory.mktemp("served")

    @conversation
    async def some_calls():
        server = over_stdio(directory, "files", with_tools("act"))
        with gate_before(directory, [server]) as gate:
            client = await Handshake(gate.mount("files")).initialize()
            for _ in range(5):
                assert not failed(await client.tool("act"))
            assert gate.process.stop() == 0

    some_calls()
    return directory


def changed(lines):
    return [line.replace(b'"allow"', b'"deny"') if n == 5 else line for n, line in enumerate(lines)]


TAMPERED = {
    "a record that was changed": changed,
    "a record that was removed": lambda lines: lines[:5] + lines[6:],
    "records that were swapped": lambda lines: [*lines[:5], lines[6], lines[5], *lines[7:]],
    "a record that was added": lambda lines: [*lines[:6], lines[5], *lines[6:]],
    "an end that was cut off": lambda lines: lines[:-3],
}


def tampered(served, place, how):
    """A copy of a state directory in which somebody has changed the log."""
    directory = place / "copy"
    shutil.copytree(served, directory)
    (directory / "keepgate.log").unlink()
    config = json.loads((directory / "keepgate.yaml").read_text())
    config |= {"state": str(directory / "state"), "listen": f"127.0.0.1:{processes.free_port()}"}
    processes.write_config(directory / "keepgate.yaml", config)
    (log,) = (directory / "state" / "audit").glob("*/*.log")
    log.write_bytes(b"".join(TAMPERED[how](log.read_bytes().splitlines(keepends=True))))
    return directory


@pytest.mark.parametrize("how", TAMPERED)
def test_a_tampered_log_fails_verification(served, tmp_path, how):
    directory = tampered(served, tmp_path, how)
    done = keepgate(directory, "audit", "verify")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAIL" in done.stdout
    assert "verdict: fail" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@conversation
async def test_after_tampering_a_new_log_is_begun_that_says_what_was_found(served, tmp_path):
    directory = tampered(served, tmp_path, "a record that was changed")
    with processes.keepgate_serving(directory, json.loads((directory / "keepgate.yaml").read_text())) as (
        url,
        process,
    ):
        client = await Handshake(f"{url}/files").initialize()
        assert not failed(await client.tool("act"))
        assert process.stop() == 0
    (found,) = records(directory, "--method", "audit/set-aside")
    assert "checkpoint" in found["verdict"]["reason"]
    assert keepgate(directory, "audit", "verify").returncode == 1, "what was tampered with stays in sight"
