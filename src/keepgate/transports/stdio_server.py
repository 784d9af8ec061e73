"""The stdio front: newline-delimited JSON on stdin and stdout, for clients that launch a command.

Reading and writing happen in two threads with blocking calls. So pipes, files and terminals all work, and the
descriptors stay blocking: O_NONBLOCK would reach every process that shares the terminal or pipe with us.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from typing import Final, Protocol

from keepgate.model.errors import RemoteError
from keepgate.protocol.framing import LineSplitter

_CHUNK: Final = 64 << 10
_HIGH: Final = 1 << 20
"""With more than this waiting for stdout, stdin is not read."""
_MOST: Final = 64 << 20
"""With more than this waiting, the client is given up."""
_FLUSH: Final = 5.0

Send = Callable[[bytes], bool]
"""Queue one line (without newline) for stdout; False when stdout is gone or too far behind."""


class LineHandler(Protocol):
    """What is on the other side of the front."""

    def receive(self, line: bytes) -> None:
        """One line, without its newline. Must not raise."""

    def failed(self, error: RemoteError) -> None:
        """A line was over the limit, so nobody can say where the next one begins. `closed` follows. Must not raise."""

    async def closed(self) -> None:
        """Stdin has ended or stdout is gone. What is sent until this returns is still written."""


async def serve_stdio(
    connect: Callable[[Send], LineHandler],
    *,
    limit: int = 4 << 20,
    descriptors: tuple[int, int] | None = None,
) -> None:
    """Serve until stdin ends or holds an overlong line, or stdout is gone; by default the process's own."""
    source, sink = descriptors or claim()
    reader = _Reader(source)
    writer = _Writer(sink, reader.end)
    handler = connect(writer.send)
    splitter = LineSplitter(limit)
    try:
        while data := await reader.read():
            for line in splitter.feed(data):
                handler.receive(line)
            await writer.room.wait()
    except RemoteError as error:
        handler.failed(error)
    finally:
        reader.stop()
        await handler.closed()
        await writer.close()


def claim() -> tuple[int, int]:
    """Take stdin and stdout for ourselves.

    From here on whatever else writes to descriptor 1, a stray print or a child process, lands on stderr, and whatever
    else reads descriptor 0 finds nothing.
    """
    source, sink = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return source, sink


class _Reader:
    """Reads one chunk ahead at most: the thread waits until the last one was taken."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, True)
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._chunks: asyncio.Queue[bytes] = asyncio.Queue()
        self._wanted = threading.Semaphore(0)
        self._stopped = False
        threading.Thread(target=self._run, name="keepgate-stdin", daemon=True).start()

    async def read(self) -> bytes:
        """The next chunk, or nothing at the end."""
        self._wanted.release()
        return await self._chunks.get()

    def end(self) -> None:
        """Make `read` answer that this is the end."""
        self._chunks.put_nowait(b"")

    def stop(self) -> None:
        """Let the thread go, unless it is inside a read: then it goes with the process."""
        self._stopped = True
        self._wanted.release()

    def _run(self) -> None:
        data = b"-"
        # The loop may be closed before the thread notices.
        with contextlib.suppress(RuntimeError):
            while data:
                self._wanted.acquire()
                if self._stopped:
                    return
                try:
                    data = os.read(self._descriptor, _CHUNK)
                except OSError:
                    data = b""
                self._loop.call_soon_threadsafe(self._chunks.put_nowait, data)


class _Writer:
    """Writes lines in order, as many at once as have gathered. What waits is counted on the loop's side."""

    def __init__(self, descriptor: int, on_gone: Callable[[], None]) -> None:
        os.set_blocking(descriptor, True)
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._on_gone = on_gone
        self._waiting = 0
        self._open = True
        self._ended = asyncio.Event()
        self._changed = threading.Condition()
        self._gathered = bytearray()
        self.room = asyncio.Event()
        self.room.set()
        threading.Thread(target=self._run, name="keepgate-stdout", daemon=True).start()

    def send(self, line: bytes) -> bool:
        """Queue one line."""
        if self._open and self._waiting > _MOST:
            self._gone()
        if not self._open:
            return False
        self._waiting += len(line) + 1
        if self._waiting > _HIGH:
            self.room.clear()
        with self._changed:
            self._gathered += line + b"\n"
            self._changed.notify()
        return True

    async def close(self) -> None:
        """Write what is queued, for a while."""
        with self._changed:
            self._open = False
            self._changed.notify()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), _FLUSH)

    def _gone(self) -> None:
        self._open = False
        self.room.set()
        self._on_gone()

    def _written(self, size: int) -> None:
        self._waiting -= size
        if self._waiting <= _HIGH:
            self.room.set()

    def _run(self) -> None:
        with contextlib.suppress(RuntimeError):
            try:
                while data := self._take():
                    rest = memoryview(data)
                    while rest:
                        rest = rest[os.write(self._descriptor, rest) :]
                    self._loop.call_soon_threadsafe(self._written, len(data))
            except OSError:
                self._loop.call_soon_threadsafe(self._gone)
            self._loop.call_soon_threadsafe(self._ended.set)

    def _take(self) -> bytearray:
        """What has gathered; nothing once there will be no more."""
        with self._changed:
            self._changed.wait_for(lambda: self._gathered or not self._open)
            data, self._gathered = self._gathered, bytearray()
            return data
