"""However keepgate ends, nothing that it started is left: not a server, not a launcher, not what they started."""

import asyncio
import contextlib
import getpass
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.e2e.client import Handshake, Modern, Pipe, conversation
from tests.e2e.faults import alive, failed, nobody_left, until, wait_until
from tests.e2e.gate import gate_before
from tests.e2e.upstreams.start import Upstream
from tests.support import processes

FAMILY = Path(__file__).with_name("family.py")
MEMBERS = {"launcher": 3, "server": 2, "gentle": 2}
"""Processes of one session with such a server, at least."""
GONE = 15.0
KILL, TERM, INT, EOF = "SIGKILL", "SIGTERM", "SIGINT", "eof"


@pytest.fixture
def token(tmp_path):
    word = f"kg-orphan-{os.getpid()}-{tmp_path.name}"
    with nobody_left(word):
        yield word


def family(role, token):
    command = [sys.executable, "-S", "-E", str(FAMILY), role, token]
    return Upstream("kin", "stdio", None, None, {"command": command})


def all_gone(token):
    wait_until(lambda: not alive(token), f"left: {alive(token)}", GONE)


async def a_session(url):
    client = await Handshake(url).initialize()
    assert not failed(await client.tool("act"))
    return client


@pytest.mark.parametrize(
    ("role", "end"),
    [("launcher", KILL), ("server", KILL), ("launcher", TERM), ("gentle", TERM), ("gentle", INT)],
)
@conversation
async def test_a_gateway_that_ends_leaves_no_process_behind(tmp_path, token, role, end):
    with gate_before(tmp_path, [family(role, token)]) as gate:
        await asyncio.gather(*(a_session(gate.mount("kin")) for _ in range(2)))
        await Modern(gate.mount("kin")).tool("act")
        assert len(alive(token)) >= 2 * MEMBERS[role]
        gate.process.process.send_signal(signal.Signals[end])
        status = await asyncio.to_thread(gate.process.process.wait, 30)
        assert status == (-9 if end == KILL else 0), gate.process.output()
        all_gone(token)


@contextlib.asynccontextmanager
async def front(directory, token, role):
    config = processes.allow_all(0, directory, {"kin": family(role, token).entry})
    del config["identity"], config["listen"]
    config["access"]["grants"] = [{"to": f"local:{getpass.getuser()}", "role": "all"}]
    file = processes.write_config(directory / "keepgate.yaml", config)
    words = [*processes.KEEPGATE, "stdio", "--config", str(file)]
    async with Pipe.start(*words, log=directory / "front.log", env=processes.clean_env(directory)) as pipe:
        await pipe.initialize()
        reply = await pipe.call("tools/call", {"name": "kin_act", "arguments": {}})
        assert not failed(reply), reply
        assert len(alive(token)) >= MEMBERS[role]
        yield pipe


@pytest.mark.parametrize(("role", "end"), [("launcher", KILL), ("gentle", TERM), ("gentle", EOF)])
@conversation
async def test_a_stdio_front_that_ends_leaves_no_process_behind(tmp_path, token, role, end):
    async with front(tmp_path, token, role) as pipe:
        if end == EOF:
            pipe.process.stdin.close()
        else:
            pipe.process.send_signal(signal.Signals[end])
        assert await asyncio.wait_for(pipe.process.wait(), 30) == (-9 if end == KILL else 0)
        all_gone(token)


@conversation
async def test_a_session_that_ends_takes_its_processes_with_it(tmp_path, token):
    with gate_before(tmp_path, [family("gentle", token)]) as gate:
        first = await a_session(gate.mount("kin"))
        one = len(alive(token))
        second = await a_session(gate.mount("kin"))
        assert len(alive(token)) == 2 * one
        assert await first.end() == 200
        await until(lambda: len(alive(token)) == one, "the first session's processes end")
        assert not failed(await second.tool("act"))


@conversation
async def test_a_server_that_is_removed_from_the_configuration_is_ended(tmp_path, token):
    with gate_before(tmp_path, [family("gentle", token)]) as gate:
        await a_session(gate.mount("kin"))
        config = gate.directory / "keepgate.yaml"
        config.write_text(config.read_text().replace('"kin"', '"other"').replace(token, "elsewhere"))
        await until(lambda: not alive(token), "the removed server's processes end")
