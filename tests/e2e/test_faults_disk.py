"""A full disk stops forwarding, never recording; with space again, all works without a restart.

Two ways to be full: a limit on the size of files that is set on the running process (anywhere on Linux), and a real
file system of a few blocks (where a mount namespace is to be had).
"""

import asyncio
import contextlib
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.client import FRONTS, Exchange, conversation
from tests.e2e.faults import failed, keepgate, records, texts, verified, with_tools
from tests.e2e.gate import NO_RATE, Gate
from tests.e2e.upstreams.start import over_http, over_stdio
from tests.support import processes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="prlimit and mount namespaces are Linux")

NOT_RECORDED = "could not record"
MODES = ["limit", "mount"]
INSIDE_A_MOUNT = 'mount -t tmpfs -o size=512k,mode=700 tmpfs "$1" && shift && exec "$@"'


class Disk:
    """The disk of a running gateway: `fill` it, make `room` again."""

    def __init__(self, mode, gate):
        self.mode = mode
        self.pid = gate.process.process.pid
        # Through /proc a mount that only the gateway has is seen from here.
        self.state = Path(f"/proc/{self.pid}/root{gate.directory}/state")

    def fill(self):
        if self.mode == "limit":
            largest = max(file.stat().st_size for file in (self.state / "audit").rglob("*") if file.is_file())
            resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
            return
        with contextlib.suppress(OSError), (self.state / "ballast").open("wb", buffering=0) as ballast:
            while ballast.write(b"x" * 512):
                pass

    def room(self):
        if self.mode == "limit":
            resource.prlimit(
                self.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            )
        else:
            (self.state / "ballast").unlink()


@contextlib.contextmanager
def small_disk(directory, mode, upstreams, **more):
    """keepgate before these servers, and its disk."""
    port = processes.free_port()
    config = processes.allow_all(port, directory, {server.id: server.entry for server in upstreams})
    config |= {"limits": NO_RATE, **more}
    file = processes.write_config(directory / "keepgate.yaml", config)
    (directory / "state").mkdir(mode=0o700)
    command = [*processes.KEEPGATE, "serve", "--config", str(file)]
    if mode == "mount":
        own = ["unshare", "--user", "--map-root-user", "--mount"]
        if not shutil.which("unshare") or subprocess.run([*own, "true"], capture_output=True).returncode:
            pytest.skip("no mount namespace is to be had here")
        command = [*own, "sh", "-c", INSIDE_A_MOUNT, "sh", str(directory / "state"), *command]
    with processes.running(
        command, directory / "keepgate.log", env=processes.clean_env(directory)
    ) as process:
        url = process.wait_for_line("ready: ").removeprefix("ready: ").split()[0]
        gate = Gate(
            url.removesuffix("/mcp"), directory, {server.id: server for server in upstreams}, {}, process
        )
        yield gate, Disk(mode, gate)
        if mode == "mount":
            # The mount ends with the gateway: what is there now is what can be verified.
            shutil.copytree(gate_state(gate), directory / "kept", ignore=shutil.ignore_patterns("ballast"))
    if mode == "mount":
        shutil.rmtree(directory / "state")
        (directory / "kept").rename(directory / "state")


def gate_state(gate):
    return f"/proc/{gate.process.process.pid}/root{gate.directory}/state"


async def get(gate, path):
    exchange = await Exchange.open(f"{gate.origin}{path}", "GET")
    return await exchange.head(), await exchange.body()


async def full(gate, disk):
    """Fill the disk. What is left of the last block is used up by the smallest record there is."""
    disk.fill()
    for _ in range(100):
        if (await get(gate, "/readyz"))[0] == 503:
            return
    raise AssertionError("the disk is not full")


async def refused(client, count=5):
    """Calls are answered, and the answer is that they were not done."""
    for _ in range(count):
        reply = await client.tool("act", {"steps": [{"note": "forwarded"}]})
        assert failed(reply), reply
        assert NOT_RECORDED in texts(reply), reply


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("durability", ["batch", "sync"])
@conversation
async def test_while_the_disk_is_full_nothing_is_forwarded_and_with_space_again_everything_is(
    tmp_path, mode, durability
):
    web = with_tools("act"), with_tools("act", era="stateless")
    with over_http(tmp_path, "hs-http", web[0]) as one, over_http(tmp_path, "sl-http", web[1]) as two:
        servers = [one, two, over_stdio(tmp_path, "hs-stdio", web[0])]
        with small_disk(tmp_path, mode, servers, durability=durability) as (gate, disk):
            pairs = [("handshake", "hs-http"), ("stateless", "sl-http"), ("handshake", "hs-stdio")]
            clients = [await FRONTS[era](gate.mount(name)).initialize() for era, name in pairs]
            for client in clients:
                assert not failed(await client.tool("act"))
            assert (await get(gate, "/readyz"))[0] == 200

            await full(gate, disk)
            marks = [server.record.mark() for server in servers]
            for client in clients:
                await refused(client)
            assert (await get(gate, "/healthz"))[0] == 200
            late = await FRONTS["handshake"](gate.mount("hs-http")).post(
                b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",'
                b'"capabilities":{},"clientInfo":{"name":"e2e","version":"1"}}}'
            )
            assert NOT_RECORDED in texts(await late.reply())
            for server, since in zip(servers, marks, strict=True):
                assert server.record.messages(since=since) == [], "forwarded without a record"

            disk.room()
            for client in clients:
                assert not failed(await client.tool("act", {"steps": [{"note": "forwarded"}]}))
            assert (await get(gate, "/readyz"))[0] == 200
            notes = [server.record.notes(since) for server, since in zip(servers, marks, strict=True)]
            assert notes == [["forwarded"]] * 3
            if mode == "limit":
                assert gate.process.stop() == 0
        verified(tmp_path)
        found = [record for record in records(tmp_path) if record["method"] == "tools/call"]
        assert len(found) == 6, "one before and one after the disk was full, for each client"


@pytest.mark.parametrize("durability", ["batch", "sync"])
@pytest.mark.parametrize("era", ["handshake", "stateless"])
@conversation
async def test_a_result_that_cannot_be_recorded_is_not_returned(tmp_path, era, durability):
    server = over_stdio(tmp_path, "pipe", with_tools("act", era=era))
    with small_disk(tmp_path, "limit", [server], durability=durability) as (gate, disk):
        client = await FRONTS[era](gate.mount("pipe")).initialize()
        secret = {"reply": {"content": [{"type": "text", "text": "the secret result"}]}}
        exchange = await client.play("act", {"note": "running"}, {"hold": "door"}, secret)
        await server.record.wait_note("running")
        await full(gate, disk)
        server.record.open_gate("door")
        reply = await exchange.reply()
        assert failed(reply)
        assert NOT_RECORDED in texts(reply), reply
        assert "secret" not in str(reply)


@conversation
async def test_a_full_disk_at_the_start_is_an_error_that_says_so(tmp_path):
    server = over_stdio(tmp_path, "pipe", with_tools("act"))
    config = processes.allow_all(processes.free_port(), tmp_path, {"pipe": server.entry})
    processes.write_config(tmp_path / "keepgate.yaml", config)
    assert keepgate(tmp_path, "keys", "list").returncode == 0

    def full():
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    done = await asyncio.to_thread(
        subprocess.run,
        [*processes.KEEPGATE, "serve", "--config", str(tmp_path / "keepgate.yaml")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=30,
        env=processes.clean_env(tmp_path),
        preexec_fn=full,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "error: " in done.stderr
    assert str(tmp_path / "state") in done.stderr
    assert os.strerror(27) in done.stderr, done.stderr
