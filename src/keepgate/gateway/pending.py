"""One request that waits for its reply: who hears of it, its stream, its time limits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from math import inf
from typing import Any, Final, Protocol

from keepgate.model.errors import UpstreamError
from keepgate.model.message import Kind, Message
from keepgate.ports import Stream

_LATE: Final = 0.002
"""Seconds: the loop's clock and its timers count in milliseconds, and none may come too early."""


class CallObserver(Protocol):
    """Hears of what belongs to one request while it runs. Called on the event loop; must not raise or block."""

    @property
    def principal(self) -> str:
        """Whose request it is."""

    def message(self, message: Message) -> None:
        """A notification or a server-initiated request that belongs to the request."""

    def opened(self, *, streaming: bool) -> None:
        """The answer has begun, as an event stream: one that is not is heard of when it is there."""

    def interrupted(self, retry_ms: int) -> None:
        """The server ended its stream on purpose and will be asked again after `retry_ms`."""


class Host(Protocol):
    """The link a request waits on."""

    loop: asyncio.AbstractEventLoop
    streaming: bool

    def received(self, raw: bytes, pending: Pending | None) -> None:
        """Take a message from the request's own stream."""

    def ended(self, pending: Pending, failure: UpstreamError | None) -> None:
        """The request has its reply, or will have none: it is to be forgotten, and its stream ended."""


class Pending:
    """A request that waits for its reply; also the sink of its own response stream.

    It ends once: by `answer`, `closed` or `expire`, of which `on_reply` and `on_failure` hear, or by `abandon`, of
    which nobody hears. What the reply means is for the subclass to say.
    """

    __slots__ = (
        "asks",
        "cancellable",
        "done",
        "hard",
        "id",
        "link",
        "maximum",
        "method",
        "observer",
        "sent_token",
        "soft",
        "stream",
        "timeout",
        "token",
    )

    def __init__(self, link: Host, method: str, observer: CallObserver | None, timeout: float) -> None:
        self.link = link
        self.method = method
        self.observer = observer
        self.timeout = timeout
        self.maximum = inf
        self.done = False
        self.id = 0
        """The id towards the server; 0 before it was sent."""
        self.cancellable = True
        """Whether the server is told when the request is given up; `initialize` must not be cancelled."""
        self.stream: Stream | None = None
        self.token: Any = None
        self.sent_token: int | None = None
        self.soft = inf
        """When its patience ends, on the loop's clock; each sign of life begins it anew."""
        self.asks: set[tuple[type, Any]] | None = None
        """Ids of the server's own requests in this call that wait for an answer: meanwhile nobody is impatient."""
        self.hard = inf
        """When it ends whatever the server says; a listen has no end."""

    def on_reply(self, reply: Message) -> None:
        """The reply, a result or an error. Must not raise."""

    def on_failure(self, failure: UpstreamError) -> None:
        """There will be no reply. Must not raise."""

    def message(self, raw: bytes, event_id: str | None = None) -> None:
        self.link.received(raw, self)

    def opened(self, *, streaming: bool) -> None:
        self.link.streaming = streaming
        if streaming and self.observer is not None:
            self.observer.opened(streaming=True)

    def interrupted(self, retry_ms: int) -> None:
        if self.observer is not None:
            self.observer.interrupted(retry_ms)

    def answer(self, reply: Message) -> None:
        """The reply has come."""
        if not self.done:
            self.done = True
            self.link.ended(self, None)
            self.on_reply(reply)

    def closed(self, failure: UpstreamError | None) -> None:
        if not self.done:
            self.done = True
            failure = failure or UpstreamError("closed", "the server ended the answer without a reply")
            self.link.ended(self, failure)
            self.on_failure(failure)

    def abandon(self) -> None:
        """Whoever waited has gone: the server is told in the manner of the era. Idempotent."""
        if not self.done:
            self.done = True
            self.link.ended(self, UpstreamError("cancelled", "the caller has gone"))

    def alive(self) -> None:
        """A sign of life: start the patience over. The hard maximum stays."""
        if self.hard < inf:
            self.soft = inf if self.asks else self.link.loop.time() + self.timeout

    def awaits(self, request_id: Any) -> None:
        """The server waits for an answer, maybe of a person: only the hard maximum counts until it has it."""
        if self.asks is None:
            self.asks = set()
        self.asks.add((type(request_id), request_id))
        self.alive()

    def answered(self, request_id: Any) -> bool:
        """One question less: if it was the last, the server's time counts again. Whether that is so."""
        if not self.asks or (type(request_id), request_id) not in self.asks:
            return False
        self.asks.discard((type(request_id), request_id))
        self.alive()
        return not self.asks

    def limit(self, maximum: float) -> float:
        """Count the time from now; when it ends at the earliest."""
        now = self.link.loop.time()
        self.soft, self.hard, self.maximum = now + self.timeout, now + maximum, maximum
        return min(self.soft, self.hard)

    @property
    def limited(self) -> bool:
        """Whether it has a time limit."""
        return self.hard < inf

    @property
    def due(self) -> float:
        """When it is to be looked at."""
        return inf if self.done else min(self.soft, self.hard)

    def expire(self, now: float) -> None:
        """Fail if a limit is reached."""
        if self.due <= now:
            seconds = self.timeout if self.soft <= self.hard else self.maximum
            self.closed(UpstreamError("timeout", f"the server did not answer within {seconds:g} s"))


class Awaited(Pending):
    """A request whose reply a coroutine awaits."""

    __slots__ = ("future",)

    def __init__(self, link: Host, method: str, observer: CallObserver | None, timeout: float) -> None:
        super().__init__(link, method, observer, timeout)
        self.future: asyncio.Future[Message] = link.loop.create_future()

    def on_reply(self, reply: Message) -> None:
        if not self.future.done():
            self.future.set_result(reply)

    def on_failure(self, failure: UpstreamError) -> None:
        if not self.future.done():
            self.future.set_exception(failure)


class Patience:
    """The one timer of a link, at the earliest limit of its requests: a timer each would cost more than deciding."""

    def __init__(self, loop: asyncio.AbstractEventLoop, requests: Mapping[int, Pending]) -> None:
        self._loop = loop
        self._requests = requests
        self._due = inf
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, due: float) -> None:
        """Look no later than `due`. What ends before is not taken off: the timer finds nothing to do."""
        if due < self._due:
            self.stop()
            self._due = due
            self._timer = self._loop.call_at(due + _LATE, self._look)

    def hear(self, message: Message, pending: Pending | None) -> None:
        """The server asks something in a call, in any where nothing says in which; or needs no answer any more."""
        if message.kind is Kind.REQUEST:
            for one in (pending,) if pending is not None else self._requests.values():
                one.awaits(message.id)
        elif message.method == "notifications/cancelled":
            self._answered(message.params.get("requestId"))

    def say(self, body: dict[str, Any]) -> None:
        """Something goes to the server: maybe an answer."""
        if "method" not in body:
            self._answered(body.get("id"))

    def _answered(self, request_id: Any) -> None:
        for one in self._requests.values():
            if one.answered(request_id):
                self.watch(one.due)

    def stop(self) -> None:
        """Look no more."""
        self._due = inf
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._due, now = inf, self._loop.time()
        for pending in list(self._requests.values()):
            pending.expire(now)
        self.watch(min((pending.due for pending in self._requests.values()), default=inf))
