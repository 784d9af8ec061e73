"""A server dies, comes back, or forgets its sessions: at most one clear error, naming it, and all works again."""

import asyncio
import contextlib
import os
import signal

import psutil
import pytest

from tests.e2e.client import FRONTS, Exchange, conversation
from tests.e2e.faults import failed, texts, until, with_tools
from tests.e2e.gate import gate_before
from tests.e2e.upstreams.record import Record
from tests.e2e.upstreams.start import Upstream, command, over_stdio
from tests.support.processes import PATIENCE, free_port, running

ERAS = ["handshake", "stateless"]
eras = pytest.mark.parametrize("era", ERAS)


class Restartable:
    """A server on HTTP that can be killed and started again on the same port."""

    def __init__(self, directory, era):
        self.directory = directory
        self.port = free_port()
        self.era = era
        self.words = command("http", directory, "web", with_tools("act", era=era), "--port", str(self.port))
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        self.record = Record(directory / "web.record")
        self.upstream = Upstream("web", "http", None, self.record, {"url": self.url})
        self.starts = 0

    @contextlib.contextmanager
    def running(self):
        self.starts += 1
        with running(self.words, self.directory / f"web.{self.starts}.log") as program:
            program.wait_for_line("ready: ")
            yield program


async def holding(client, record, word):
    """A call that is being executed; it waits at the gate `word`."""
    exchange = await client.play("act", {"note": word}, {"hold": word})
    event = await record.wait_note(word)
    return exchange, event["pid"]


async def works_again(client):
    """Until a call succeeds; what was said before it did."""
    said = []

    async def call():
        reply = await client.tool("act")
        if failed(reply):
            said.append(texts(reply))
        return not failed(reply)

    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not await call():
        assert asyncio.get_running_loop().time() < deadline, said
        await asyncio.sleep(0.05)
    return said


@eras
@conversation
async def test_a_stdio_server_killed_during_a_call_is_named_in_the_error_and_the_next_call_starts_it_again(
    tmp_path, era
):
    server = over_stdio(tmp_path, "pipe", with_tools("act", era=era))
    with gate_before(tmp_path, [server]) as gate:
        client = await FRONTS[era](gate.mount("pipe")).initialize()
        exchange, pid = await holding(client, server.record, "first")
        os.kill(pid, signal.SIGKILL)
        reply = await exchange.reply()
        assert failed(reply)
        assert "`pipe`" in texts(reply), reply
        assert "ended" in texts(reply), reply

        assert not failed(await client.tool("act"))
        exchange, other = await holding(client, server.record, "second")
        assert other != pid
        server.record.open_gate("second")
        assert not failed(await exchange.reply())


@eras
@conversation
async def test_a_stdio_server_killed_between_calls_costs_at_most_one_call(tmp_path, era):
    server = over_stdio(tmp_path, "pipe", with_tools("act", era=era))
    with gate_before(tmp_path, [server]) as gate:
        client = await FRONTS[era](gate.mount("pipe")).initialize()
        exchange, pid = await holding(client, server.record, "first")
        server.record.open_gate("first")
        assert not failed(await exchange.reply())
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not psutil.pid_exists(pid), "the server is gone")
        said = await works_again(client)
        assert len(said) <= 1
        assert all("`pipe`" in text for text in said), said


@eras
@conversation
async def test_an_http_server_that_dies_is_named_in_the_error_and_used_again_when_it_is_back(tmp_path, era):
    server = Restartable(tmp_path, era)
    with contextlib.ExitStack() as stack:
        program = stack.enter_context(server.running())
        gate = stack.enter_context(gate_before(tmp_path, [server.upstream]))
        client = await FRONTS[era](gate.mount("web")).initialize()
        exchange, _ = await holding(client, server.record, "first")
        program.process.kill()
        reply = await exchange.reply()
        assert failed(reply)
        assert "`web`" in texts(reply), reply

        for _ in range(5):
            reply = await client.tool("act")
            assert failed(reply)
            assert "`web`" in texts(reply), reply

        stack.enter_context(server.running())
        said = await works_again(client)
        assert all("`web`" in text for text in said), said
        for _ in range(5):
            assert not failed(await client.tool("act"))


@conversation
async def test_a_session_that_the_server_forgot_is_opened_again_without_the_client_noticing(tmp_path):
    server = Restartable(tmp_path, "handshake")
    with server.running(), gate_before(tmp_path, [server.upstream]) as gate:
        client = await FRONTS["handshake"](gate.mount("web")).initialize()
        assert not failed(await client.tool("act"))
        posts = [event for event in server.record.all() if event["event"] == "http"]
        (session,) = {dict(post["headers"])["mcp-session-id"] for post in posts[1:]}
        ended = await Exchange.open(server.url, "DELETE", {"Mcp-Session-Id": session})
        assert await ended.head() == 200

        since = server.record.mark()
        replies = await asyncio.gather(*(client.play("act", {"note": f"n{n}"}) for n in range(4)))
        assert not [reply for exchange in replies if failed(reply := await exchange.reply())]
        assert sorted(server.record.notes(since)) == ["n0", "n1", "n2", "n3"], "each was executed once"
        assert len(server.record.messages("initialize", since)) == 1
        assert server.record.messages("notifications/initialized", since)


@conversation
async def test_a_server_that_never_comes_back_fails_at_once_after_three_attempts(tmp_path):
    """The circuit: an unreachable server must not hold every caller up, and one that is back is found again."""
    server = Restartable(tmp_path, "handshake")
    with contextlib.ExitStack() as stack:
        program = stack.enter_context(server.running())
        gate = stack.enter_context(gate_before(tmp_path, [server.upstream]))
        client = await FRONTS["handshake"](gate.mount("web")).initialize()
        program.process.kill()
        await asyncio.to_thread(program.process.wait, 10)
        said = [texts(await client.tool("act")) for _ in range(8)]
        assert any("next try in" in text for text in said), said
        assert all("`web`" in text for text in said), said


@eras
@conversation
async def test_one_dead_server_fails_neither_the_list_nor_the_calls_of_the_others(tmp_path, era):
    dead = Upstream(
        "dead", "http", None, Record(tmp_path / "dead.record"), {"url": f"http://127.0.0.1:{free_port()}/"}
    )
    server = over_stdio(tmp_path, "pipe", with_tools("act", era=era))
    with gate_before(tmp_path, [dead, server]) as gate:
        client = await FRONTS[era](gate.url).initialize()
        listed = await client.call("tools/list")
        assert [tool["name"] for tool in listed["result"]["tools"]] == ["pipe_act"]
        assert not failed(await client.tool("pipe_act"))
