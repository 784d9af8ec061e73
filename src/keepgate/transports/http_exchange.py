"""One downstream HTTP request and its answer: what an HttpEndpoint gets as `request` and as `responder`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from email.utils import formatdate
from functools import lru_cache
from typing import Any, Final, Protocol

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from keepgate.model.errors import LocalError, RemoteError
from keepgate.ports import Callback, HttpEndpoint
from keepgate.transports.http_heads import Heads
from keepgate.transports.http_rules import Limits, Names, Route, cors, is_preflight, parse_target, preflight

_BODILESS: Final = (204, 304)
_STREAMING: Final = b"content-type: text/event-stream\r\ncache-control: no-cache\r\nx-accel-buffering: no\r\n"
_FULL: Final = 64 << 10
"""Bytes of events that are written without waiting for more."""
_CACHED_ROUTES: Final = 256


class Head:
    """What the head of a request says. Requests whose heads are the same bytes share it, so nobody may change it."""

    __slots__ = ("headers", "keep_alive", "method", "more", "notes", "path", "query", "version")

    def __init__(
        self, method: str, route: Route, headers: Mapping[str, str], version: str, *, keep_alive: bool
    ) -> None:
        self.method = method
        self.path = route.path
        self.query = route.query
        self.headers = headers
        self.version = version
        self.keep_alive = keep_alive
        origin = headers.get("origin")
        self.more = cors(origin).encode("latin-1") if origin is not None else b""
        """Header lines of every answer."""
        self.notes: dict[str, Any] = {}
        """The endpoint's, see ports.HttpRequest."""


# A foreign origin gets no CORS lines, so the head of a refused request is not kept.
_NOWHERE: Final = Head("", Route("", "", fast=True), {}, "1.1", keep_alive=False)


class Lane:
    """What all connections of one server share."""

    __slots__ = (
        "_common",
        "_is_fast",
        "_routes",
        "_starts",
        "arriving",
        "empty",
        "endpoint",
        "heads",
        "limits",
        "names",
        "now",
    )

    def __init__(
        self, endpoint: HttpEndpoint, is_fast: Callable[[str], bool], names: Names, limits: Limits
    ) -> None:
        self.endpoint = endpoint
        self.names = names
        self.limits = limits
        self.arriving = 0
        self.now = 0.0
        self.empty = asyncio.Event()
        """Set while there are no connections."""
        self.empty.set()
        self.heads: Heads[Head] = Heads(longest=min(4096, limits.head))
        self._common = b""
        self._starts: dict[int, bytes] = {}
        self._is_fast = is_fast
        self._routes: dict[bytes, Route] = {}

    def tick(self, now: float, wall: float) -> bytes:
        """Advance the clock that deadlines are measured by; the value of the Date header."""
        self.now = now
        date = formatdate(wall, usegmt=True).encode()
        self._common = b"date: %b\r\nx-content-type-options: nosniff\r\n" % date
        self._starts.clear()
        return date

    def start(self, status: int) -> bytes:
        """The lines that every answer with this status begins with."""
        start = self._starts.get(status)
        if start is None:
            start = self._starts[status] = STATUS_LINE[status] + self._common
        return start

    def route(self, raw: bytes) -> Route:
        """Where a target leads. The few targets of the fast lane are remembered."""
        route = self._routes.get(raw)
        if route is None:
            path, query = parse_target(raw)
            route = Route(path, query, self._is_fast(path))
            if route.fast and not query and len(self._routes) < _CACHED_ROUTES:
                self._routes[raw] = route
        return route


class Connection(Protocol):
    """What an exchange needs of the connection it came on."""

    lane: Lane
    loop: asyncio.AbstractEventLoop
    peer: str
    certificate: bytes
    secure: bool
    transport: asyncio.Transport
    flow: FlowControl

    def holds(self, exchange: Exchange) -> bool:
        """True while it is the turn of `exchange` and the client is there."""

    def finish(self, exchange: Exchange, head: bytes, body: bytes) -> None:
        """Write the last bytes of an answer and go on with the next."""


class Exchange:
    """Implements HttpRequest and Responder for a request on the fast lane."""

    __slots__ = (
        "_connection",
        "_gone",
        "_head",
        "_stream",
        "_watchers",
        "answered",
        "body",
        "certificate",
        "headers",
        "keep_alive",
        "method",
        "notes",
        "path",
        "peer",
        "query",
        "secure",
    )

    def __init__(self, connection: Connection, head: Head, body: bytes) -> None:
        self._connection = connection
        self._head = head
        self._stream: Events | None = None
        self._watchers: tuple[Callback, ...] = ()
        self._gone = False
        self.answered = False
        self.method = head.method
        self.path = head.path
        self.query = head.query
        self.headers = head.headers
        self.notes = head.notes
        self.body = body
        self.keep_alive = head.keep_alive
        self.peer = connection.peer
        self.secure = connection.secure
        self.certificate = connection.certificate

    def begin(self) -> None:
        """It is this exchange's turn on the connection."""
        if self.method == "OPTIONS" and is_preflight(self.headers):
            self.respond(204, preflight(self.headers), b"")
            return
        self._connection.lane.endpoint.handle(self, self)

    def respond(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Answer with a whole body. Nothing happens if the client has gone."""
        if status in _BODILESS:
            self._connection.finish(self, self._answer(status, headers, b""), b"")
        else:
            head = self._answer(status, headers, b"content-length: %d\r\n" % len(body))
            self._connection.finish(self, head, body if self.method != "HEAD" else b"")
        self._watchers = ()  # they refer back to us: only the collector could free the cycle

    def start_stream(self, headers: Mapping[str, str]) -> Events:
        """Answer 200 with an event stream that stays open."""
        chunked = self._head.version == "1.1"
        self.keep_alive = self.keep_alive and chunked
        head = self._answer(
            200, headers, _STREAMING + (b"transfer-encoding: chunked\r\n" if chunked else b"")
        )
        self._stream = Events(self, self._connection, head, chunked=chunked)
        return self._stream

    def on_disconnect(self, callback: Callback) -> None:
        """Call back once if the client goes away before the answer is complete."""
        if self._gone:
            callback()
        else:
            self._watchers += (callback,)

    def lost(self) -> None:
        """The client has gone before the answer was complete."""
        self._gone = True
        if self._stream is not None:
            self._stream.open = False
        watchers, self._watchers = self._watchers, ()
        for callback in watchers:
            callback()

    def cut(self) -> None:
        """The server stops now: the client gets an orderly end, the endpoint hears that nobody listens any more."""
        watchers = self._watchers  # an answer forgets them, but this one is not the endpoint's
        if self._stream is not None:
            self._stream.close()
        else:
            self.respond(503, {}, b"shutting down\n")
        self._watchers = watchers
        self.lost()

    def fail(self) -> None:
        """The endpoint failed: say so if nothing was said yet, else break off."""
        if self.answered:
            self._connection.transport.abort()
        else:
            self.respond(500, {}, b"internal error\n")

    def beat(self, now: float) -> None:
        """Send a comment on a stream that has been silent for long, so that proxies keep it open."""
        if self._stream is not None and now >= self._stream.silent_until:
            self._stream.comment()

    def _answer(self, status: int, headers: Mapping[str, str], framing: bytes) -> bytes:
        """The head of the one answer."""
        if self.answered:
            raise LocalError("answered-twice", "a request was answered twice")
        lines = _lines(tuple(headers.items()))
        self.answered = True
        close = b"" if self.keep_alive else b"connection: close\r\n"
        start = self._connection.lane.start(status)
        return b"%b%b%b%b%b\r\n" % (start, lines, framing, self._head.more, close)


@lru_cache(256)  # answers of one kind have the same few headers
def _lines(headers: tuple[tuple[str, str], ...]) -> bytes:
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers):
        raise LocalError("bad-header", "a response header holds a line break")
    return lines.encode("latin-1")


class Refusal(Exchange):
    """The answer to what never became a request; the connection ends with it."""

    __slots__ = ("_error",)

    def __init__(self, connection: Connection, error: RemoteError) -> None:
        super().__init__(connection, _NOWHERE, b"")
        self._error = error

    def begin(self) -> None:
        """Say why."""
        text = f"{self._error.public}\n".encode()
        self.respond(self._error.status, {"content-type": "text/plain; charset=utf-8"}, text)


class Events:
    """Implements EventStream.

    Events that are sent in one turn of the loop leave as one chunk, since a write costs more than an event. What was
    written waits in the transport's buffer; what is added while that is full is counted.
    """

    __slots__ = (
        "_bytes",
        "_chunked",
        "_connection",
        "_events",
        "_exchange",
        "_head",
        "_queue",
        "_queued",
        "open",
        "silent_until",
    )

    def __init__(self, exchange: Exchange, connection: Connection, head: bytes, *, chunked: bool) -> None:
        self._exchange = exchange
        self._connection = connection
        self._chunked = chunked
        self._head = head
        self._queue: list[bytes] = []
        self._queued = 0
        self._bytes = 0
        self._events = 0
        self.open = connection.holds(exchange)
        self.silent_until = 0.0
        connection.loop.call_soon(self._flush)

    def send(
        self, data: bytes, event_id: str | None = None, event: str | None = None, retry: int | None = None
    ) -> bool:
        """Queue one event; False when the client is gone or too slow."""
        return self._push(encode_event(data, event_id, event, retry))

    def comment(self) -> None:
        """Send something that is not an event."""
        self._push(b":\n\n")

    def close(self) -> None:
        """End the stream in an orderly way."""
        if self.open:
            self.open = False
            end = b"0\r\n\r\n" if self._chunked else b""
            self._connection.finish(self._exchange, self._take(), end)

    def _push(self, frame: bytes) -> bool:
        if not self.open:
            return False
        if not self._queue:
            self._connection.loop.call_soon(self._flush)
        self._queue.append(frame)
        self._queued += len(frame)
        if self._queued > _FULL:
            self._flush()
        return self.open

    def _flush(self) -> None:
        """Write what is queued unless the stream is over; drop a client that is too far behind."""
        if not self.open or not (self._queue or self._head):
            return
        lane = self._connection.lane
        if not self._connection.flow.write_paused:
            self._bytes = self._events = 0
        else:
            self._bytes += self._queued
            self._events += len(self._queue)
            if self._bytes > lane.limits.stream_bytes or self._events > lane.limits.stream_events:
                self.open = False
                self._connection.transport.abort()
                return
        self.silent_until = lane.now + lane.limits.heartbeat
        self._connection.transport.write(self._take())

    def _take(self) -> bytes:
        """The bytes of what is queued, with the head of the answer before the first."""
        frames = self._queue
        if frames and self._chunked:
            frames = [b"%x\r\n" % self._queued, *frames, b"\r\n"]
        data = b"".join((self._head, *frames))
        self._head, self._queue, self._queued = b"", [], 0
        return data


def encode_event(data: bytes, event_id: str | None, event: str | None, retry: int | None) -> bytes:
    """One server-sent event. Lines end in CR, LF or CRLF only, so each of them splits `data`."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    out = b"data: %b\n\n" % data.replace(b"\n", b"\ndata: ")
    head = f"id: {event_id}\n" if event_id is not None else ""
    if event is not None:
        head += f"event: {event}\n"
    if retry is not None:
        head += f"retry: {retry}\n"
    return head.encode() + out if head else out
