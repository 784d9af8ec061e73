"""Hostile bytes from either side: keepgate does not crash, hang, or grow, and passes on only what it has understood.

`KEEPGATE_HOSTILE=n` says how many strings go to each front and come from each server (over HTTP half as many).
"""

import asyncio
import contextlib
import getpass
import os
import random
import sys
from pathlib import Path

import psutil
import pytest

from tests.e2e.client import FRONTS, STATELESS, Handshake, Pipe, conversation
from tests.e2e.faults import failed, verified, with_tools
from tests.e2e.gate import NO_RATE, gate_before
from tests.e2e.hostile import MODERN, REPLIES, REQUESTS, TOKENS, mutate, strict, strings
from tests.e2e.upstreams.start import Upstream, over_http, over_stdio
from tests.support import processes

MANY = int(os.environ.get("KEEPGATE_HOSTILE", "10000"))
LINES = 8
"""Connections at a time."""
GROWTH = 96 << 20
"""Bytes that keepgate may grow by, its own caches included."""
SPEWER = Path(__file__).with_name("spewer.py")

pytestmark = pytest.mark.timeout(300)


class Line:
    """One connection to keepgate that is kept as long as keepgate keeps it."""

    def __init__(self, port):
        self.port = port
        self.reader = self.writer = None

    async def ask(self, head, body):
        """Status and body of the answer; the connection is made anew if it was closed after the last."""
        if self.writer is None or self.writer.is_closing() or self.reader.at_eof():
            await self.close()
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 25)
        self.writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        lines = (await self.reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
        fields = dict(line.split(b": ", 1) for line in lines[1:-2])
        if b"content-length" in fields:
            text = await self.reader.readexactly(int(fields[b"content-length"]))
        else:
            text = await self.events()
        if fields.get(b"connection") == b"close":
            await self.close()
        return int(lines[0].split()[1]), text

    async def events(self):
        """The data of the last event of a stream."""
        data = b""
        while size := int(await self.reader.readline(), 16):
            data += await self.reader.readexactly(size + 2)
        await self.reader.readline()
        return data.rpartition(b"data: ")[2].strip()

    async def close(self):
        if self.writer is not None:
            self.writer.close()
            with contextlib.suppress(ConnectionError):
                await self.writer.wait_closed()
        self.writer = None


def head(gate, path, headers):
    port = int(gate.origin.rpartition(":")[2])
    fields = {"Host": f"127.0.0.1:{port}", **{k: v for k, v in headers.items() if v is not None}}
    return f"POST {path} HTTP/1.1\r\n".encode() + b"".join(
        f"{k}: {v}\r\n".encode() for k, v in fields.items()
    )


async def in_parallel(work, items):
    """Each item once, a few at a time, each within bounds."""
    left = iter(items)

    async def one():
        for item in left:
            await asyncio.wait_for(work(item), 20)

    await asyncio.gather(*(one() for _ in range(LINES)))


@contextlib.contextmanager
def bounded(process):
    """It is the same process afterwards, and has not grown much."""
    running = psutil.Process(process.pid)
    before = running.memory_info().rss
    yield
    assert running.is_running()
    assert running.memory_info().rss - before < GROWTH


def assert_understood(upstream):
    """What a server got was one plain JSON-RPC message each, with an id that keepgate made."""
    events = [event for event in upstream.record.all() if event["event"] in ("line", "http")]
    bodies = [event["body"].encode("latin-1") for event in events if event.get("method", "POST") == "POST"]
    assert len(bodies) > 10, "nothing came through: the test shows nothing"
    for raw in bodies:
        message = strict(raw)
        assert isinstance(message, dict)
        assert message["jsonrpc"] == "2.0"
        assert type(message.get("id", 0)) is int or "method" not in message, raw


# From clients


@conversation
async def test_hostile_bodies_over_http_are_refused_or_understood(tmp_path):
    old, new = with_tools("act"), with_tools("act", era="stateless")
    with over_http(tmp_path, "sl", new) as modern:
        servers = [over_stdio(tmp_path, "hs", old), modern]
        with gate_before(tmp_path, servers) as gate:
            session = await FRONTS["handshake"](gate.mount("hs")).initialize()
            await FRONTS["stateless"](gate.mount("sl")).tool("act")
            own = session.headers()
            texts = [(head(gate, "/mcp/hs", own), text) for text in strings(1, MANY // 2, REQUESTS)]
            texts += [(head(gate, "/mcp", session.base()), text) for text in strings(2, MANY // 10, REQUESTS)]
            for method, message in MODERN.items():
                own = {**session.base(), "MCP-Protocol-Version": STATELESS, "Mcp-Method": method}
                named = {"Mcp-Name": "act"} if method == "tools/call" else {}
                texts += [
                    (head(gate, "/mcp/sl", own | named), text) for text in strings(3, MANY // 7, [message])
                ]
            random.Random(4).shuffle(texts)
            port = int(gate.origin.rpartition(":")[2])
            free = [Line(port) for _ in range(LINES)]
            statuses = []

            async def post(text):
                line = free.pop()
                status, answer = await line.ask(*text)
                statuses.append(status)
                if answer:
                    assert "jsonrpc" in (strict(answer)[0] if answer[:1] == b"[" else strict(answer)), answer
                free.append(line)

            with bounded(gate.process.process):
                await in_parallel(post, texts)
            for line in free:
                await line.close()
            assert set(statuses) <= {200, 202, 400, 404, 413}, set(statuses)
            assert statuses.count(400) > MANY / 3
            assert statuses.count(200) > MANY / 100
            assert not failed(await session.tool("act"))
            for server in servers:
                assert_understood(server)
            assert "Traceback" not in gate.process.output()
            assert gate.process.stop() == 0
    verified(tmp_path)


@conversation
async def test_hostile_bytes_instead_of_http_are_refused(tmp_path):
    server = over_stdio(tmp_path, "hs", with_tools("act"))
    with gate_before(tmp_path, [server]) as gate:
        session = await Handshake(gate.mount("hs")).initialize()
        call = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"act"}}'
        real = head(gate, "/mcp/hs", session.headers()) + b"Content-Length: %d\r\n\r\n" % len(call) + call
        chunked = real.replace(b"Content-Length: %d" % len(call), b"Transfer-Encoding: chunked")
        chunked = chunked.replace(b"\r\n\r\n{", b"\r\n\r\n%x\r\n{" % len(call)) + b"\r\n0\r\n\r\n"
        rng, port = random.Random(3), int(gate.origin.rpartition(":")[2])
        texts = [mutate(rng, rng.choice([real, chunked]), real) for _ in range(MANY // 5)]
        texts += [b"".join(rng.choices(TOKENS, k=20)) for _ in range(MANY // 50)]

        async def send(text):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with contextlib.suppress(ConnectionError):
                writer.write(text)
                writer.write_eof()
                answer = await reader.read()
                assert answer == b"" or answer.startswith(b"HTTP/1.1 "), answer
            writer.close()

        with bounded(gate.process.process):
            await in_parallel(send, texts)
        assert not failed(await session.tool("act"))
        assert_understood(server)
        assert "Traceback" not in gate.process.output()


async def answer_to(pipe, number):
    """The reply of this id; every line before it is one plain JSON text, too."""
    while True:
        line = await asyncio.wait_for(pipe.process.stdout.readline(), 30)
        message = strict(line)
        if isinstance(message, dict) and message.get("id") == number:
            return message


@conversation
async def test_hostile_lines_to_the_stdio_front_are_refused_or_understood(tmp_path):
    server = over_stdio(tmp_path, "hs", with_tools("act"))
    config = processes.allow_all(0, tmp_path, {"hs": server.entry}) | {"limits": NO_RATE}
    del config["listen"], config["identity"]
    config["access"]["grants"] = [{"to": f"local:{getpass.getuser()}", "role": "all"}]
    file = processes.write_config(tmp_path / "keepgate.yaml", config)
    words = [*processes.KEEPGATE, "stdio", "--server", "hs", "--config", str(file)]
    log = tmp_path / "front.log"
    async with Pipe.start(*words, log=log, env=processes.clean_env(tmp_path)) as pipe:
        await pipe.initialize("2025-03-26")  # the one revision with batches
        assert not failed(await pipe.call("tools/call", {"name": "act"}, "first"))
        with bounded(pipe.process):

            async def feed():
                for text in strings(4, MANY, REQUESTS):
                    pipe.write(text)
                    await pipe.process.stdin.drain()
                pipe.start_request("ping", request_id="the last")

            feeding = asyncio.ensure_future(feed())
            await answer_to(pipe, "the last")
            await feeding
        pipe.start_request("tools/call", {"name": "act"}, "after")
        reply = await answer_to(pipe, "after")
        assert not failed(reply)
        assert_understood(server)
    assert pipe.process.returncode == 0
    assert "Traceback" not in log.read_text()
    verified(tmp_path)


# From servers


def spewing(transport, port=0):
    return [sys.executable, "-S", "-E", str(SPEWER), transport, str(port), "5", str(MANY)]


async def calls(gate, arguments):
    """Call with each of these arguments on sessions of their own; how many replies were those of the server."""
    clients = [await FRONTS["handshake"](gate.mount("bad")).initialize() for _ in range(4)]
    stateless = [FRONTS["stateless"](gate.mount("bad")) for _ in range(LINES - 4)]
    free, good = clients + stateless, 0

    async def call(given):
        nonlocal good
        client = free.pop()
        exchange = await client.start("tools/call", {"name": "act", "arguments": given})
        messages = await exchange.messages()
        (reply,) = [message for message in messages if "method" not in message]
        assert reply["id"] == client.next_id - 1
        good += not failed(reply)
        free.append(client)

    with bounded(gate.process.process):
        await in_parallel(call, arguments)
    reply = await clients[0].tool("act")
    assert not failed(reply), reply
    assert "Traceback" not in gate.process.output()
    return good


@conversation
async def test_hostile_lines_from_a_stdio_server_are_dropped_or_understood(tmp_path):
    bad = Upstream("bad", "stdio", None, None, {"command": spewing("stdio")})
    with gate_before(tmp_path, [bad]) as gate:
        step = 15
        good = await calls(gate, [{"from": n, "count": step} for n in range(0, MANY, step)])
        assert good > MANY / step / 2, "the proper reply came through most of the time"
        assert gate.process.stop() == 0
    verified(tmp_path)


@conversation
async def test_hostile_answers_of_an_http_server_fail_the_call_or_are_understood(tmp_path):
    port = processes.free_port()
    with processes.running(spewing("http", port), tmp_path / "spewer.log") as program:
        program.wait_for_line("ready")
        bad = Upstream("bad", "http", None, None, {"url": f"http://127.0.0.1:{port}/mcp"})
        with gate_before(tmp_path, [bad]) as gate:
            ways = ["events", "body", "head"]
            good = await calls(gate, [{"from": n, "count": 1, "how": ways[n % 3]} for n in range(MANY // 2)])
            assert good > MANY / 200
            assert gate.process.stop() == 0
    verified(tmp_path)


def test_the_strings_are_hostile_enough():
    """Most of them are not what they seem, some are: both paths are taken."""

    def plain(text):
        with contextlib.suppress(ValueError, RecursionError):
            return isinstance(strict(text), dict)
        return False

    for real in (REQUESTS, REPLIES):
        every = list(strings(1, 2000, real))
        assert len(set(every)) > 1500
        assert 100 < sum(map(plain, every)) < 1000
