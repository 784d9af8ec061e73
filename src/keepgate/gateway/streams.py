"""Event streams of a handshake session that outlive connections: numbered, kept for resumption, bounded.

An event id is `<stream>.<number>`; the stream part is 128 random bits and only looked up inside the session that owns
it, so an id of another session is simply unknown (wire.md section 7, trap 10).
"""

from __future__ import annotations

import secrets
from collections import OrderedDict, deque
from typing import Any

from keepgate.ports import EventStream
from keepgate.protocol import jsonrpc

MAX_STREAMS = 64
"""Streams kept per session for resumption; those that still run are never forgotten."""
KEEP_BYTES = 1 << 20
"""Kept per stream for resumption, besides the newest event."""


class ResumableStream:
    """One logical stream: events are numbered and kept, and go to whichever connection is attached."""

    def __init__(self, keep: int) -> None:
        self.id = secrets.token_hex(16)
        self.done = False
        self.live: EventStream | None = None
        self._events: deque[tuple[int, bytes]] = deque()
        self._keep = keep
        self._bytes = 0
        self._last = 0
        self._taken = 0
        """Number of the newest event that a connection took."""

    def event_id(self) -> str:
        """The id of the newest event."""
        return f"{self.id}.{self._last}"

    def attach(self, live: EventStream, after: int | None = None) -> None:
        """Send to this connection from now on, first what came after event `after` (None: what no connection took)."""
        if self.live is not None and self.live is not live:
            self.live.close()
        self.live = live
        start = self._taken if after is None else after
        for number, data in list(self._events):
            if number > start:
                live.send(data, f"{self.id}.{number}")
        self._taken = self._last
        if self.done:
            live.close()

    def prime(self) -> None:
        """2025-11-25: an event with an id and no data, so that the client can resume before the first message."""
        if self.live is not None:
            self.live.send(b"", self.event_id())

    def send(self, body: dict[str, Any]) -> None:
        """Number, keep and send one message."""
        self._last += 1
        data = jsonrpc.encode(body)
        self._events.append((self._last, data))
        self._bytes += len(data)
        while len(self._events) > 1 and (len(self._events) > self._keep or self._bytes > KEEP_BYTES):
            self._bytes -= len(self._events.popleft()[1])
        if self.live is not None:
            if self.live.send(data, self.event_id()):
                self._taken = self._last
            else:
                self.live = None

    def detach(self, retry_ms: int | None = None) -> None:
        """End the connection, not the stream; the client may come back after `retry_ms`."""
        live, self.live = self.live, None
        if live is not None:
            if retry_ms is not None:
                live.send(b"", self.event_id(), retry=retry_ms)
            live.close()

    def finish(self) -> None:
        """Nothing more will be sent."""
        self.done = True
        live, self.live = self.live, None
        if live is not None:
            live.close()


class StreamTable:
    """The streams of one session."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._streams: OrderedDict[str, ResumableStream] = OrderedDict()

    def new(self) -> ResumableStream:
        """A new stream; the oldest finished one is forgotten when there are too many."""
        stream = ResumableStream(self._keep)
        self._streams[stream.id] = stream
        over = len(self._streams) - MAX_STREAMS
        for key in [key for key, value in self._streams.items() if value.done][: max(over, 0)]:
            del self._streams[key]
        return stream

    def find(self, event_id: str) -> tuple[ResumableStream, int] | None:
        """The stream of an event id and the event's number, or None."""
        key, dot, number = event_id.partition(".")
        stream = self._streams.get(key)
        if stream is None or not dot or not (number.isascii() and number.isdigit() and len(number) < 16):
            return None
        return stream, int(number)

    def close(self) -> None:
        """End every stream."""
        for stream in self._streams.values():
            stream.finish()
        self._streams.clear()
