"""One HTTP/1.1 connection to an upstream and the exchange that is on it. Callbacks only: no task, no future.

The parser is llhttp in its strict mode; here is bounded what it lets through: heads, trailers, interim answers, field
counts. A connection goes back to the pool only after a complete answer with nothing behind it, so an answer can never
be taken for that of the next request.
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable
from functools import partial
from types import MappingProxyType
from typing import Final, Protocol, cast

import httptools

from keepgate.model.errors import UpstreamError
from keepgate.transports.http_answers import media_type
from keepgate.transports.http_heads import Heads
from keepgate.transports.http_outgoing import Answer, Exchange, HttpLimits

_SMALL: Final = 16 << 10
"""Up to here copying a body behind its head is cheaper than a second buffer."""
_REDIRECTS: Final = (307, 308)
_REFUSALS: Final = (401, 403)
_ORDINARY: Final = (200, 202)
_DRAIN_BYTES: Final = 64 << 10
_KEEPALIVE: Final = (("TCP_KEEPIDLE", 60), ("TCP_KEEPALIVE", 60), ("TCP_KEEPINTVL", 20), ("TCP_KEEPCNT", 3))


class Pool(Protocol):
    """Where a connection belongs."""

    limits: HttpLimits
    common: bytes
    """What is in every request between its target and its own header lines."""
    heads: Heads[Answer]

    def post(self, transport: asyncio.Transport, pieces: tuple[bytes, ...]) -> None:
        """Write a request, at the latest at the end of this turn of the loop."""

    def released(self, connection: Connection) -> None:
        """It can take another request."""

    def lost(self, connection: Connection) -> None:
        """It is closed."""

    def surprised(self) -> None:
        """The server closed a kept connection unannounced, or sent what nobody asked for."""

    def again(self, exchange: Exchange) -> None:
        """Send the exchange over a new connection."""

    def redirected(self, exchange: Exchange, location: bytes) -> None:
        """Send the exchange to where the server says."""


class Connection(asyncio.Protocol):
    """The client side of one keep-alive connection."""

    __slots__ = (
        "_aside",
        "_complete",
        "_count",
        "_delimited",
        "_drained",
        "_first",
        "_headers",
        "_keep",
        "_parser",
        "_paused",
        "_peek",
        "_piece",
        "_pieces",
        "_pool",
        "_quiet",
        "_status",
        "_touched",
        "_transport",
        "exchange",
        "idle_since",
        "served",
    )

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._parser = httptools.HttpResponseParser(self)
        self._peek = select.poll()
        self._paused = False
        self.served = 0
        self.exchange: Exchange | None = None
        self.idle_since = 0.0
        self._reset()

    def _reset(self) -> None:
        self._headers: dict[bytes, bytes] = {}
        self._status = 0  # of the final answer, once its head is complete
        self._quiet = 0  # bytes read since the last byte of a body
        self._count = 0
        self._drained = 0
        self._complete = self._delimited = self._keep = self._touched = False
        self._aside: Callable[[], None] | None = None  # what to do with the exchange instead of answering it
        self._first = b""  # what is being parsed, if it is the beginning of an answer
        self._piece = b""  # what the parser took out of it
        self._pieces: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        sock = transport.get_extra_info("socket")
        self._peek.register(sock.fileno(), select.POLLIN)
        # An event stream may be silent for hours: let the kernel notice a peer that vanished.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, seconds in _KEEPALIVE:
            if hasattr(socket, option):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), seconds)

    def usable(self, *, trusted: bool) -> bool:
        """True if the peer has neither closed an idle connection nor sent anything on it.

        Unless it is trusted, the kernel is asked, because the loop may not have seen it yet: so a request is not
        written into a connection that is known to be dead.
        """
        return not self._transport.is_closing() and (trusted or not self._peek.poll(0))

    def start(self, exchange: Exchange, now: float) -> None:
        """Send the request."""
        self.exchange = exchange
        exchange.connection = self
        exchange.deadline = now + self._pool.limits.first_byte
        body = exchange.body
        head = b"%b %b%b%b%b%b\r\n" % (
            exchange.method,
            exchange.target,
            self._pool.common,
            exchange.fields,
            exchange.shown,
            b"Content-Length: %d\r\n" % len(body) if body else b"",
        )
        self._pool.post(self._transport, (head + body,) if len(body) < _SMALL else (head, body))

    def data_received(self, data: bytes) -> None:
        exchange = self.exchange
        if exchange is None:
            self._pool.surprised()
            self._transport.abort()
            return
        if not self._touched:
            known = self._pool.heads.find(data)
            if known is not None and not exchange.over:
                self._whole(exchange, *known)
                return
            self._first = data
        self._touched = True
        self._quiet += len(data)
        try:
            self._parse(exchange, data)
        except UpstreamError as error:
            self.close(error)
            return
        except Exception as error:  # noqa: BLE001 - a broken subclass ends its own exchange only
            self.close(_invalid(error))
            return
        if self._complete:
            self._finish()
        elif self._quiet > self._pool.limits.head:
            self.close(UpstreamError("too-large", "the head of the server's answer is too large"))
        self._first = b""

    def _parse(self, exchange: Exchange, data: bytes) -> None:
        """Feed the parser and pass on what it took out as one piece. Raises what either of them does."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise (error.__context__ or error) from None
        finally:
            pieces = self._pieces
            if pieces:
                self._pieces = []
                self._piece = pieces[0] if len(pieces) == 1 else b"".join(pieces)
                self._deliver(exchange, self._piece)

    def _deliver(self, exchange: Exchange, data: bytes) -> None:
        if not exchange.over and self._aside is None:
            exchange.on_data(data)
            return
        self._drained += len(data)
        if self._drained > _DRAIN_BYTES:
            raise UpstreamError("too-large", "the server goes on answering")

    def _whole(self, exchange: Exchange, answer: Answer, body: bytes) -> None:
        """The answer came in one piece and its head is known."""
        self._release(exchange, keep=True)
        try:
            exchange.on_whole(answer, body)
        except Exception as error:  # noqa: BLE001 - a broken subclass ends its own exchange only
            exchange.fail(_invalid(error))

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
        self._delimited = b"transfer-encoding" in headers or headers.pop(b"content-length", None) is not None
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise UpstreamError("protocol", "the server's answer is compressed, which was not asked for")
        exchange.deadline += limits.total - limits.first_byte
        if status in _REDIRECTS and exchange.redirects < limits.redirects and b"location" in headers:
            self._aside = partial(self._pool.redirected, exchange, headers[b"location"])
        elif status in _REFUSALS and exchange.guard is not None:
            challenge = headers.get(b"www-authenticate", b"")
            self._aside = partial(exchange.guard.refused, exchange, status, challenge)
        else:
            exchange.on_head(status, headers)

    def on_body(self, data: bytes) -> None:
        self._quiet = 0
        self._pieces.append(data)

    def on_message_complete(self) -> None:
        if self._status:
            self._complete = True
            self._keep = self._parser.should_keep_alive()

    def _finish(self) -> None:
        exchange, aside, keep = self.exchange, self._aside, self._keep
        assert exchange is not None
        if keep and self._status in _ORDINARY:
            media = media_type(self._headers.get(b"content-type", b""))
            is_json = self._status == 200 and media == b"application/json"
            answer = Answer(self._status, MappingProxyType(self._headers), is_json)
            self._pool.heads.learn(self._first, self._piece, answer)
        self._reset()
        self._release(exchange, keep=keep)
        if exchange.over:
            return
        if aside is not None:
            aside()
        else:
            exchange.over = True
            exchange.on_end()

    def _release(self, exchange: Exchange, *, keep: bool) -> None:
        """The exchange has all of its answer."""
        if self._paused:
            self.flow(exchange, reading=True)
        self.exchange = None
        self.served += 1
        if keep and not self._transport.is_closing():
            self._pool.released(self)
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._pool.lost(self)
        exchange, self.exchange = self.exchange, None
        if exchange is None or exchange.over:
            return
        if self.served and not self._touched:
            self._pool.surprised()
        if self._status and not self._delimited and exc is None and self._aside is None:
            exchange.over = True
            exchange.on_end()
        elif self.served and not self._touched and exchange.idempotent:
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
