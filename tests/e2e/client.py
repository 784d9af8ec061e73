"""Clients that say exactly what they are told to, over HTTP in both eras and over a pipe. No SDK, no keepgate."""

import asyncio
import contextlib
import contextvars
import functools
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

STATELESS = "2026-07-28"
META = "io.modelcontextprotocol/"
BOTH = "application/json, text/event-stream"
NAMED = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    "tasks/get": "taskId",
    "tasks/update": "taskId",
    "tasks/cancel": "taskId",
}
PATIENCE = 30.0

Json = Any
Headers = Mapping[str, str | list[str] | None]
"""A list repeats a header, None leaves out one that would be sent otherwise."""


_open: contextvars.ContextVar[list["Exchange | Handshake"]] = contextvars.ContextVar("_open")


def conversation(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an async test, bounded in time; what it left open is closed."""

    async def bounded(*args: Any, **kwargs: Any) -> None:
        _open.set([])
        try:
            await asyncio.wait_for(test(*args, **kwargs), 120)
        finally:
            for left in reversed(_open.get()):
                await left.leave()

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(bounded(*args, **kwargs))

    return run


def encode(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


@dataclass
class Event:
    """One server-sent event."""

    data: str
    id: str | None = None
    event: str | None = None
    retry: str | None = None

    @property
    def message(self) -> Json:
        return json.loads(self.data)


class Exchange:
    """One HTTP request and its answer, on a connection of its own."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.status = 0
        self.headers: dict[str, str] = {}
        self._ended = False
        self._text = b""

    @classmethod
    async def open(
        cls, url: str, method: str, headers: Headers | None = None, body: bytes = b""
    ) -> "Exchange":
        """Send a request; the answer is not waited for."""
        place = urlsplit(url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=1 << 25)
        fields: dict[str, Any] = {"Host": place.netloc, "Content-Length": str(len(body))}
        lines = []
        for name, value in {**fields, **(headers or {})}.items():
            for each in value if isinstance(value, list) else [value]:
                if each is not None:
                    lines.append(f"{name}: {each}\r\n")
        target = place.path + (f"?{place.query}" if place.query else "")
        writer.write(f"{method} {target} HTTP/1.1\r\n{''.join(lines)}\r\n".encode("latin-1") + body)
        exchange = cls(reader, writer)
        _open.get([]).append(exchange)
        return exchange

    async def head(self) -> int:
        """Wait for status and headers; the status."""
        if not self.status:
            lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            self.status = int(lines[0].split(" ")[1])
            self.headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:-2])}
        return self.status

    @property
    def streaming(self) -> bool:
        return self.headers.get("content-type", "").startswith("text/event-stream")

    async def _chunk(self) -> bytes:
        size = int(await self.reader.readline(), 16)
        data = await self.reader.readexactly(size)
        await self.reader.readexactly(2)
        return data

    async def body(self) -> bytes:
        """The whole body."""
        await self.head()
        if "content-length" in self.headers:
            data = await self.reader.readexactly(int(self.headers["content-length"]))
        elif self.headers.get("transfer-encoding") == "chunked":
            data = b""
            while piece := await self._chunk():
                data += piece
        else:
            data = b""
        await self.close()
        return data

    async def event(self) -> Event | None:
        """The next event of a stream, comments left out; None at its end."""
        await self.head()
        assert self.streaming, (self.status, self.headers)
        while True:
            while b"\n\n" not in self._text:
                if self._ended:
                    return None
                piece = await self._chunk()
                if not piece:
                    self._ended = True
                self._text += piece
            block, _, self._text = self._text.partition(b"\n\n")
            found: dict[str, Any] = {}
            for line in block.split(b"\n"):
                name, _, value = line.decode().partition(": ")
                if name == "data":
                    found["data"] = found["data"] + "\n" + value if "data" in found else value
                elif name:
                    found[name] = value
            if found:
                return Event(found.get("data", ""), found.get("id"), found.get("event"), found.get("retry"))

    async def message(self) -> Json:
        """The next message of a stream; None at its end."""
        while (event := await self.event()) is not None:
            if event.data:
                return event.message
        return None

    async def messages(self) -> list[Json]:
        """All messages of the answer until it ends, JSON or stream."""
        await self.head()
        if not self.streaming:
            body = await self.body()
            return [json.loads(body)] if body else []
        found = []
        while (message := await self.message()) is not None:
            found.append(message)
        await self.close()
        return found

    async def until(self, wanted: Callable[[Json], bool]) -> Json:
        """The first message of a stream that fits."""
        while (message := await self.message()) is not None:
            if wanted(message):
                return message
        raise AssertionError("the stream ended before the message came")

    async def reply(self) -> Json:
        """The reply, whatever comes before it; the rest of the answer is read."""
        replies = [m for m in await self.messages() if isinstance(m, list) or "method" not in m]
        assert len(replies) == 1, replies
        return replies[0]

    async def leave(self) -> None:
        """At the end of a test."""
        await self.close()

    async def close(self) -> None:
        """Close the connection, whatever is under way."""
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


@dataclass
class Client:
    """What both eras share."""

    url: str
    key: str = ""
    log: list[Json] = field(default_factory=list)

    def base(self) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Accept": BOTH}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        return headers


@dataclass
class Handshake(Client):
    """A session of the handshake era."""

    revision: str = "2025-11-25"
    capabilities: Json = field(default_factory=dict)
    session: str = ""
    hello: Json = None
    """The initialize result."""
    next_id: int = 1

    async def initialize(self, **params: Json) -> "Handshake":
        sent = {
            "protocolVersion": self.revision,
            "capabilities": self.capabilities,
            "clientInfo": {"name": "e2e", "version": "1"},
            **params,
        }
        body = encode({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": sent})
        exchange = await Exchange.open(self.url, "POST", self.base(), body)
        reply = await exchange.reply()
        assert "result" in reply, (exchange.status, reply)
        self.hello = reply["result"]
        self.session = exchange.headers.get("mcp-session-id", "")
        self.revision = self.hello["protocolVersion"]
        _open.get([]).append(self)
        status, _ = await self.notify("notifications/initialized")
        assert status == 202
        return self

    def headers(self, extra: Headers | None = None) -> dict[str, Any]:
        own = self.base()
        if self.session:
            own["Mcp-Session-Id"] = self.session
        if self.revision >= "2025-06-18":
            own["MCP-Protocol-Version"] = self.revision
        return {**own, **(extra or {})}

    async def post(self, message: Json, extra: Headers | None = None) -> Exchange:
        """POST one message, or bytes as they are."""
        body = message if isinstance(message, bytes) else encode(message)
        return await Exchange.open(self.url, "POST", self.headers(extra), body)

    async def start(
        self, method: str, params: Json = None, request_id: Json = None, extra: Headers | None = None
    ) -> Exchange:
        """Send a request and leave it running."""
        if request_id is None:
            request_id, self.next_id = self.next_id, self.next_id + 1
        body = {"jsonrpc": "2.0", "id": request_id, "method": method}
        return await self.post(body if params is None else {**body, "params": params}, extra)

    async def call(self, method: str, params: Json = None, request_id: Json = None) -> Json:
        """Send a request and wait for its reply."""
        return await (await self.start(method, params, request_id)).reply()

    async def tool(self, name: str, arguments: Json = None, **params: Json) -> Json:
        return await self.call("tools/call", {"name": name, "arguments": arguments or {}, **params})

    async def play(self, name: str, *steps: Json, request_id: Json = None, **params: Json) -> Exchange:
        """Start a tool call that plays these steps on the server."""
        arguments = {"steps": list(steps)}
        return await self.start("tools/call", {"name": name, "arguments": arguments, **params}, request_id)

    async def notify(self, method: str, params: Json = None) -> tuple[int, bytes]:
        """Send a notification; status and body of the answer."""
        body = {"jsonrpc": "2.0", "method": method}
        exchange = await self.post(body if params is None else {**body, "params": params})
        return await exchange.head(), await exchange.body()

    async def answer(self, request_id: Json, **outcome: Json) -> int:
        """Answer a request of the server: `result=` or `error=`; the status."""
        exchange = await self.post({"jsonrpc": "2.0", "id": request_id, **outcome})
        status = await exchange.head()
        await exchange.close()
        return status

    async def listen(self, last_event_id: str | None = None) -> Exchange:
        """The standing stream, or the resumption of any."""
        extra = {"Accept": "text/event-stream", "Content-Type": None, "Last-Event-ID": last_event_id}
        exchange = await Exchange.open(self.url, "GET", self.headers(extra))
        await exchange.head()
        return exchange

    async def leave(self) -> None:
        """At the end of a test: a session keeps a server's process running."""
        with contextlib.suppress(OSError, EOFError):
            await asyncio.wait_for(self.end(), PATIENCE)

    async def end(self) -> int:
        exchange = await Exchange.open(self.url, "DELETE", self.headers({"Content-Type": None}))
        status = await exchange.head()
        await exchange.close()
        return status


@dataclass
class Modern(Client):
    """Requests of the stateless era."""

    capabilities: Json = field(default_factory=dict)
    info: Json = field(default_factory=lambda: {"name": "e2e", "version": "1"})
    next_id: int = 1

    def enveloped(self, params: Json, **meta: Json) -> Json:
        own = {
            META + "protocolVersion": STATELESS,
            META + "clientCapabilities": self.capabilities,
            META + "clientInfo": self.info,
        }
        params = params or {}
        return {**params, "_meta": {**own, **params.get("_meta", {}), **meta}}

    def headers(self, method: str, params: Json, extra: Headers | None = None) -> dict[str, Any]:
        own = {**self.base(), "MCP-Protocol-Version": STATELESS, "Mcp-Method": method}
        named = params.get(NAMED.get(method, ""))
        if isinstance(named, str):
            own["Mcp-Name"] = header_value(named)
        return {**own, **(extra or {})}

    async def initialize(self) -> "Modern":
        """There is nothing to do: so that both eras can be used alike."""
        return self

    async def post(self, message: Json, extra: Headers | None = None) -> Exchange:
        """POST one message, or bytes as they are, with the headers of `tools/call` unless `extra` says otherwise."""
        body = message if isinstance(message, bytes) else encode(message)
        own = self.headers("tools/call", {"name": "act"}, extra)
        return await Exchange.open(self.url, "POST", own, body)

    async def start(
        self, method: str, params: Json = None, request_id: Json = None, extra: Headers | None = None
    ) -> Exchange:
        """Send a request and leave it running."""
        if request_id is None:
            request_id, self.next_id = self.next_id, self.next_id + 1
        params = self.enveloped(params)
        body = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
        return await Exchange.open(self.url, "POST", self.headers(method, params, extra), encode(body))

    async def call(
        self, method: str, params: Json = None, request_id: Json = None, extra: Headers | None = None
    ) -> Json:
        """Send a request and wait for its reply."""
        return await (await self.start(method, params, request_id, extra)).reply()

    async def tool(self, name: str, arguments: Json = None, **params: Json) -> Json:
        return await self.call("tools/call", {"name": name, "arguments": arguments or {}, **params})

    async def play(self, name: str, *steps: Json, request_id: Json = None, **params: Json) -> Exchange:
        """Start a tool call that plays these steps on the server."""
        arguments = {"steps": list(steps)}
        return await self.start("tools/call", {"name": name, "arguments": arguments, **params}, request_id)

    async def listen(self, request_id: Json = None, **notifications: Json) -> Exchange:
        """Open a subscription; the acknowledgement is the next message."""
        exchange = await self.start("subscriptions/listen", {"notifications": notifications}, request_id)
        await exchange.head()
        return exchange


def header_value(text: str) -> str:
    """As `Mcp-Name` carries it."""
    import base64

    plain = text.isascii() and text.isprintable() and text == text.strip()
    return text if plain else f"=?base64?{base64.b64encode(text.encode()).decode()}?="


FRONTS = {"handshake": Handshake, "stateless": Modern}


class Pipe:
    """A client that starts a program and talks lines with it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.heard: list[Json] = []
        self.next_id = 1

    @classmethod
    @contextlib.asynccontextmanager
    async def start(cls, *command: str, log: Any, **options: Any):
        with open(log, "ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=1 << 25,
                **options,
            )
            try:
                yield cls(process)
            finally:
                process.stdin.close()
                try:
                    await asyncio.wait_for(process.wait(), 10)
                except TimeoutError:
                    process.kill()
                    await process.wait()

    def write(self, data: bytes) -> None:
        self.process.stdin.write(data + b"\n")

    def send(self, message: Json) -> None:
        self.write(encode(message))

    async def message(self) -> Json:
        """The next message; None at the end."""
        line = await self.process.stdout.readline()
        if not line:
            return None
        self.heard.append(json.loads(line))
        return self.heard[-1]

    async def until(self, wanted: Callable[[Json], bool]) -> Json:
        while (message := await self.message()) is not None:
            if wanted(message):
                return message
        raise AssertionError("the pipe ended before the message came")

    def start_request(self, method: str, params: Json = None, request_id: Json = None) -> Json:
        if request_id is None:
            request_id, self.next_id = self.next_id, self.next_id + 1
        self.send({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params or {}})
        return request_id

    async def call(self, method: str, params: Json = None, request_id: Json = None) -> Json:
        """Send a request and wait for its reply."""
        request_id = self.start_request(method, params, request_id)
        return await self.until(
            lambda m: "method" not in m and type(m.get("id")) is type(request_id) and m["id"] == request_id
        )

    async def initialize(self, revision: str = "2025-11-25", capabilities: Json = None) -> Json:
        params = {
            "protocolVersion": revision,
            "capabilities": capabilities or {},
            "clientInfo": {"name": "e2e", "version": "1"},
        }
        reply = await self.call("initialize", params, 0)
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return reply["result"]
