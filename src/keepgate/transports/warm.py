"""Servers that take long to start, started ahead: processes that nobody has spoken with yet, bounded in number.

A process is handed to one channel, once, and is that channel's own from then on. What it says before is kept for who
gets it. One that dies while it waits is not replaced before the next channel is opened: a server that cannot live does
not spin.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from keepgate.model.errors import UpstreamError
from keepgate.ports import Sink, Stream
from keepgate.transports.upstream_stdio import ProcessChannel

MOST_KEPT: Final = 64
"""Messages of a process that nobody has spoken with; one that says more is ended."""
PAUSE: Final = 0.5
"""Seconds after a channel was opened before the next process is started: the one in use comes first."""


class _Waiting:
    """ports.Sink of a process that waits: keeps what it hears, then passes on."""

    def __init__(self) -> None:
        self.failure: UpstreamError | None = None
        self.ended = False
        self._kept: list[bytes] = []
        self._sink: Sink | None = None
        self.flooded: Callable[[], None] = lambda: None

    def message(self, raw: bytes, event_id: str | None = None) -> None:
        if self._sink is not None:
            self._sink.message(raw, event_id)
        elif len(self._kept) < MOST_KEPT:
            self._kept.append(raw)
        else:
            self.flooded()

    def opened(self, *, streaming: bool) -> None:
        if self._sink is not None:
            self._sink.opened(streaming=streaming)

    def interrupted(self, retry_ms: int) -> None:
        if self._sink is not None:
            self._sink.interrupted(retry_ms)

    def closed(self, failure: UpstreamError | None) -> None:
        self.ended, self.failure = True, failure
        if self._sink is not None:
            self._sink.closed(failure)

    def hand_over(self, sink: Sink) -> None:
        """From now on it is heard by this one, what was said before first."""
        kept, self._kept = self._kept, []
        for raw in kept:
            sink.message(raw)
        self._sink = sink


class WarmConnector:
    """ports.Connector for a command of which up to `most` processes wait."""

    kind = "stdio"

    def __init__(self, make: Callable[[], ProcessChannel], most: int) -> None:
        self._make = make
        self._most = most
        self._spare: list[tuple[ProcessChannel, _Waiting]] = []
        self._filling: asyncio.Task[None] | None = None
        self._turn = 0
        """Counted up by `rest`: what is being started then is not kept. Nothing is cancelled while a process starts."""

    def channel(self, *, era: str) -> WarmChannel:
        """A new, unopened channel."""
        return WarmChannel(self)

    def fallback(self, failure: UpstreamError) -> None:
        """There is nothing older."""

    def close(self) -> None:
        """End what waits."""
        self.rest()

    def rest(self) -> None:
        """Keep nothing ready until the next channel is opened."""
        self._turn += 1
        for channel, _ in self._spare:
            channel.kill()
        self._spare.clear()

    async def open(self, sink: Sink) -> ProcessChannel:
        """A process that waits, or a new one. Raises UpstreamError."""
        channel = self._taken(sink)
        if channel is None:
            channel = self._make()
            await channel.open(sink)
        if self._filling is None or self._filling.done():
            self._filling = asyncio.get_running_loop().create_task(self._fill())
        return channel

    def _taken(self, sink: Sink) -> ProcessChannel | None:
        """The process that has waited longest, if one lives."""
        while self._spare:
            channel, waiting = self._spare.pop(0)
            if not waiting.ended:
                waiting.hand_over(sink)
                return channel
            channel.kill()
        return None

    async def _fill(self) -> None:
        turn = self._turn
        self._spare = [each for each in self._spare if not each[1].ended]
        while len(self._spare) < self._most:
            await asyncio.sleep(PAUSE)
            if turn != self._turn:
                return
            channel, waiting = self._make(), _Waiting()
            waiting.flooded = channel.kill
            try:
                await channel.open(waiting)
            except UpstreamError:
                return  # whoever wants one next hears why
            if turn != self._turn:
                channel.kill()
                return
            self._spare.append((channel, waiting))


class WarmChannel:
    """ports.Channel of a process that may have been started before."""

    duplex = True
    session_id = ""

    def __init__(self, pool: WarmConnector) -> None:
        self._pool = pool
        self._channel: ProcessChannel | None = None

    async def open(self, sink: Sink) -> None:
        """Take a process that waits, or start one. Raises UpstreamError."""
        self._channel = await self._pool.open(sink)

    def _opened(self) -> ProcessChannel:
        if self._channel is None:
            raise UpstreamError("closed", "the server process is not running", retryable=True)
        return self._channel

    def request(self, payload: bytes, headers: Mapping[str, str], sink: Sink) -> Stream:
        """Write a request."""
        return self._opened().request(payload, headers, sink)

    async def notify(self, payload: bytes, headers: Mapping[str, str]) -> None:
        """Write a notification or a response."""
        await self._opened().notify(payload, headers)

    def listen(self, headers: Mapping[str, str]) -> None:
        """Everything comes on stdout already."""

    async def close(self) -> None:
        """End the process."""
        if self._channel is not None:
            await self._channel.close()
