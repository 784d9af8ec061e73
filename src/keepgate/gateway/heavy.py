"""Large messages are looked at beside the event loop: in one thread, one after the other, with detectors of its own.

Nothing is decided there. What was seen is put with the message, and the content guard takes it instead of looking. A
look that fails leaves nothing behind, so the guard looks itself and the chain denies what it cannot bear. Whoever waits
may go away: the look under way ends, those behind it are not begun.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol

from keepgate.model.exchange import Exchange
from keepgate.model.message import Direction, Message

BIG: Final = 64 * 1024
"""Bytes on the wire from which on a message is not looked at on the loop."""
WAITING: Final = 64
"""Large notifications of one call that may wait for their turn."""

Look = Callable[[Message, Direction], Any]


class Looker(Protocol):
    """The content guard."""

    def apart(self) -> Look:
        """A look that shares nothing with the guard's own, for another thread."""


class Heavy:
    """The thread that looks."""

    def __init__(self, looker: Looker) -> None:
        self._looker = looker
        self._look: Look | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="keepgate-look")

    async def foresee(self, message: Message, direction: Direction) -> None:
        """Put what is seen in the message with it."""
        loop = asyncio.get_running_loop()
        message.seen = await loop.run_in_executor(self._pool, self._try, message, direction)

    def _try(self, message: Message, direction: Direction) -> Any:
        try:
            if self._look is None:
                self._look = self._looker.apart()
            return self._look(message, direction)
        except Exception:  # noqa: BLE001 - the guard looks itself then, and what it raises denies
            return None

    def close(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class Enforcer(Protocol):
    """The part of `gateway.enforce.Enforcer` that is used here."""

    async def foresee(self, exchange: Exchange) -> None: ...

    def note(self, name: str, reason: str, *, server: str = "") -> None: ...

    def mishap(self, error: Exception, principal: str) -> None: ...


class Turns:
    """What follows a large notification of a call waits for it, so that everything arrives in its order."""

    __slots__ = ("_enforcer", "_last", "_server", "_waiting")

    def __init__(self, enforcer: Enforcer, server: str) -> None:
        self._enforcer = enforcer
        self._server = server
        self._last: asyncio.Task[None] | None = None
        self._waiting = 0

    def take(self, exchange: Exchange, go: Callable[[], None]) -> None:
        """Have it looked at, and let it go after everything before it; dropped if too much waits already."""
        if self._waiting >= WAITING:
            why = "too many notifications behind a large one"
            self._enforcer.note("upstream.dropped", why, server=self._server)
            return
        self._waiting += 1
        self._last = asyncio.get_running_loop().create_task(self._turn(self._last, exchange, go))

    async def _turn(
        self, before: asyncio.Task[None] | None, exchange: Exchange, go: Callable[[], None]
    ) -> None:
        try:
            if before is not None:
                await asyncio.wait((before,))
            await self._enforcer.foresee(exchange)
            go()
        except Exception as error:  # noqa: BLE001 - what comes after it must have its turn
            self._enforcer.mishap(error, exchange.principal.id)
        finally:
            self._waiting -= 1

    async def over(self) -> None:
        """Everything that was taken has been done."""
        if self._last is not None:
            await asyncio.wait((self._last,))
