"""HTTP+SSE (2024-11-05) towards a server: everything it says comes on one GET stream, messages go to its `endpoint`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from keepgate.model.errors import UpstreamError
from keepgate.ports import Sink, Stream
from keepgate.protocol.framing import Event, SseParser
from keepgate.transports.http_answers import events, failure, media_type
from keepgate.transports.http_client import Exchange, HttpClient
from keepgate.transports.http_request import field_lines, resolve
from keepgate.transports.http_streams import ACCEPT_ANY, ACCEPT_EVENTS, Endpoint, Notice, check_noise


class SseChannel:
    """Implements ports.Channel, duplex. The stream is not resumed: a new one would be a new session."""

    duplex = True
    session_id = ""

    def __init__(self, client: HttpClient, target: bytes) -> None:
        self._client = client
        self._target = target
        self._incoming: _Incoming | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, sink: Sink) -> None:
        """Open the stream and wait for the `endpoint` event."""
        incoming = _Incoming(self._client, self._target, sink)
        self._client.send(incoming)
        try:
            async with asyncio.timeout(self._client.limits.connect):
                await incoming.endpoint
        except TimeoutError:
            text = "the server did not name its `endpoint` in time"
            raise UpstreamError("timeout", text, retryable=True) from None
        finally:
            if incoming.to is None:
                incoming.abort()
        self._incoming = incoming

    def request(self, payload: bytes, headers: Mapping[str, str], sink: Sink) -> Stream:
        """POST a request; the answer goes to the sink given to `open`."""
        task = asyncio.get_running_loop().create_task(self._post(payload, headers, sink))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return _Posted(task)

    async def _post(self, payload: bytes, headers: Mapping[str, str], sink: Sink) -> None:
        try:
            await self.notify(payload, headers)
        except UpstreamError as error:
            sink.closed(error)

    async def notify(self, payload: bytes, headers: Mapping[str, str]) -> None:
        """POST a message; returns when the server has accepted it."""
        incoming = self._incoming
        if incoming is None or incoming.over or incoming.to is None:
            raise UpstreamError("closed", "the connection to the server is closed")
        try:
            lines = field_lines(headers)
        except ValueError as error:
            raise UpstreamError("protocol", str(error)) from None
        await Notice(incoming.to, b"POST", ACCEPT_ANY + lines, payload).deliver()

    def listen(self, headers: Mapping[str, str]) -> None:
        """The stream is open already."""

    async def close(self) -> None:
        """End the stream. The sink is not told."""
        for task in list(self._tasks):
            task.cancel()
        if self._incoming is not None:
            self._incoming.abort()


class _Posted:
    """A request that was sent; its answer comes on the common stream."""

    def __init__(self, task: asyncio.Task[None]) -> None:
        self._task = task

    def cancel(self) -> None:
        """Stop sending it, if that is still possible."""
        self._task.cancel()

    def finished(self) -> None:
        """Nothing is held for it. The POST may still wait for its 202."""


class _Incoming(Exchange):
    """The GET stream."""

    __slots__ = ("_client", "_events", "_noise", "_sink", "endpoint", "to")

    def __init__(self, client: HttpClient, target: bytes, sink: Sink) -> None:
        super().__init__(b"GET", target, ACCEPT_EVENTS)
        self._client = client
        self._sink = sink
        self._events = SseParser(client.limits.event)
        self._noise = 0
        self.endpoint: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.to: Endpoint | None = None
        """Where messages go, once the server has said it."""

    def on_head(self, status: int, headers: Mapping[bytes, bytes]) -> None:
        if status != 200:
            raise failure(status)
        if media_type(headers.get(b"content-type", b"")) != b"text/event-stream":
            raise UpstreamError("protocol", "the server did not answer GET with an event stream")
        self.deadline = float("inf")

    def on_data(self, data: bytes) -> None:
        self._noise += len(data)
        for event in events(self._events, data):
            if self.over:
                return
            if self.to is None:
                self._named(event)
            elif event.data and event.event == "message":
                self._noise = 0
                self._sink.message(event.data, event.id)
        check_noise(self._noise, self._client.limits)

    def _named(self, event: Event) -> None:
        target = resolve(self._client.origin, self.target, event.data) if event.event == "endpoint" else None
        if target is None:
            text = "the server's first event does not name an `endpoint` of the same origin"
            raise UpstreamError("protocol", text, ascii(event.data[:200]))
        self.to = Endpoint(self._client, target, resumable=False)
        if not self.endpoint.done():
            self.endpoint.set_result(None)

    def on_end(self) -> None:
        self.on_failure(UpstreamError("closed", "the server ended its event stream"))

    def on_failure(self, failure: UpstreamError) -> None:
        if self.to is not None:
            self._sink.closed(failure)
        elif not self.endpoint.done():
            self.endpoint.set_exception(failure)
