"""HTTP/1.1 to one origin: a pool of kept connections, a bounded queue before it, deadlines, redirects.

What callers may rely on: a request is written to at most one connection, unless it is idempotent and the connection
it was written to had been kept and died without a byte; an exchange hears nothing before `send` has returned. A server
that lets its connections live is believed for a tenth of a second; else the kernel is asked before one is used again.
Deadlines are looked at a few times a second for all requests at once, so a request needs no timer of its own.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Mapping
from functools import cache, cached_property
from typing import Final

from keepgate.model.errors import UpstreamError
from keepgate.transports.egress import Egress
from keepgate.transports.http_connection import Connection
from keepgate.transports.http_heads import Heads
from keepgate.transports.http_outgoing import Answer, Exchange, HttpLimits
from keepgate.transports.http_request import Origin, field_lines, resolve

__all__ = ["Exchange", "HttpClient", "HttpLimits"]

_TICK: Final = 0.25
"""Seconds between two looks at the deadlines: how late one may be noticed."""
_FRESH: Final = 0.1
"""Seconds for which a connection that was used again before is believed to be alive without asking the kernel."""
_SOON: Final = 1.0
_WARY: Final = 60.0
"""A server that closes kept connections within `_SOON`, unannounced, is not believed for so many seconds."""


class HttpClient:
    """Sends exchanges to one origin. Belongs to the loop it is first used on.

    `headers` go with every request (ValueError if one may not). Certificates are verified: against the system's
    authorities, or as `tls` says. Connections go where `egress` lets them; without one to public addresses, and to
    what the origin itself names: a literal address, or this machine by `localhost`.
    """

    def __init__(
        self,
        origin: Origin,
        *,
        headers: Mapping[str, str] | None = None,
        limits: HttpLimits | None = None,
        tls: ssl.SSLContext | None = None,
        egress: Egress | None = None,
    ) -> None:
        self.origin = origin
        self.limits = limits or HttpLimits()
        head = (
            f" HTTP/1.1\r\nHost: {origin.authority}\r\nAccept-Encoding: identity\r\nUser-Agent: keepgate\r\n"
        )
        self.common = head.encode("ascii") + field_lines(headers or {})
        self.heads: Heads[Answer] = Heads()
        self._tls = tls
        self._egress = egress or Egress.configured(origin.host, private=False)
        self._idle: deque[Connection] = deque()  # the most recently used last
        self._connections: set[Connection] = set()
        self._outbox: list[tuple[asyncio.Transport, tuple[bytes, ...]]] = []
        self._wary_until = 0.0
        self._waiting: deque[Exchange] = deque()
        self._opening: dict[asyncio.Task[None], Exchange] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    @cached_property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop it belongs to. Asking Python which one is running costs a system call (until 3.12)."""
        return asyncio.get_running_loop()

    def send(self, exchange: Exchange) -> None:
        """Send the request. Whatever comes of it, the exchange hears of later."""
        now = self.loop.time()
        if self._timer is None and not self._closed:
            self._timer = self.loop.call_later(_TICK, self._tick)
        idle = self._idle
        while idle:
            connection = idle.pop()
            trusted = (
                connection.served > 1 and now - connection.idle_since < _FRESH and now > self._wary_until
            )
            if connection.usable(trusted=trusted):
                connection.start(exchange, now)
                return
            self._connections.discard(connection)
            connection.close(_closed())
        exchange.deadline = now + self.limits.connect
        if self._closed:
            self.loop.call_soon(exchange.fail, _closed())
        elif self._has_room():
            self.again(exchange)
        elif len(self._waiting) < self.limits.waiting:
            self._waiting.append(exchange)
        else:
            self.loop.call_soon(exchange.fail, self._overloaded("and too many requests wait"))

    def close(self) -> None:
        """Close every connection; what is in flight or waits fails."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for task in self._opening:
            task.cancel()
        for connection in list(self._connections):
            connection.close(_closed())
        while self._waiting:
            self._waiting.popleft().fail(_closed())

    # What connections ask for and report.

    def post(self, transport: asyncio.Transport, pieces: tuple[bytes, ...]) -> None:
        """Write a request together with the others of this turn of the loop.

        Waking a server costs more than writing to it, and one that is written to again at once is still awake.
        """
        if not self._outbox:
            self.loop.call_soon(self._send_posted)
        self._outbox.append((transport, pieces))

    def _send_posted(self) -> None:
        posted, self._outbox = self._outbox, []
        for transport, pieces in posted:
            if not transport.is_closing():  # else it was given up meanwhile, and was never sent
                if len(pieces) == 1:
                    transport.write(pieces[0])
                else:
                    transport.writelines(pieces)

    def released(self, connection: Connection) -> None:
        """It waits here for the next request, unless one waits already."""
        now = self.loop.time()
        while self._waiting:
            exchange = self._waiting.popleft()
            if not exchange.over:
                connection.start(exchange, now)
                return
        connection.idle_since = now
        self._idle.append(connection)

    def lost(self, connection: Connection) -> None:
        """There may be room for one that waits."""
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
            if self.loop.time() - connection.idle_since < _SOON:
                self.surprised()
        self._admit()

    def surprised(self) -> None:
        """Look at every connection before it is used again, for a while."""
        self._wary_until = self.loop.time() + _WARY

    def again(self, exchange: Exchange) -> None:
        """Send over a new connection."""
        task = self.loop.create_task(self._open(exchange))
        self._opening[task] = exchange
        task.add_done_callback(self._opened)

    def redirected(self, exchange: Exchange, location: bytes) -> None:
        """Follow within the origin only: elsewhere the headers were not meant for."""
        target = resolve(self.origin, exchange.target, location)
        if target is None:
            shown = location[:200].decode("ascii", "replace")
            text = "it redirects elsewhere, which is not followed: configure the final address"
            exchange.fail(UpstreamError("status", text, ascii(shown), status=307))
            return
        exchange.target = target
        exchange.redirects += 1
        self.send(exchange)

    # Opening and sweeping.

    async def _open(self, exchange: Exchange) -> None:
        tls = (self._tls or _default_tls()) if self.origin.scheme == "https" else None
        try:
            async with asyncio.timeout(self.limits.connect):
                connection = await self._egress.connect(lambda: Connection(self), self.origin, tls)
        except UpstreamError as error:
            exchange.fail(error)
            return
        except (OSError, TimeoutError, UnicodeError) as error:
            exchange.fail(self._unreachable(error))
            return
        self._connections.add(connection)
        if exchange.over:
            self.released(connection)
        else:
            connection.start(exchange, self.loop.time())

    def _opened(self, task: asyncio.Task[None]) -> None:
        exchange = self._opening.pop(task)
        if task.cancelled():
            exchange.fail(_closed())
        elif error := task.exception():
            exchange.fail(self._unreachable(error))
        self._admit()

    def _admit(self) -> None:
        while self._waiting and not self._closed and self._has_room():
            self.again(self._waiting.popleft())

    def _has_room(self) -> bool:
        return len(self._opening) + len(self._connections) < self.limits.connections

    def _tick(self) -> None:
        now = self.loop.time()
        while self._waiting and (self._waiting[0].over or self._waiting[0].deadline <= now):
            self._waiting.popleft().fail(self._overloaded("for too long"))
        while self._idle and self._idle[0].idle_since + self.limits.idle <= now:
            self._idle.popleft().close(_closed())
        for connection in list(self._connections):
            exchange = connection.exchange
            if exchange is not None and exchange.deadline <= now:
                connection.close(UpstreamError("timeout", "it did not answer in time", str(self.origin)))
        active = self._waiting or self._connections or self._opening
        self._timer = self.loop.call_later(_TICK, self._tick) if active else None

    def _overloaded(self, what: str) -> UpstreamError:
        text = f"all {self.limits.connections} connections to it are busy {what}"
        return UpstreamError("overloaded", text, str(self.origin), retryable=True)

    def _unreachable(self, error: BaseException) -> UpstreamError:
        text = "cannot connect to it"
        if isinstance(error, ssl.SSLCertVerificationError):
            text += f": its certificate is not trusted ({error.verify_message})"
        elif isinstance(error, socket.gaierror):
            text += ": its name is not known"
        elif isinstance(error, TimeoutError):
            text += f" within {self.limits.connect:g} s"
        elif isinstance(error, ConnectionRefusedError):
            text += ": nothing listens there"
        return UpstreamError("unreachable", text, f"{self.origin}: {error!r}", retryable=True)


@cache
def _default_tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _closed() -> UpstreamError:
    return UpstreamError("closed", "the connection was closed by keepgate")
