"""One request to an upstream and what becomes of its answer, and the bounds on all of that."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from keepgate.model.errors import UpstreamError

_DRAIN_SECONDS: Final = 1.0


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
    """One server-sent event. Four times as much may come without a message in it: comments, other events."""
    connections: int = 256
    """Per origin, event streams included."""
    waiting: int = 1024
    """Requests that wait for a free connection."""
    idle: float = 60.0
    redirects: int = 3


class Answer(NamedTuple):
    """What the head of an answer says, names in lower case."""

    status: int
    headers: Mapping[bytes, bytes]
    is_json: bool
    """It is 200 with `application/json`."""


class Carrier(Protocol):
    """The connection that an exchange was written to."""

    def abandon(self, exchange: Exchange) -> None:
        """Close if this exchange is still on it."""

    def flow(self, exchange: Exchange, *, reading: bool) -> None:
        """Stop or go on reading for the exchange, if it is still on this connection."""


class Guard(Protocol):
    """Who answers for the credentials of a request."""

    def refused(self, exchange: Exchange, status: int, challenge: bytes) -> None:
        """The server answered 401 or 403 and did not run it; it is sent again, or fails, by whoever is told here."""


class Exchange:
    """One request and what becomes of its answer. Subclasses fill in the `on_` methods, which must not raise.

    After `abort` or `discard` none of them is called; `on_end` or `on_failure` is the last one and comes once.
    """

    __slots__ = (
        "body",
        "connection",
        "deadline",
        "fields",
        "guard",
        "idempotent",
        "method",
        "over",
        "redirects",
        "refusals",
        "shown",
        "target",
    )

    def __init__(self, method: bytes, target: bytes, fields: bytes, body: bytes = b"") -> None:
        self.connection: Carrier | None = None
        """The one it was written to last."""
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
        self.guard: Guard | None = None
        self.refusals = 0
        self.shown = b""
        """Header lines with credentials, which go with it."""

    def on_head(self, status: int, headers: Mapping[bytes, bytes]) -> None:
        """The head of the answer, names in lower case. May raise UpstreamError to refuse it."""

    def on_data(self, data: bytes) -> None:
        """A piece of the body. May raise UpstreamError to refuse it."""

    def on_end(self) -> None:
        """The answer is complete."""

    def on_failure(self, failure: UpstreamError) -> None:
        """There is no answer or it broke off."""

    def on_whole(self, answer: Answer, body: bytes) -> None:
        """A whole answer, the head of which came before. Its connection may carry another exchange by now."""
        try:
            self.on_head(answer.status, answer.headers)
            if body and not self.over:
                self.on_data(body)
        except UpstreamError as error:
            self.fail(error)
        if not self.over:
            self.over = True
            self.on_end()

    def fail(self, failure: UpstreamError) -> None:
        """End with a failure, once."""
        if not self.over:
            self.over = True
            self.on_failure(failure)

    def abort(self) -> None:
        """Give it up and close its connection. Idempotent."""
        self.over = True
        if self.connection is not None:
            self.connection.abandon(self)

    def discard(self) -> None:
        """The rest of the answer is of no interest: read it away if it is short, so that the connection is kept."""
        self.over = True
        self.deadline = min(self.deadline, asyncio.get_running_loop().time() + _DRAIN_SECONDS)

    def pause(self) -> None:
        """Read nothing more from the upstream until `resume`."""
        if self.connection is not None:
            self.connection.flow(self, reading=False)

    def resume(self) -> None:
        """Read on."""
        if self.connection is not None:
            self.connection.flow(self, reading=True)
