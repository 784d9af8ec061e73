"""HTTP/1.1 for the clients of the soak: one kept connection, one request after the other, nothing retried."""

import asyncio
import json
from typing import Any

import httptools


class BrokenError(Exception):
    """The connection ended before the answer did."""


class Wire(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.body = bytearray()
        self.keep = True
        """Collect the body; a stream that is only held open is not."""
        self.received = 0
        self.closed = False
        self.began: asyncio.Future[None] | None = None
        self.whole: asyncio.Future[None] | None = None

    @classmethod
    async def open(cls, port: int) -> "Wire":
        loop = asyncio.get_running_loop()
        _, wire = await loop.create_connection(cls, "127.0.0.1", port)
        return wire

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        for future in (self.began, self.whole):
            if future is not None and not future.done():
                future.set_exception(BrokenError(repr(exc)))
                future.exception()

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        self.status = self.parser.get_status_code()
        if self.began is not None and not self.began.done():
            self.began.set_result(None)

    def on_body(self, data: bytes) -> None:
        self.received += len(data)
        if self.keep:
            self.body += data

    def on_message_complete(self) -> None:
        if self.whole is not None and not self.whole.done():
            self.whole.set_result(None)

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> None:
        """Write a request."""
        loop = asyncio.get_running_loop()
        self.parser = httptools.HttpResponseParser(self)
        self.headers, self.body, self.status = {}, bytearray(), 0
        self.began, self.whole = loop.create_future(), loop.create_future()
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{lines}"
        self.transport.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    @property
    def port(self) -> int:
        port: int = self.transport.get_extra_info("peername")[1]
        return port

    async def head(self) -> int:
        """The status, once it is there."""
        assert self.began is not None
        await self.began
        return self.status

    async def messages(self) -> list[Any]:
        """Everything of an answer that ends: one JSON text, or the events of a stream."""
        assert self.whole is not None
        await self.whole
        if not self.headers.get(b"content-type", b"").startswith(b"text/event-stream"):
            return [json.loads(self.body)] if self.body else []
        found = []
        for block in self.body.split(b"\n\n"):
            data = b"\n".join(line[6:] for line in block.split(b"\n") if line.startswith(b"data: "))
            if data:
                found.append(json.loads(data))
        return found

    def close(self) -> None:
        self.transport.abort()
