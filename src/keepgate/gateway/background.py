"""Background tasks that are held until they end: asyncio itself keeps only weak references."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class Background:
    """The running tasks of one owner."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run it in the background."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def cancel(self) -> None:
        """End what runs, now."""
        for task in list(self._running):
            task.cancel()

    async def drain(self, seconds: float) -> None:
        """Wait for what runs, then cancel the rest."""
        if self._running:
            await asyncio.wait(list(self._running), timeout=seconds)
        self.cancel()
