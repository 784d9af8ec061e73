"""What keepgate must not be: a forwarder that looks at a message with an ordinary parser, then passes on the bytes.

It has the one rule "nobody may call `secret`", correlates replies by id, and is the control of the trap tests: the
attack that keepgate stops works here.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from tests.e2e.client import Exchange, encode
from tests.e2e.upstreams.over_http import Wire
from tests.support.processes import free_port


class NaivePipe:
    """HTTP in front, a stdio server behind."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.waiting: dict[str, asyncio.Future[Any]] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(reader, writer)
        try:
            await self.forward(wire)
        finally:
            writer.close()

    async def forward(self, wire: Wire) -> None:
        _, _, _, body = await wire.request()
        message = json.loads(body)
        if message.get("params", {}).get("name") == "secret":
            await wire.respond(403, {})
        else:
            self.process.stdin.write(body.replace(b"\n", b" ") + b"\n")
            future = self.waiting[str(message["id"])] = asyncio.get_running_loop().create_future()
            await wire.respond(200, {"Content-Type": "application/json"}, encode(await future))

    async def listen(self) -> None:
        while line := await self.process.stdout.readline():
            reply = json.loads(line)
            future = self.waiting.pop(str(reply.get("id")), None)
            if future is not None and not future.done():
                future.set_result(reply)


class NaiveProxy:
    """HTTP in front, an HTTP server behind: decides by the `Mcp-Name` header, passes headers and bytes on."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(reader, writer)
        method, _, headers, body = await wire.request()
        if dict(headers).get("mcp-name") == "secret":
            await wire.respond(403, {})
        else:
            passed = {name: value for name, value in headers if name not in ("host", "content-length")}
            exchange = await Exchange.open(self.upstream, method, passed, body)
            status, answer = await exchange.head(), await exchange.body()
            kept = ("content-type", "mcp-session-id")
            await wire.respond(status, {k: v for k, v in exchange.headers.items() if k in kept}, answer)
        writer.close()


@contextlib.asynccontextmanager
async def listening(serve: Any) -> AsyncIterator[str]:
    port = free_port()
    server = await asyncio.start_server(serve, "127.0.0.1", port, limit=1 << 24)
    async with server:
        yield f"http://127.0.0.1:{port}/mcp"


@contextlib.asynccontextmanager
async def naive_pipe(command: list[str]) -> AsyncIterator[str]:
    """The URL of a naive forwarder before a stdio server."""
    process = await asyncio.create_subprocess_exec(*command, stdin=-1, stdout=-1)
    forwarder = NaivePipe(process)
    reading = asyncio.ensure_future(forwarder.listen())
    try:
        async with listening(forwarder.serve) as url:
            yield url
    finally:
        process.stdin.close()
        await asyncio.wait_for(process.wait(), 10)
        await reading


@contextlib.asynccontextmanager
async def naive_proxy(upstream: str) -> AsyncIterator[str]:
    """The URL of a naive forwarder before an HTTP server."""
    async with listening(NaiveProxy(upstream).serve) as url:
        yield url
