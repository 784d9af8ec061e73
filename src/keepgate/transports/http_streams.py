"""What travels on Streamable HTTP: a request with its answer, the GET stream, a message that is only accepted.

The answer to a request is one JSON text or an event stream. A stream that breaks off in the handshake era is resumed by
GET with the last event id. The transport cannot tell a response from a notification: the caller says `finished`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Final

from keepgate.model.errors import UpstreamError
from keepgate.ports import Sink
from keepgate.protocol.framing import SseParser
from keepgate.transports.backoff import Backoff
from keepgate.transports.http_answers import ERROR_BODY, events, failure, is_rpc, media_type, session_id
from keepgate.transports.http_client import HttpClient
from keepgate.transports.http_outgoing import Answer, Exchange, HttpLimits
from keepgate.transports.http_request import is_value

ACCEPT_ANY: Final = b"Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n"
ACCEPT_EVENTS: Final = b"Accept: text/event-stream\r\n"
_RETRY_MS: Final = 1000
_RETRY_RANGE_MS: Final = (50, 30_000)
_RESUMES: Final = 6
"""Attempts to resume an answer stream without an event in between."""
_MOMENT: Final = 0.001
_PIECES: Final = 3
"""A stream that is read more than so often within a moment each is read again after a moment."""


def check_noise(noise: int, limits: HttpLimits) -> None:
    """Raises UpstreamError if an event stream is flooded: `noise` is the bytes read since its last message."""
    if noise > 4 * limits.event:
        raise UpstreamError("too-large", "the server floods its event stream with what is no message")


class Endpoint:
    """What the streams of one channel share: where they go, their session, which of them are live."""

    __slots__ = ("client", "live", "resumable", "session_id", "settled", "target")

    def __init__(self, client: HttpClient, target: bytes, *, resumable: bool) -> None:
        self.client = client
        self.target = target
        self.resumable = resumable
        self.session_id = ""
        self.settled = not resumable
        """Whether there is a session is known: only the first answer, to `initialize`, can bring one."""
        self.live: set[EventExchange] = set()

    def fields(self, accepts: bytes, lines: bytes) -> bytes:
        """The header lines of a request, `lines` being the caller's."""
        if self.session_id:
            return b"%bMcp-Session-Id: %b\r\n%b" % (accepts, self.session_id.encode("ascii"), lines)
        return accepts + lines

    def launch(self, stream: EventExchange, lines: bytes) -> None:
        """Send the first request of a stream."""
        self.live.add(stream)
        stream.lines = lines
        stream.fields = self.fields(stream.accepts, lines)
        self.client.send(stream)

    def answered(self, headers: Mapping[bytes, bytes]) -> None:
        """Take the session id from the first answer. Raises UpstreamError if it is malformed."""
        if not self.settled:
            self.settled = True
            self.session_id = session_id(headers)


class EventExchange(Exchange):
    """What the answer to a request and the GET stream share: reading events, coming back after an interruption."""

    __slots__ = (
        "_body",
        "_endpoint",
        "_events",
        "_last_id",
        "_media",
        "_noise",
        "_pieces",
        "_read_at",
        "_resumes",
        "_retry_ms",
        "_sink",
        "_status",
        "_timer",
        "done",
        "lines",
    )

    accepts = ACCEPT_EVENTS

    def __init__(self, endpoint: Endpoint, method: bytes, payload: bytes, sink: Sink) -> None:
        super().__init__(method, endpoint.target, b"", payload)
        self.lines = b""
        self.done = False
        """Nothing more is delivered."""
        self._endpoint = endpoint
        self._sink = sink
        self._status = 0
        self._media = b""
        self._body: bytes | bytearray = b""
        self._events: SseParser | None = None
        self._noise = 0
        self._last_id = ""
        self._pieces = 0
        self._read_at = 0.0
        self._resumes = 0
        self._retry_ms = _RETRY_MS
        self._timer: asyncio.TimerHandle | None = None

    def on_head(self, status: int, headers: Mapping[bytes, bytes]) -> None:
        self._status = status
        self._media = media_type(headers.get(b"content-type", b""))
        self._body = b""
        self._events = None
        if status == 200 and self._media == b"text/event-stream":
            self._events = SseParser(self._endpoint.client.limits.event)
            self.deadline = float("inf")

    def on_data(self, data: bytes) -> None:
        if self._events is None:
            self._collect(data)
            return
        self._hold()
        self._noise += len(data)
        plain = self._events.plain(data)
        if plain is None:
            self._read(self._events, data)
        else:
            self.progressed()
            for text in plain:
                if self.done:
                    return
                if text:
                    self._noise = 0
                    self._sink.message(text)
        check_noise(self._noise, self._endpoint.client.limits)

    def _read(self, parser: SseParser, data: bytes) -> None:
        """Events with ids, retry times, names, comments, or not in one piece."""
        progressed = False
        for text, kind, event_id, retry in events(parser, data):
            if self.done:
                return
            if not progressed:
                progressed = True
                self.progressed()
            if event_id is not None:
                self._last_id = event_id if is_value(event_id) else ""
            if retry is not None:
                self._retry_ms = min(max(retry, _RETRY_RANGE_MS[0]), _RETRY_RANGE_MS[1])
            if text and kind == "message":
                self._noise = 0
                self._sink.message(text, event_id)

    def _hold(self) -> None:
        """Let a stream that comes in many small pieces gather for a moment: a piece costs more than what is in it."""
        loop = self._endpoint.client.loop
        now = loop.time()
        self._pieces = self._pieces + 1 if now - self._read_at < _MOMENT else 0
        self._read_at = now
        if self._pieces == _PIECES:
            self._pieces = 0
            self.pause()
            loop.call_later(_MOMENT, self.resume)

    def _collect(self, data: bytes) -> None:
        limit = self._endpoint.client.limits.body if self._status == 200 else ERROR_BODY
        if not self._body:
            self._body = data
        elif isinstance(self._body, bytearray):
            self._body += data
        else:
            self._body = bytearray(self._body) + data
        if len(self._body) > limit:
            if self._status != 200:
                raise failure(self._status)
            raise UpstreamError("too-large", f"the server's answer is larger than {limit} bytes")

    def progressed(self) -> None:
        """An event came."""

    def finished(self) -> None:
        """Nothing more is wanted; the connection is kept if the rest is short."""
        self._settle()
        if not self.over:
            self.discard()

    def cancel(self) -> None:
        """Abandon it."""
        self._settle()
        self.abort()

    def close(self, error: UpstreamError) -> None:
        """Tell the sink that this is the end, once."""
        if not self.done:
            self.cancel()
            self._sink.closed(error)

    def _settle(self) -> None:
        self.done = True
        self._endpoint.live.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def _come_back(self, seconds: float) -> None:
        """GET the stream after a while, from the last event on."""
        self._timer = asyncio.get_running_loop().call_later(seconds, self._again)

    def _again(self) -> None:
        self.method, self.target, self.body = b"GET", self._endpoint.target, b""
        self.idempotent, self.over, self.redirects = True, False, 0
        last = f"Last-Event-ID: {self._last_id}\r\n".encode("ascii") if self._last_id else b""
        self.fields = self._endpoint.fields(ACCEPT_EVENTS + last, self.lines)
        self._endpoint.client.send(self)


class Call(EventExchange):
    """A request and its answer, over as many connections as the answer takes. A ports.Stream."""

    __slots__ = ()

    accepts = ACCEPT_ANY

    def on_whole(self, answer: Answer, body: bytes) -> None:
        endpoint = self._endpoint
        ordinary = answer.is_json and endpoint.settled and len(body) <= endpoint.client.limits.body
        if not ordinary or self.method != b"POST":
            super().on_whole(answer, body)
            return
        self.over = True
        self._sink.opened(streaming=False)
        if not self.done:
            self._answered(body)

    def on_head(self, status: int, headers: Mapping[bytes, bytes]) -> None:
        super().on_head(status, headers)
        if status != 200 or self.method != b"POST":
            return
        if self._events is None and self._media != b"application/json":
            shown = self._media[:100].decode("ascii", "replace")
            raise UpstreamError(
                "protocol", f"the server's answer is neither JSON nor an event stream: {shown!a}"
            )
        self._endpoint.answered(headers)
        self._sink.opened(streaming=self._events is not None)

    def progressed(self) -> None:
        self._resumes = 0

    def on_end(self) -> None:
        if self._events is not None:
            self._broken(UpstreamError("closed", "the server ended the answer without a response"))
        elif self.method == b"GET":
            self._not_resumed()
        elif self._status == 200:
            self._answered(bytes(self._body))
        else:
            self._refused(bytes(self._body))

    def on_failure(self, failure: UpstreamError) -> None:
        # Once the server streams, the request runs: losing the connection is not losing the answer.
        if self._events is not None and failure.kind in ("closed", "unreachable", "timeout", "overloaded"):
            self._broken(failure)
        else:
            self.close(failure)

    def _answered(self, body: bytes) -> None:
        self._sink.message(body)
        if not self.done:
            asyncio.get_running_loop().call_soon(self._unanswered)

    def _unanswered(self) -> None:
        if not self.done:
            self.close(UpstreamError("protocol", "the server's answer is not a response"))

    def _refused(self, body: bytes) -> None:
        """An error status; its body may be a JSON-RPC error, which then is the response."""
        error = failure(self._status, body, session=bool(self._endpoint.session_id))
        if error.kind == "status" and is_rpc(self._media, body):
            self._sink.message(body)
            self._unless_finished(error)
        else:
            self.close(error)

    def _unless_finished(self, error: UpstreamError) -> None:
        """The caller may need one turn of the loop to say that it has its response."""
        if not self.done:
            asyncio.get_running_loop().call_soon(self.close, error)

    def _not_resumed(self) -> None:
        """GET was answered by something else than a stream."""
        error = UpstreamError("closed", "the server lost the answer", f"HTTP status {self._status}")
        if self._status >= 500:
            self._broken(error)
        else:
            self._unless_finished(error)

    def _broken(self, error: UpstreamError) -> None:
        """The stream ended early: come back if the server gave a place to come back to."""
        if self._endpoint.resumable and self._last_id and self._resumes < _RESUMES:
            asyncio.get_running_loop().call_soon(self._resume)
        else:
            self._unless_finished(UpstreamError("closed", error.public, error.private))

    def _resume(self) -> None:
        if self.done:
            return
        pause = min(self._retry_ms << self._resumes, _RETRY_RANGE_MS[1])
        self._resumes += 1
        self._sink.interrupted(pause)
        if not self.done:
            self._come_back(pause / 1000)


class Listener(EventExchange):
    """The GET stream of a session: what belongs to no request. Where a server has none all is well, too."""

    __slots__ = ("_backoff", "_worked")

    def __init__(self, endpoint: Endpoint, sink: Sink) -> None:
        super().__init__(endpoint, b"GET", b"", sink)
        self._backoff = Backoff(random.random)
        self._worked = False

    def progressed(self) -> None:
        self._backoff.reset()

    def on_head(self, status: int, headers: Mapping[bytes, bytes]) -> None:
        super().on_head(status, headers)
        self._worked = self._worked or self._events is not None

    def on_end(self) -> None:
        if self._events is not None:
            self._come_back(max(self._backoff.pause(), self._retry_ms / 1000))
        elif self._status >= 500 and self._status != 501:
            self._come_back(self._backoff.pause())
        else:
            lost = failure(self._status, bytes(self._body), session=True)
            if lost.kind == "session-lost" and self._worked:  # else it may mean that there is no GET
                self.close(lost)
            else:
                self.cancel()

    def on_failure(self, failure: UpstreamError) -> None:
        if failure.kind == "too-large":
            self.close(failure)
        else:
            self._come_back(self._backoff.pause())


class Notice(Exchange):
    """A message to which the answer is a status only."""

    __slots__ = ("_accepted", "_body", "_client", "_session", "_status")

    def __init__(self, endpoint: Endpoint, method: bytes, fields: bytes, payload: bytes = b"") -> None:
        super().__init__(method, endpoint.target, fields, payload)
        self._client = endpoint.client
        self._session = bool(endpoint.session_id)
        self._accepted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._status = 0
        self._body = bytearray()

    async def deliver(self) -> None:
        """Send it; returns when it was accepted. Raises UpstreamError."""
        self._client.send(self)
        try:
            await self._accepted
        finally:
            self.abort()

    def on_head(self, status: int, headers: Mapping[bytes, bytes]) -> None:
        self._status = status

    def on_data(self, data: bytes) -> None:
        self._body += data
        if len(self._body) > ERROR_BODY:
            raise failure(self._status)

    def on_end(self) -> None:
        if self._status not in (200, 202, 204):
            self.on_failure(failure(self._status, bytes(self._body), session=self._session))
        elif not self._accepted.done():
            self._accepted.set_result(None)

    def on_failure(self, failure: UpstreamError) -> None:
        if not self._accepted.done():
            self._accepted.set_exception(failure)
