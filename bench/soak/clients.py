"""The clients of the soak: each calls in turn, and every answer must be its own."""

import asyncio
import itertools
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from bench.soak.wire import BrokenError, Wire

STATELESS, HANDSHAKE = "2026-07-28", "2025-11-25"
META = "io.modelcontextprotocol/"
BOTH = "application/json, text/event-stream"
SERVERS = ("sl-http", "hs-http", "sl-stdio", "hs-stdio")
NAMED = {"tools/call": "name"}

_nonces = itertools.count(1)


class WrongError(Exception):
    """An answer that is not what it has to be."""


@dataclass
class Tally:
    """What was done."""

    done: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    stopping: bool = False
    pace: float = 0.0
    """Seconds between two calls of a client."""

    def failed(self, what: str) -> None:
        self.done["errors"] += 1
        if len(self.wrong) < 20:
            self.wrong.append(what[:300])


class Client:
    """One connection of one client; `session` is empty in the stateless era."""

    def __init__(self, tally: Tally, port: int, session: str = "") -> None:
        self.tally = tally
        self.port = port
        self.session = session
        self.modern = True
        self.wire: Wire | None = None
        self.ids = itertools.count(1)

    def request(self, method: str, params: dict[str, Any]) -> tuple[dict[str, str], bytes]:
        headers = {"Content-Type": "application/json", "Accept": BOTH}
        if self.modern:
            meta = {META + "protocolVersion": STATELESS, META + "clientCapabilities": {}}
            params = {**params, "_meta": {**meta, **params.get("_meta", {})}}
            headers |= {"MCP-Protocol-Version": STATELESS, "Mcp-Method": method}
            if method in NAMED:
                headers["Mcp-Name"] = params[NAMED[method]]
        else:
            headers["MCP-Protocol-Version"] = HANDSHAKE
            if self.session:
                headers["Mcp-Session-Id"] = self.session
        body = {"jsonrpc": "2.0", "id": next(self.ids), "method": method, "params": params}
        return headers, json.dumps(body).encode()

    async def connected(self) -> Wire:
        if self.wire is None or self.wire.closed:
            self.wire = await Wire.open(self.port)
        return self.wire

    async def ask(self, method: str, params: dict[str, Any]) -> list[Any]:
        """All messages of the answer."""
        wire = await self.connected()
        headers, body = self.request(method, params)
        wire.send("POST", "/mcp", headers, body)
        async with asyncio.timeout(60):
            return await wire.messages()

    async def call(self, tool: str, **more: Any) -> None:
        """A call that must come back with its own text."""
        text = f"n{next(_nonces)} é"
        messages = await self.ask("tools/call", {"name": tool, "arguments": {"text": text}, **more})
        content = messages[-1].get("result", {}).get("content", [{}])
        if messages[-1].get("result", {}).get("isError") or content[0].get("text") != text:
            raise WrongError(f"{tool}: {messages[-1]}")
        ahead = 3 if "_meta" in more else 0
        if len(messages) != ahead + 1:
            raise WrongError(f"{tool}: {len(messages)} messages")

    async def echo(self) -> None:
        await self.call(f"{random.choice(SERVERS)}_echo")
        self.tally.done["echo"] += 1

    async def steps(self) -> None:
        await self.call(f"{random.choice(SERVERS)}_steps", _meta={"progressToken": f"p{next(_nonces)}"})
        self.tally.done["steps"] += 1

    async def lists(self) -> None:
        (reply,) = await self.ask("tools/list", {})
        names = [tool["name"] for tool in reply["result"]["tools"]]
        if len(names) != 3 * len(SERVERS) or any("forbidden" in name for name in names):
            raise WrongError(f"list: {names}")
        self.tally.done["lists"] += 1

    async def denied(self) -> None:
        name = f"{random.choice(SERVERS)}_forbidden"
        (reply,) = await self.ask("tools/call", {"name": name, "arguments": {}})
        if reply.get("error", {}).get("code") != -32602:
            raise WrongError(f"denied: {reply}")
        self.tally.done["denied"] += 1

    async def vanish(self) -> None:
        """Go away while a call runs."""
        wire = await Wire.open(self.port)
        name = f"{random.choice(SERVERS)}_slow"
        headers, body = self.request("tools/call", {"name": name, "arguments": {"text": "x"}})
        wire.send("POST", "/mcp", headers, body)
        await asyncio.sleep(0.2)
        wire.close()
        self.tally.done["vanished"] += 1

    async def some(self, calls: int) -> None:
        """Calls of all kinds; what goes wrong is counted."""
        deeds = (self.echo, self.steps, self.lists, self.denied, self.vanish)
        for _ in range(calls):
            if self.tally.stopping:
                return
            (deed,) = random.choices(deeds, (80, 8, 6, 4, 2))
            try:
                await deed()
            except (WrongError, BrokenError, OSError, TimeoutError, KeyError, ValueError) as error:
                self.tally.failed(f"{deed.__name__}: {error!r}")
            await asyncio.sleep(self.tally.pace * (0.5 + random.random()))

    def leave(self) -> None:
        if self.wire is not None:
            self.wire.close()


class Session(Client):
    """A session of the handshake era with its standing stream."""

    def __init__(self, tally: Tally, port: int) -> None:
        super().__init__(tally, port)
        self.modern = False
        self.standing: Wire | None = None

    async def open(self) -> None:
        hello = {
            "protocolVersion": HANDSHAKE,
            "capabilities": {},
            "clientInfo": {"name": "soak", "version": "1"},
        }
        (reply,) = await self.ask("initialize", hello)
        wire = await self.connected()
        self.session = wire.headers[b"mcp-session-id"].decode()
        if "result" not in reply:
            raise WrongError(f"initialize: {reply}")
        headers, _ = self.request("", {})
        done = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}).encode()
        wire.send("POST", "/mcp", headers, done)
        await wire.messages()
        self.standing = await Wire.open(self.port)
        self.standing.keep = False
        self.standing.send("GET", "/mcp", {**headers, "Accept": "text/event-stream"})
        if await self.standing.head() != 200:
            raise WrongError(f"GET: {self.standing.status}")
        self.tally.done["sessions"] += 1

    async def end(self) -> None:
        """DELETE, or leave it to the sweeper."""
        if random.random() < 0.75:
            wire = await self.connected()
            headers, _ = self.request("", {})
            wire.send("DELETE", "/mcp", headers)
            await wire.messages()
        self.leave()

    def leave(self) -> None:
        super().leave()
        if self.standing is not None:
            self.standing.close()


async def stateless(tally: Tally, port: int) -> None:
    """Client after client of the stateless era, each on a connection of its own."""
    while not tally.stopping:
        client = Client(tally, port)
        await client.some(200)
        client.leave()


async def handshakes(tally: Tally, port: int) -> None:
    """Session after session."""
    while not tally.stopping:
        session = Session(tally, port)
        try:
            await session.open()
            await session.some(60)
            await session.end()
        except (WrongError, BrokenError, OSError, TimeoutError, KeyError, ValueError) as error:
            tally.failed(f"session: {error!r}")
            await asyncio.sleep(1)
        finally:
            session.leave()


async def listener(tally: Tally, port: int) -> None:
    """Listen after listen."""
    while not tally.stopping:
        client = Client(tally, port)
        wire = await Wire.open(port)
        wire.keep = False
        wanted = {"notifications": {"toolsListChanged": True}}
        try:
            wire.send("POST", "/mcp", *client.request("subscriptions/listen", wanted))
            if await wire.head() != 200:
                raise WrongError(f"listen: {wire.status}")
            tally.done["listens"] += 1
            for _ in range(random.randrange(50, 300)):
                if tally.stopping:
                    break
                await asyncio.sleep(0.1)
            if wire.closed or not (wire.received or tally.stopping):
                raise WrongError("the listen ended, or was not acknowledged")
        except (WrongError, BrokenError, OSError) as error:
            tally.failed(f"listen: {error!r}")
            await asyncio.sleep(1)
        finally:
            wire.close()


async def plain(tally: Tally, port: int, share: "itertools.count[int]", most: int) -> None:
    """Nothing but calls, as fast as they are answered, until `most` were made by all together."""
    client = Client(tally, port)
    while not tally.stopping and next(share) < most:
        try:
            await client.call("sl-http_echo")
            tally.done["echo"] += 1
        except (WrongError, BrokenError, OSError, TimeoutError, KeyError, ValueError) as error:
            tally.failed(f"echo: {error!r}")
    client.leave()
