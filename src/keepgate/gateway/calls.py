"""The calls of one process that run the long way, and their end before the server has answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from keepgate.model.errors import UpstreamError
from keepgate.model.exchange import Exchange

Unfit = Callable[[str, str, str], str]
"""Why a call by this principal at this server of this name must end, in public words; empty if it may go on."""


def why_unfit(asked: Exchange, unfit: Unfit) -> str:
    """The same for a running call."""
    return unfit(asked.principal.id, asked.server, asked.resource.name if asked.resource is not None else "")


@dataclass(slots=True, eq=False)
class _Call:
    asked: Exchange
    task: asyncio.Task[object]
    why: str = ""


class Calls:
    """Those that a task runs; the others are on the fast lane."""

    def __init__(self) -> None:
        self._running: set[_Call] = set()

    @contextmanager
    def running(self, asked: Exchange) -> Iterator[None]:
        """Around a call that was let through. Raises UpstreamError if it was ended by `end`."""
        task = asyncio.current_task()
        if task is None:
            yield
            return
        call = _Call(asked, task)
        self._running.add(call)
        try:
            yield
        except asyncio.CancelledError:
            if not call.why:
                raise
            task.uncancel()
            raise UpstreamError("closed", call.why) from None
        finally:
            self._running.discard(call)

    def end(self, unfit: Unfit) -> None:
        """End the calls that must not go on: the server is told, and the caller why."""
        for call in list(self._running):
            if not call.why and (why := why_unfit(call.asked, unfit)):
                call.why = why
                call.task.cancel()
