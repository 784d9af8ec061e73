"""A server that is a process of ours: one JSON text a line on its stdin and stdout, free text on its stderr.

It runs below `reaper`, in a session and process group of its own, and cannot outlive us: the reaper kills what is left
of it when we close the leash or are killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

from keepgate.model.errors import RemoteError, UpstreamError
from keepgate.ports import Sink, Stream
from keepgate.protocol.framing import LineSplitter
from keepgate.transports import orphans, reaper
from keepgate.transports.conceal import NOTHING, Conceal
from keepgate.transports.sandbox.launch import Containment, Launch, Start, way_out
from keepgate.transports.sandbox.proxy import Proxy
from keepgate.transports.server_env import environment, program
from keepgate.transports.stderr_tail import Report, StderrTail, printable

_REAPER: Final = (sys.executable, "-I", "-S", str(Path(reaper.__file__).absolute()))
_OUT: Final = 1
_LINGER: Final = 1.0
"""Seconds that a process may live on after it closed its stdout or was killed."""


@dataclass(frozen=True, slots=True)
class StdioLimits:
    """Bounds on what a server process controls: bytes, counts, seconds."""

    line: int = 16 << 20
    queued: int = 16 << 20
    """Bytes written to it that it has not read."""
    garbage: int = 20
    """Lines in a row on stdout that are no JSON objects."""
    term_after: float = 2.0
    """From closing its stdin to SIGTERM."""
    kill_after: float = 3.0
    """From SIGTERM to SIGKILL."""


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What to run. `on_stderr` gets lines it writes there, `on_garbage` those on stdout that are no messages.

    `conceal` takes the secrets among `env` out of all that it writes.
    """

    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    pass_env: Sequence[str] = ()
    cwd: str | None = None
    containment: Containment | None = None
    """None: it runs with all of the user's rights."""
    limits: StdioLimits = StdioLimits()
    conceal: Conceal = NOTHING
    on_stderr: Report = lambda _line: None
    on_garbage: Report = lambda _line: None


class ProcessChannel:
    """Implements ports.Channel, duplex. Not started again: that is for whoever opens channels."""

    duplex = True
    session_id = ""

    def __init__(self, spec: ProcessSpec) -> None:
        self._spec = spec
        self._process: _Process | None = None

    async def open(self, sink: Sink) -> None:
        """Start the process. It may still end at once: then the sink hears `closed`."""
        spec = self._spec
        mark = secrets.token_hex(16)
        env = environment(os.environ, spec.pass_env, spec.env) | {orphans.MARK: mark}
        words = spec.command
        if spec.containment is not None:
            words = await spec.containment.command(words, spec.env)
        file = program(words, env, spec.cwd)
        launch = _launch(spec, file, words[1:], env)
        held, leash = os.pipe()
        process = _Process(spec, sink, leash, mark)
        process.gone = launch.forget
        try:
            await process.loop.subprocess_exec(
                lambda: process,
                *_REAPER,
                str(held),
                launch.plan,
                *launch.command,
                env=launch.env,
                cwd=spec.cwd,
                start_new_session=True,
                pass_fds=(held, *launch.fds),
            )
            self._process = process
            process.way_out = way_out(spec.containment, launch)
        except OSError as error:
            text = f"the command `{spec.command[0]}` cannot be started"
            raise UpstreamError("unreachable", text, repr(error), retryable=True) from None
        finally:
            os.close(held)
            launch.close()
            if self._process is None:
                process.release()
                launch.forget()

    def request(self, payload: bytes, headers: Mapping[str, str], sink: Sink) -> Stream:
        """Write a request."""
        try:
            self._write(payload)
        except UpstreamError as error:
            asyncio.get_running_loop().call_soon(sink.closed, error)
        return _SENT

    async def notify(self, payload: bytes, headers: Mapping[str, str]) -> None:
        """Write a notification or a response."""
        self._write(payload)

    def listen(self, headers: Mapping[str, str]) -> None:
        """Everything comes on stdout already."""

    async def close(self) -> None:
        """Close its stdin, then SIGTERM, then SIGKILL for all that it started. The sink is not told."""
        if self._process is not None:
            await self._process.shut()

    def kill(self) -> None:
        """End it at once, with all that it started."""
        if self._process is not None:
            self._process.release()

    def _write(self, payload: bytes) -> None:
        if self._process is None:
            raise UpstreamError("closed", "the server process is not running", retryable=True)
        if b"\n" in payload or b"\r" in payload:
            raise UpstreamError("protocol", "a message with a line break cannot be sent on stdio")
        self._process.write(payload)


def _launch(spec: ProcessSpec, file: str, words: Sequence[str], env: dict[str, str]) -> Launch:
    """What to start. Raises UpstreamError if it cannot be contained as wanted."""
    start = Start(file, words, env, Path(spec.cwd or ".").absolute(), spec.env)
    if spec.containment is None:
        return Launch("-", [file, *start.words], env)
    return spec.containment.launch(start)


class _Sent:
    """A request that was written; its answer comes on the common stream."""

    def cancel(self) -> None:
        """Nothing to stop: cancelling is a message of its own."""

    def finished(self) -> None:
        """Nothing is held for it."""


_SENT: Final = _Sent()


class _Process(asyncio.SubprocessProtocol):
    """The reaper with the server below it."""

    def __init__(self, spec: ProcessSpec, sink: Sink, leash: int, mark: str) -> None:
        self.loop = asyncio.get_running_loop()
        self._spec = spec
        self._sink: Sink | None = sink
        self._leash = leash
        self._mark = mark
        self._splitter = LineSplitter(spec.limits.line)
        self._stderr = StderrTail(spec.on_stderr, self.loop.time, spec.conceal)
        self._garbage = 0
        self._failure: UpstreamError | None = None
        self._gone = asyncio.Event()
        self.gone: Callable[[], None] = lambda: None
        """Called when nothing of it is left."""
        self.way_out: Proxy | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self._group = self._transport.get_pid()
        self._stdin = cast("asyncio.WriteTransport", self._transport.get_pipe_transport(0))

    def write(self, payload: bytes) -> None:
        """Queue one line. Raises UpstreamError."""
        if self._failure is not None:
            raise self._failure
        if self._stdin.is_closing():
            # Most likely it ends: then its status and stderr are the better reason, and they come at once.
            deaf = UpstreamError("closed", "the server process no longer reads", retryable=True)
            self.loop.call_later(_LINGER, self._fail, deaf)
            return
        if self._stdin.get_write_buffer_size() + len(payload) > self._spec.limits.queued:
            raise UpstreamError(
                "overloaded", "the server process does not read what it is sent", retryable=True
            )
        self._stdin.write(payload + b"\n")

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd != _OUT:
            self._stderr.feed(data)
            return
        if self._failure is not None:
            return
        try:
            for line in self._splitter.feed(data):
                self._line(line)
        except RemoteError as error:
            self._fail(UpstreamError("too-large", f"the server process wrote a {error.public}"))

    def _line(self, line: bytes) -> None:
        if self._spec.conceal:
            line = self._spec.conceal(line)
        if line.lstrip()[:1] in (b"{", b"["):
            self._garbage = 0
            if self._sink is not None:
                self._sink.message(line)
            return
        self._garbage += 1
        text, shown = "the server process writes what is no message to stdout", f"`{printable(line, 200)}`"
        self._spec.on_garbage(f"{text}: {shown}")
        if self._garbage >= self._spec.limits.garbage:
            self._fail(UpstreamError("protocol", text, shown))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == _OUT:
            closed = UpstreamError("closed", "the server process closed its stdout")
            self.loop.call_later(_LINGER, self._fail, closed)

    def process_exited(self) -> None:
        """The reaper has ended. What it could not kill may still hold the pipes."""
        if (self._transport.get_returncode() or 0) < 0:  # it was killed itself: some of its group may live on
            self._signal(signal.SIGKILL)
            orphans.kill(self._mark)
        self.loop.call_later(_LINGER, self._exited)

    def connection_lost(self, exc: Exception | None) -> None:
        """And all that was written has been read."""
        self._transport.close()
        self._gone.set()
        self.gone()
        if self.way_out is not None:
            self.way_out.close()
        self._exited()

    def _exited(self) -> None:
        text = f"the server process ended with status {self._transport.get_returncode()}"
        self._fail(UpstreamError("closed", text, f"stderr: {self._stderr.tail()}"))

    def _fail(self, failure: UpstreamError) -> None:
        """It cannot be used any more: kill what is left of it."""
        self.release()
        if self._failure is None:
            self._failure = failure
            if self._sink is not None:
                self._sink.closed(failure)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._group, number)

    def release(self) -> None:
        """Close the leash: the reaper kills everything below it."""
        if self._leash >= 0:
            os.close(self._leash)
            self._leash = -1

    async def _ended(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._gone.wait()
        return self._gone.is_set()

    async def shut(self) -> None:
        """End the process: politely, then firmly."""
        self._sink = None
        limits = self._spec.limits
        try:
            self._stdin.close()
            if await self._ended(limits.term_after):
                return
            self._signal(signal.SIGTERM)
            await self._ended(limits.kill_after)
        finally:
            self.release()
        if not await self._ended(_LINGER):
            self._signal(signal.SIGKILL)
            self._transport.close()
