"""One request that waits for its reply: who hears of it, its stream, its time limits."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from keepgate.model.errors import UpstreamError
from keepgate.model.message import Message
from keepgate.ports import Stream


class CallObserver(Protocol):
    """Hears of what belongs to one request while it runs. Called on the event loop; must not raise or block."""

    @property
    def principal(self) -> str:
        """Whose request it is."""

    def message(self, message: Message) -> None:
        """A notification or a server-initiated request that belongs to the request."""

    def opened(self, *, streaming: bool) -> None:
        """The answer has begun, as an event stream or not."""

    def interrupted(self, retry_ms: int) -> None:
        """The server ended its stream on purpose and will be asked again after `retry_ms`."""


class Host(Protocol):
    """The link a request waits on."""

    loop: asyncio.AbstractEventLoop
    streaming: bool

    def received(self, raw: bytes, pending: Pending | None) -> None:
        """Take a message from the request's own stream."""


class Pending:
    """A request that waits for its reply; also the sink of its own response stream."""

    __slots__ = (
        "future",
        "hard",
        "link",
        "method",
        "observer",
        "params",
        "soft",
        "stream",
        "sent_token",
        "timeout",
        "token",
    )

    def __init__(self, link: Host, method: str, observer: CallObserver | None, timeout: float) -> None:
        self.link = link
        self.method = method
        self.observer = observer
        self.timeout = timeout
        self.future: asyncio.Future[Message] = link.loop.create_future()
        self.stream: Stream | None = None
        self.token: Any = None
        self.sent_token: int | None = None
        self.soft: asyncio.TimerHandle | None = None
        self.hard: asyncio.TimerHandle | None = None

    def message(self, raw: bytes, event_id: str | None = None) -> None:
        self.link.received(raw, self)

    def opened(self, *, streaming: bool) -> None:
        self.link.streaming = streaming
        if self.observer is not None:
            self.observer.opened(streaming=streaming)

    def interrupted(self, retry_ms: int) -> None:
        if self.observer is not None:
            self.observer.interrupted(retry_ms)

    def closed(self, failure: UpstreamError | None) -> None:
        if not self.future.done():
            self.future.set_exception(
                failure or UpstreamError("closed", "the server ended the answer without a reply")
            )

    def alive(self) -> None:
        """A sign of life: start the patience over. The hard maximum stays."""
        if self.soft is not None:
            self.soft.cancel()
        self.soft = self.link.loop.call_later(self.timeout, self.expire, self.timeout)

    def expire(self, seconds: float) -> None:
        if not self.future.done():
            self.future.set_exception(
                UpstreamError("timeout", f"the server did not answer within {seconds:g} s")
            )

    def end(self) -> None:
        for timer in (self.soft, self.hard):
            if timer is not None:
                timer.cancel()
