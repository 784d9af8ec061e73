"""Streamable HTTP towards a server, in both eras.

A request is a POST; its answer is one JSON text or an event stream. In the handshake era there may be a session, an
answer stream that broke off is resumed by GET with the last event id, and one GET stream carries what belongs to no
request. The transport cannot tell a response from a notification: the caller says `finished`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Final

from keepgate.model.errors import UpstreamError
from keepgate.ports import Sink, Stream
from keepgate.protocol.framing import Event, SseParser
from keepgate.transports.backoff import Backoff
from keepgate.transports.http_answers import ERROR_BODY, events, failure, is_rpc, media_type, session_id
from keepgate.transports.http_client import Exchange, HttpClient
from keepgate.transports.http_request import field_lines, is_value

_POST: Final = b"Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n"
_GET: Final = b"Accept: text/event-stream\r\n"
_RETRY_MS: Final = 1000
_LONGEST_RETRY_MS: Final = 30_000
_RESUMES: Final = 6
"""Attempts to resume an answer stream without an event in between."""
_CLOSING: Final = 2.0
"""Seconds that DELETE may take."""


class StreamableChannel:
    """One MCP connection over Streamable HTTP: at most one session. Implements ports.Channel.

    Answer streams have no time limit of their own: whoever waits cancels.
    """

    duplex = False

    def __init__(self, client: HttpClient, target: bytes, *, era: str) -> None:
        self.client = client
        self.target = target
        self.resumable = era == "handshake"
        self.session_id = ""
        self.sink: Sink | None = None
        self._lines = b""  # the caller's header lines of the latest message, for GET and DELETE
        self._answered = not self.resumable
        self._live: set[_Stream] = set()
        self._closed = False

    async def open(self, sink: Sink) -> None:
        """Nothing is sent before the first request."""
        self.sink = sink

    def request(self, payload: bytes, headers: Mapping[str, str], sink: Sink) -> Stream:
        """POST a request."""
        call = _Call(self, payload, sink)
        try:
            self.launch(call, headers)
        except UpstreamError as error:
            asyncio.get_running_loop().call_soon(call.fail, error)
        return call

    async def notify(self, payload: bytes, headers: Mapping[str, str]) -> None:
        """POST a notification or a response; returns when the server has accepted it."""
        await self._deliver(_Notice(b"POST", self.target, self._fields(_POST, headers), payload))

    def listen(self, headers: Mapping[str, str]) -> None:
        """Keep a GET stream open, resumed and reopened as often as needed."""
        if self.resumable and self.sink is not None and not self._closed:
            listener = _Listener(self, self.sink)
            try:
                self.launch(listener, headers)
            except UpstreamError as error:
                asyncio.get_running_loop().call_soon(listener.fail, error)

    async def close(self) -> None:
        """Abandon every stream; end the session with DELETE, for which the server has two seconds."""
        if self._closed:
            return
        self._closed = True
        for stream in list(self._live):
            stream.close(UpstreamError("closed", "the connection to the server was closed"))
        if self.session_id:
            try:
                async with asyncio.timeout(_CLOSING):
                    await self._deliver(_Notice(b"DELETE", self.target, self.fields(b"", self._lines)))
            except (UpstreamError, TimeoutError):
                return  # 405 and a dead server are as good as an ended session

    # For the streams of this channel.

    def launch(self, stream: _Stream, headers: Mapping[str, str]) -> None:
        """Send the first request of a stream. Raises UpstreamError if the headers may not be sent."""
        self._live.add(stream)
        stream.fields = self._fields(stream.accepts, headers)
        stream.lines = self._lines
        self.client.send(stream)

    def landed(self, stream: _Stream) -> None:
        """A stream is over."""
        self._live.discard(stream)

    def fields(self, accepts: bytes, lines: bytes) -> bytes:
        """The header lines of a request."""
        if self.session_id:
            return b"%bMcp-Session-Id: %b\r\n%b" % (accepts, self.session_id.encode("ascii"), lines)
        return accepts + lines

    def began(self, headers: Mapping[bytes, bytes]) -> None:
        """The first answer (to `initialize`) may bring a session id; a later one cannot change it."""
        if not self._answered:
            self._answered = True
            self.session_id = session_id(headers)

    def _fields(self, accepts: bytes, headers: Mapping[str, str]) -> bytes:
        if self._closed:
            raise UpstreamError("closed", "the connection to the server was closed", retryable=True)
        try:
            self._lines = field_lines(headers)
        except ValueError as error:
            raise UpstreamError("protocol", str(error)) from None
        return self.fields(accepts, self._lines)

    async def _deliver(self, notice: _Notice) -> None:
        self.client.send(notice)
        try:
            await notice.accepted
        finally:
            notice.abort()


class _Stream(Exchange):
    """What an answer to a POST and the GET stream share: reading events, coming back after an interruption."""

    __slots__ = (
        "_body",
        "_events",
        "_media",
        "_timer",
        "channel",
        "done",
        "last_id",
        "lines",
        "retry_ms",
        "sink",
        "status",
    )

    accepts = _GET

    def __init__(self, channel: StreamableChannel, method: bytes, payload: bytes, sink: Sink) -> None:
        super().__init__(method, channel.target, b"", payload)
        self.channel = channel
        self.sink = sink
        self.lines = b""
        self.status = 0
        self.done = False
        """Nothing more is delivered."""
        self.last_id = ""
        self.retry_ms = _RETRY_MS
        self._body = bytearray()
        self._media = b""
        self._events: SseParser | None = None
        self._timer: asyncio.TimerHandle | None = None

    def on_head(self, status: int, headers: Mapping[bytes, bytes]) -> None:
        self.status = status
        self._body.clear()
        self._media = media_type(headers)
        self._events = None
        if status == 200 and self._media == b"text/event-stream":
            self._events = SseParser(self.channel.client.limits.event)
            self.deadline = float("inf")

    def on_data(self, data: bytes) -> None:
        if self._events is not None:
            for event in events(self._events, data):
                if self.done:
                    return
                self._event(event)
            return
        limits = self.channel.client.limits
        self._body += data
        if len(self._body) > (limits.body if self.status == 200 else ERROR_BODY):
            if self.status != 200:
                raise failure(self.status)
            raise UpstreamError("too-large", f"the server's answer is larger than {limits.body} bytes")

    def _event(self, event: Event) -> None:
        if event.id is not None:
            self.last_id = event.id if is_value(event.id) else ""
        if event.retry is not None:
            self.retry_ms = min(event.retry, _LONGEST_RETRY_MS)
        self.progressed()
        if event.data and event.event == "message":
            self.sink.message(event.data, event.id)

    def progressed(self) -> None:
        """An event came."""

    def finished(self) -> None:
        """Nothing more is wanted."""
        self._settle()
        self.discard()

    def cancel(self) -> None:
        """Abandon it."""
        self._settle()
        self.abort()

    def close(self, error: UpstreamError | None) -> None:
        """Tell the sink that this is the end, once."""
        if not self.done:
            self.cancel()
            self.sink.closed(error)

    def _settle(self) -> None:
        self.done = True
        self.channel.landed(self)
        if self._timer is not None:
            self._timer.cancel()

    def come_back(self, seconds: float) -> None:
        """GET the stream again after a while, from the last event on."""
        self._timer = asyncio.get_running_loop().call_later(seconds, self._again)

    def _again(self) -> None:
        self._timer = None
        self.method, self.body, self.target = b"GET", b"", self.channel.target
        self.idempotent, self.over, self.redirects, self.retried = True, False, 0, False
        last = f"Last-Event-ID: {self.last_id}\r\n".encode("ascii") if self.last_id else b""
        self.fields = self.channel.fields(_GET + last, self.lines)
        self.channel.client.send(self)


class _Call(_Stream):
    """A request and its answer."""

    __slots__ = ("_resumes",)

    accepts = _POST

    def __init__(self, channel: StreamableChannel, payload: bytes, sink: Sink) -> None:
        super().__init__(channel, b"POST", payload, sink)
        self._resumes = 0

    def on_head(self, status: int, headers: Mapping[bytes, bytes]) -> None:
        super().on_head(status, headers)
        if status != 200 or self.method != b"POST":
            return
        if self._events is None and self._media != b"application/json":
            shown = self._media[:100].decode("ascii", "replace")
            raise UpstreamError(
                "protocol", f"the server's answer is neither JSON nor an event stream: {shown!a}"
            )
        self.channel.began(headers)
        self.sink.opened(streaming=self._events is not None)

    def progressed(self) -> None:
        self._resumes = 0

    def on_end(self) -> None:
        if self.method == b"GET":
            self._resumed()
        elif self._events is not None:
            self._broken(UpstreamError("closed", "the server ended the answer without a response"))
        elif self.status == 200:
            self._last(UpstreamError("protocol", "the server's answer is not a response"))
        else:
            error = failure(self.status, bytes(self._body), session=b"Mcp-Session-Id" in self.fields)
            if error.kind == "status" and is_rpc(self._media, self._body):
                self._last(error)
            else:
                self.close(error)

    def _last(self, otherwise: UpstreamError) -> None:
        """Deliver the body; if that was not what the caller waited for, this is the end."""
        self.sink.message(bytes(self._body))
        self._unless_finished(otherwise)

    def _unless_finished(self, error: UpstreamError) -> None:
        """The caller may need one turn of the loop to say that it has its response."""
        if not self.done:
            asyncio.get_running_loop().call_soon(self.close, error)

    def on_failure(self, error: UpstreamError) -> None:
        if self.method == b"GET" and error.kind in ("closed", "unreachable", "timeout", "overloaded"):
            self._broken(error)
        elif self._events is not None and error.kind == "closed":
            self._broken(error)
        else:
            self.close(error)

    def _resumed(self) -> None:
        """The end of a resumed stream, or the answer that there is none."""
        error = failure(self.status, session=True)
        if self._events is not None or self.status >= 500:
            self._broken(error)
        else:
            text = "the server ended the answer without a response and does not resume it"
            self._unless_finished(UpstreamError("closed", text, error.public, status=self.status))

    def _broken(self, error: UpstreamError) -> None:
        """The stream ended early: come back if the server gave a place to come back to."""
        if self.done:
            return
        if self.channel.resumable and self.last_id and self._resumes < _RESUMES:
            asyncio.get_running_loop().call_soon(self._resume)
        else:
            self._unless_finished(
                UpstreamError(error.kind, error.public, error.private, status=error.http_status)
            )

    def _resume(self) -> None:
        if self.done:
            return
        pause = min(self.retry_ms << self._resumes, _LONGEST_RETRY_MS)
        self._resumes += 1
        self.sink.interrupted(pause)
        if not self.done:
            self.come_back(pause / 1000)


class _Listener(_Stream):
    """The GET stream of a session: what belongs to no request. Without one all is well, too."""

    __slots__ = ("_backoff", "_worked")

    def __init__(self, channel: StreamableChannel, sink: Sink) -> None:
        super().__init__(channel, b"GET", b"", sink)
        self._backoff = Backoff(random.random)
        self._worked = False

    def progressed(self) -> None:
        self._backoff.reset()

    def on_head(self, status: int, headers: Mapping[bytes, bytes]) -> None:
        super().on_head(status, headers)
        if self._events is not None:
            self._worked = True
            self.sink.opened(streaming=True)

    def on_end(self) -> None:
        if self._events is not None:
            self.sink.interrupted(self.retry_ms)
            self.come_back(max(self._backoff.pause(), self.retry_ms / 1000))
        elif self.status >= 500 and self.status != 501:
            self.come_back(self._backoff.pause())
        elif self.status == 404 and self._worked:
            self.close(failure(404, session=True))
        else:
            self.cancel()

    def on_failure(self, error: UpstreamError) -> None:
        if error.kind in ("closed", "unreachable", "timeout", "overloaded"):
            self.come_back(self._backoff.pause())
        else:
            self.cancel()


class _Notice(Exchange):
    """A message to which the answer is a status."""

    __slots__ = ("_body", "_status", "accepted")

    def __init__(self, method: bytes, target: bytes, fields: bytes, payload: bytes = b"") -> None:
        super().__init__(method, target, fields, payload)
        self.accepted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._status = 0
        self._body = b""

    def on_head(self, status: int, headers: Mapping[bytes, bytes]) -> None:
        self._status = status

    def on_data(self, data: bytes) -> None:
        self._body += data
        if len(self._body) > ERROR_BODY:
            raise failure(self._status)

    def on_end(self) -> None:
        if self._status in (200, 202, 204):
            self.accepted.set_result(None)
        else:
            self.on_failure(failure(self._status, self._body, session=b"Mcp-Session-Id" in self.fields))

    def on_failure(self, error: UpstreamError) -> None:
        if not self.accepted.done():
            self.accepted.set_exception(error)
