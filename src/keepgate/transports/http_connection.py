"""One HTTP/1.1 connection to an upstream and the exchange that is on it. Callbacks only: no task, no future.

The parser is llhttp in its strict mode; here is bounded what it lets through: heads, trailers, interim answers, field
counts. A connection goes back to the pool only after a complete answer with nothing behind it, so an answer can never
be taken for that of the next request.
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol, cast

import httptools

from keepgate.model.errors import UpstreamError

_SMALL: Final = 16 << 10
"""Up to here copying a body behind its head is cheaper than a second buffer."""
_REDIRECTS: Final = (307, 308)
_DRAIN_BYTES: Final = 64 << 10
_DRAIN_SECONDS: Final = 1.0
_KEEPALIVE: Final = (("TCP_KEEPIDLE", 60), ("TCP_KEEPALIVE", 60), ("TCP_KEEPINTVL", 20), ("TCP_KEEPCNT", 3))


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Bounds on what an upstream controls: seconds, bytes, counts."""

    connect: float = 10.0
    """Name, TCP and TLS; also how long a request waits for a free connection."""
    first_byte: float = 600.0
    """From the request to the head of its answer. A JSON answer begins when the tool is done."""
    total: float = 600.0
    """From the request to the end of an answer that is not an event stream."""
    head: int = 64 << 10
    fields: int = 100
    body: int = 16 << 20
    """A JSON answer."""
    event: int = 16 << 20
    """One server-sent event."""
    connections: int = 256
    """Per origin, event streams included."""
    waiting: int = 1024
    """Requests that wait for a free connection."""
    idle: float = 60.0
    redirects: int = 3


class Exchange:
    """One request and what becomes of its answer. Subclasses fill in the `on_` methods, which must not raise.

    After `abort` or `discard` none of them is called; `on_end` or `on_failure` is the last one and comes once.
    """

    __slots__ = (
        "_connection",
        "body",
        "deadline",
        "fields",
        "idempotent",
        "method",
        "over",
        "redirects",
        "target",
    )

    def __init__(self, method: bytes, target: bytes, fields: bytes, body: bytes = b"") -> None:
        self._connection: Connection | None = None
        self.method = method
        self.target = target
        self.fields = fields
        """Header lines, checked, each ended by CRLF."""
        self.body = body
        self.idempotent = method != b"POST"
        """May be sent again when a kept connection turns out to be dead and nothing says what became of it."""
        self.deadline = 0.0
        """Loop time at which it is given up. A subclass may set it in `on_head`."""
        self.over = False
        self.redirects = 0

    def on_head(self, status: int, headers: Mapping[bytes, bytes]) -> None:
        """The head of the answer, names in lower case. May raise UpstreamError to refuse it."""

    def on_data(self, data: bytes) -> None:
        """A piece of the body. May raise UpstreamError to refuse it."""

    def on_end(self) -> None:
        """The answer is complete."""

    def on_failure(self, failure: UpstreamError) -> None:
        """There is no answer or it broke off."""

    def fail(self, failure: UpstreamError) -> None:
        """End with a failure, once."""
        if not self.over:
            self.over = True
            self.on_failure(failure)

    def begin(self, connection: Connection) -> None:
        """It is on this connection now."""
        self._connection = connection

    def abort(self) -> None:
        """Give it up and close its connection. Idempotent."""
        self.over = True
        if self._connection is not None:
            self._connection.abandon(self)

    def discard(self) -> None:
        """The rest of the answer is of no interest: read it away if it is short, so that the connection is kept."""
        self.over = True
        self.deadline = min(self.deadline, asyncio.get_running_loop().time() + _DRAIN_SECONDS)

    def pause(self) -> None:
        """Read nothing more from the upstream until `resume`."""
        if self._connection is not None:
            self._connection.flow(self, reading=False)

    def resume(self) -> None:
        """Read on."""
        if self._connection is not None:
            self._connection.flow(self, reading=True)


class Pool(Protocol):
    """Where a connection belongs."""

    limits: HttpLimits
    common: bytes
    """Header lines of every request."""

    def released(self, connection: Connection) -> None:
        """It can take another request."""

    def lost(self, connection: Connection) -> None:
        """It is closed."""

    def again(self, exchange: Exchange) -> None:
        """Send the exchange over a new connection."""

    def redirected(self, exchange: Exchange, location: bytes) -> None:
        """Send the exchange to where the server says."""


class Connection(asyncio.Protocol):
    """The client side of one keep-alive connection."""

    __slots__ = (
        "_complete",
        "_count",
        "_drained",
        "_headers",
        "_keep",
        "_location",
        "_parser",
        "_paused",
        "_peek",
        "_pool",
        "_quiet",
        "_served",
        "_status",
        "_touched",
        "_transport",
        "exchange",
        "idle_since",
    )

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._parser = httptools.HttpResponseParser(self)
        self._peek = select.poll()
        self._paused = False
        self._served = 0
        self.exchange: Exchange | None = None
        self.idle_since = 0.0
        self._reset()

    def _reset(self) -> None:
        self._headers: dict[bytes, bytes] = {}
        self._status = 0  # of the final answer, once its head is complete
        self._quiet = 0  # bytes read since the last byte of a body
        self._count = 0
        self._drained = 0
        self._complete = self._keep = self._touched = False
        self._location: bytes | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        sock = transport.get_extra_info("socket")
        self._peek.register(sock.fileno(), select.POLLIN)
        # An event stream may be silent for hours: let the kernel notice a peer that vanished.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, seconds in _KEEPALIVE:
            if hasattr(socket, option):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), seconds)

    @property
    def usable(self) -> bool:
        """True if the peer has neither closed an idle connection nor sent anything on it.

        Asked of the kernel, because the loop may not have seen it yet: so a request is not written into a connection
        that is known to be dead.
        """
        return not self._transport.is_closing() and not self._peek.poll(0)

    def start(self, exchange: Exchange, now: float) -> None:
        """Send the request."""
        self.exchange = exchange
        exchange.begin(self)
        exchange.deadline = now + self._pool.limits.first_byte
        body = exchange.body
        length = b"Content-Length: %d\r\n" % len(body) if body else b""
        head = b"%b %b HTTP/1.1\r\n%b%b%b\r\n" % (
            exchange.method,
            exchange.target,
            self._pool.common,
            exchange.fields,
            length,
        )
        if len(body) < _SMALL:
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))

    def data_received(self, data: bytes) -> None:
        if self.exchange is None:
            self._transport.abort()
            return
        self._touched = True
        self._quiet += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            cause = error.__context__
            self.close(cause if isinstance(cause, UpstreamError) else _invalid(cause or error))
            return
        if self._complete:
            self._finish()
        elif self._quiet > self._pool.limits.head:
            self.close(UpstreamError("too-large", "the head of the server's answer is too large"))

    def on_message_begin(self) -> None:
        if self._complete:
            raise UpstreamError("protocol", "the server sent more than its answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count += 1
        if self._count > self._pool.limits.fields:
            raise UpstreamError("too-large", "the server's answer has too many header fields")
        if not self._status:  # else it is a trailer
            name = name.lower()
            if name in self._headers:
                value = self._headers[name] + b", " + value
            self._headers[name] = value

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            self._headers = {}
            return
        self._status = status
        exchange = self.exchange
        if exchange is None or exchange.over:
            return
        headers, limits = self._headers, self._pool.limits
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise UpstreamError("protocol", "the server's answer is compressed, which was not asked for")
        exchange.deadline += limits.total - limits.first_byte
        if status in _REDIRECTS and exchange.redirects < limits.redirects:
            self._location = headers.get(b"location")
        if self._location is None:
            exchange.on_head(status, headers)

    def on_body(self, data: bytes) -> None:
        self._quiet = 0
        exchange = self.exchange
        if exchange is None or exchange.over or self._location is not None:
            self._drained += len(data)
            if self._drained > _DRAIN_BYTES:
                raise UpstreamError("too-large", "the server goes on answering")
        else:
            exchange.on_data(data)

    def on_message_complete(self) -> None:
        if self._status:
            self._complete = True
            self._keep = self._parser.should_keep_alive()

    def _finish(self) -> None:
        exchange, location = self.exchange, self._location
        assert exchange is not None
        self.flow(exchange, reading=True)
        self.exchange = None
        reusable = self._keep and not self._transport.is_closing()
        self._served += 1
        self._reset()
        if reusable:
            self._pool.released(self)
        else:
            self._transport.close()
        if exchange.over:
            return
        if location is not None:
            self._pool.redirected(exchange, location)
        else:
            exchange.over = True
            exchange.on_end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._pool.lost(self)
        exchange, self.exchange = self.exchange, None
        if exchange is None or exchange.over:
            return
        headers = self._headers
        delimited = b"content-length" in headers or b"transfer-encoding" in headers
        if self._status and not delimited and exc is None and self._location is None:
            exchange.over = True
            exchange.on_end()
        elif self._served and not self._touched and exchange.idempotent:
            self._pool.again(exchange)
        else:
            where = "within" if self._touched else "before"
            failure = f"the server closed the connection {where} its answer"
            exchange.fail(UpstreamError("closed", failure, repr(exc) if exc else ""))

    def flow(self, exchange: Exchange, *, reading: bool) -> None:
        """Stop or go on reading for the exchange, if it is still on this connection."""
        if exchange is self.exchange and self._paused is reading and not self._transport.is_closing():
            self._paused = not reading
            (self._transport.resume_reading if reading else self._transport.pause_reading)()

    def abandon(self, exchange: Exchange) -> None:
        """Close if this exchange is still on it."""
        if exchange is self.exchange:
            self._transport.abort()

    def close(self, failure: UpstreamError) -> None:
        """Close at once; the exchange on it fails."""
        self._transport.abort()
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.fail(failure)


def _invalid(cause: BaseException) -> UpstreamError:
    return UpstreamError("protocol", "the server's answer is not valid HTTP/1.1", repr(cause))
