"""Group commit: one thread brings the log to stable storage for all who wait, as often as the disk lets it.

There is no timer: whoever comes while the disk works is served by its next turn. A thread of its own, because handing
work to a pool costs more CPU than the disk does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock, Thread

from keepgate.model.errors import AuditError

Turn = list["asyncio.Future[None]"]
"""Who came to wait in one turn of a loop."""


class Syncer:
    """Calls `commit` from its thread, which starts with the first who waits. `commit` raises AuditError."""

    def __init__(self, commit: Callable[[], None]) -> None:
        self._commit = commit
        self._waiting: SimpleQueue[Turn | None] = SimpleQueue()
        self._turn: tuple[asyncio.AbstractEventLoop, Turn] | None = None
        self._starting = Lock()
        self._thread: Thread | None = None

    async def wait(self) -> None:
        """Return after a commit that began after this call. Raises AuditError."""
        if self._thread is None:
            self._start()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        if self._turn is not None and self._turn[0] is loop:
            self._turn[1].append(done)
        else:
            self._turn = (loop, [done])
            # Else the disk would begin with the first record of many that are written in this turn.
            loop.call_soon(self._submit, self._turn)
        await done

    def _submit(self, turn: tuple[asyncio.AbstractEventLoop, Turn]) -> None:
        if self._turn is turn:
            self._turn = None
        self._waiting.put(turn[1])

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = Thread(target=self._run, name="audit-sync", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Serve who waits already, and end the thread."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()

    def _run(self) -> None:
        ended = False
        while not ended:
            turns = self._turns()
            ended = None in turns
            if waiting := [done for turn in turns if turn for done in turn]:
                self._serve(waiting)

    def _turns(self) -> list[Turn | None]:
        """All that wait, at least one; None is among them once the end has come."""
        turns = [self._waiting.get()]
        with suppress(Empty):
            while True:
                turns.append(self._waiting.get_nowait())
        return turns

    def _serve(self, waiting: Turn) -> None:
        failure = None
        try:
            self._commit()
        except AuditError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - who waits must be told, and it must not look like success
            failure = AuditError("audit-sync", "the audit log could not be synced", str(error))
        loops: dict[asyncio.AbstractEventLoop, Turn] = {}
        for done in waiting:
            loops.setdefault(done.get_loop(), []).append(done)
        for loop, futures in loops.items():
            with suppress(RuntimeError):  # that loop is closed, and nobody waits there any more
                loop.call_soon_threadsafe(_tell, futures, failure)


def _tell(futures: Turn, failure: AuditError | None) -> None:
    for done in futures:
        if done.done():  # its waiter was cancelled
            continue
        if failure is None:
            done.set_result(None)
        else:
            done.set_exception(AuditError(failure.code, failure.public, failure.private))
