"""Servers that misbehave on purpose, on the test's own loop, and callers that know which answer is theirs."""

import asyncio
import contextlib
import itertools
import json
import random
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import psutil

from tests.e2e.client import META, Exchange
from tests.e2e.faults import failed
from tests.e2e.upstreams.over_http import Wire, chunk, encoded, head
from tests.e2e.upstreams.start import Upstream

STREAM = {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}
TOOLS = [{"name": "act", "inputSchema": {"type": "object"}}]

_nonces = itertools.count()


@dataclass
class Server:
    """An HTTP server of the test's own. `misbehave` gets every tool call.

    True from it means: answer as you should; None: that was the answer; False: close the connection.
    """

    era: str
    misbehave: Callable[["Server", Wire, Any], Awaitable[bool | None]] | None = None
    sessions: set[str] = field(default_factory=set)
    calls: int = 0
    forgot: float = 0.0
    lines: list[asyncio.Task[None]] = field(default_factory=list)
    url: str = ""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Server"]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=1 << 24, backlog=2000)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
        try:
            yield self
        finally:
            server.close()
            for line in self.lines:
                line.cancel()
            await asyncio.gather(*self.lines, return_exceptions=True)

    def upstream(self, name: str, **entry: Any) -> Upstream:
        return Upstream(name, "http", None, None, {"url": self.url, **entry})

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lines.append(asyncio.current_task())
        wire = Wire(reader, writer)
        try:
            while (got := await wire.request()) is not None:
                method, _, headers, body = got
                if not await self._serve(wire, method, dict(headers), body):
                    return
        except (ConnectionError, asyncio.CancelledError):
            return
        finally:
            self.lines.remove(asyncio.current_task())
            writer.transport.abort()

    async def _serve(self, wire: Wire, method: str, headers: dict[str, str], body: bytes) -> bool:
        session = headers.get("mcp-session-id", "")
        known = self.era == "stateless" or session in self.sessions
        if method == "DELETE":
            self.sessions.discard(session)
            await wire.respond(200, {})
        elif method == "GET":
            if not known or self.era == "stateless":
                await wire.respond(404 if session else 405, {})
            else:
                await wire.write(head(200, STREAM))
                await wire.gone()
                return False
        else:
            return await self._post(wire, json.loads(body), known=known)
        return True

    async def _post(self, wire: Wire, message: Any, *, known: bool) -> bool:
        asked = message.get("method")
        if asked == "initialize" and self.era == "handshake":
            session = secrets.token_hex(8)
            self.sessions.add(session)
            await self.answer(wire, message, {"Mcp-Session-Id": session})
        elif not known:
            await wire.respond(404, {})
        elif "id" not in message:
            await wire.respond(202, {})
        elif asked == "subscriptions/listen" and self.era == "stateless":
            ack = {"_meta": {META + "subscriptionId": message["id"]}, "notifications": {}}
            method = "notifications/subscriptions/acknowledged"
            body = encoded({"jsonrpc": "2.0", "method": method, "params": ack})
            await wire.write(head(200, STREAM) + chunk(b"data: " + body + b"\n\n"))
            await wire.gone()
            return False
        elif asked == "tools/call" and self.misbehave is not None:
            self.calls += 1
            done = await self.misbehave(self, wire, message)
            if done:
                await self.answer(wire, message)
            return done is not False
        else:
            self.calls += asked == "tools/call"
            await self.answer(wire, message)
        return True

    async def answer(self, wire: Wire, message: Any, headers: dict[str, str] | None = None) -> None:
        """As it should."""
        json_type = {"Content-Type": "application/json", **(headers or {})}
        await wire.respond(200, json_type, encoded(self.reply(message)))

    def reply(self, message: Any) -> Any:
        """The body that answers a request."""
        params = message.get("params") or {}
        results = {
            "initialize": {
                "protocolVersion": params.get("protocolVersion"),
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "chaos", "version": "1"},
            },
            "server/discover": {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}},
            "tools/list": {"tools": TOOLS},
            "tools/call": {
                "content": [{"type": "text", "text": params.get("arguments", {}).get("nonce", "")}]
            },
        }
        other = "server/discover" if self.era == "handshake" else "initialize"
        result = results.get(message["method"]) if message["method"] != other else None
        body = {"jsonrpc": "2.0", "id": message["id"]}
        if result is None:
            return {**body, "error": {"code": -32601, "message": "Method not found"}}
        modern = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
        return {**body, "result": {**(modern if self.era == "stateless" else {}), **result}}


# How to misbehave


async def hangs(server: Server, wire: Wire, message: Any) -> bool:
    await wire.gone()
    return False


async def cuts(server: Server, wire: Wire, message: Any) -> bool:
    """Half an answer, then nothing."""
    body = encoded(server.reply(message))
    whole = head(200, {"Content-Type": "application/json", "Content-Length": str(len(body))}) + body
    await wire.write(whole[: random.randrange(len(whole))])
    return False


async def cuts_stream(server: Server, wire: Wire, message: Any) -> bool:
    """Part of an event stream, then nothing."""
    whole = head(200, STREAM) + chunk(b"data: " + encoded(server.reply(message)) + b"\n\n")
    await wire.write(whole[: random.randrange(len(whole) - 12)])
    return False


async def trickles(server: Server, wire: Wire, message: Any) -> None:
    """All of it, slowly."""
    body = encoded(server.reply(message))
    whole = head(200, {"Content-Type": "application/json", "Content-Length": str(len(body))}) + body
    for at in range(0, len(whole), 8):
        await wire.write(whole[at : at + 8])
        await asyncio.sleep(0.02)


async def garbles(server: Server, wire: Wire, message: Any) -> bool:
    """Bytes that mean nothing."""
    noise = random.randbytes(random.choice([1, 40, 4000]))
    json_head = head(200, {"Content-Type": "application/json", "Content-Length": str(len(noise))})
    stream = head(200, STREAM) + chunk(b"data: " + noise.replace(b"\n", b"") + b"\n\n") + chunk(b"")
    await wire.write(random.choice([noise, json_head + noise, stream, head(500, {"Content-Length": "0"})]))
    return False


async def forgets(server: Server, wire: Wire, message: Any) -> bool | None:
    """Now and then, all sessions, its own included: what is refused did not run."""
    now = asyncio.get_running_loop().time()
    if now - server.forgot > 0.4:
        server.forgot = now
        server.sessions.clear()
        await wire.respond(404, {})
        return None
    return True


# Callers


@dataclass
class Score:
    """What came of the calls to one server."""

    right: int = 0
    failed: int = 0
    wrong: list[Any] = field(default_factory=list)
    """Answers that were another's."""
    said: Counter[str] = field(default_factory=Counter)


async def calling(client: Any, tool: str, score: Score, until: float, patience: float = 30.0) -> None:
    """Call again and again; each answer must be a failure or bring back the caller's own nonce."""
    loop = asyncio.get_running_loop()
    while loop.time() < until:
        nonce = f"nonce-{next(_nonces)}"
        async with asyncio.timeout(patience):
            reply = await client.tool(tool, {"nonce": nonce})
        if failed(reply):
            score.failed += 1
            text = reply.get("error", {}).get("message") or reply["result"]["content"][0]["text"]
            score.said[text.partition(" (decision")[0][:120]] += 1
        elif reply["result"]["content"] == [{"type": "text", "text": nonce}]:
            score.right += 1
        else:
            score.wrong.append(reply)
        await asyncio.sleep(0.005)


def vanish(exchange: Exchange) -> None:
    """Go without a word."""
    exchange.writer.transport.abort()


def descriptors(process: Any) -> int:
    return psutil.Process(process.pid).num_fds()
