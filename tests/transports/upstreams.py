"""What the tests of upstream channels share: both loops, a sink that remembers, waiting for a process to be gone."""

import asyncio
import contextlib
import contextvars
import functools
import inspect
import os
import select

import pytest

from tests.transports.http_peer import LOOPS, PATIENCE

_ending = contextvars.ContextVar("ending")


def at_end(close, *arguments):
    """Call and await this when the running test ends."""
    _ending.get().push_async_callback(close, *arguments)


def on_both_loops(test):
    """Run an async test on asyncio's loop and on uvloop; nothing may be reported to the loop meanwhile."""

    def run(loop, **fixtures):
        complaints = []

        async def main():
            asyncio.get_running_loop().set_exception_handler(
                lambda _loop, context: complaints.append(context)
            )
            async with asyncio.timeout(4 * PATIENCE), contextlib.AsyncExitStack() as stack:
                _ending.set(stack)
                await test(**fixtures)

        with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
            runner.run(main())
        assert complaints == []

    functools.update_wrapper(run, test)
    own = [inspect.Parameter("loop", inspect.Parameter.KEYWORD_ONLY)]
    run.__signature__ = inspect.Signature([*inspect.signature(test).parameters.values(), *own])
    return pytest.mark.parametrize("loop", LOOPS)(run)


class Recorder:
    """A sink: everything it hears, in order."""

    def __init__(self):
        self.heard = asyncio.Queue()

    def message(self, raw, event_id=None):
        self.heard.put_nowait(("message", raw, event_id))

    def opened(self, *, streaming):
        self.heard.put_nowait(("opened", streaming))

    def interrupted(self, retry_ms):
        self.heard.put_nowait(("interrupted", retry_ms))

    def closed(self, failure):
        self.heard.put_nowait(("closed", failure))

    async def next(self, kind):
        """What it heard next, which must be of this kind: the rest of it."""
        async with asyncio.timeout(PATIENCE):
            found, *rest = await self.heard.get()
        assert found == kind, (found, rest)
        return rest[0] if len(rest) == 1 else tuple(rest)

    async def message_next(self):
        return (await self.next("message"))[0]


async def started(connector, era="handshake"):
    """An open channel, closed when the test ends, and its sink."""
    sink, channel = Recorder(), connector.channel(era=era)
    await channel.open(sink)
    at_end(channel.close)
    return channel, sink


async def gone(*pids):
    """Until each of these processes has ended."""
    for pid in pids:
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        try:
            assert await asyncio.to_thread(poll.poll, PATIENCE * 1000), f"process {pid} lives on"
        finally:
            os.close(fd)
