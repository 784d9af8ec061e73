"""Processes that wait: used once, bounded, ended with what they belong to."""

import asyncio
import json
import os
import sys
from functools import partial

import pytest

from keepgate.model.errors import UpstreamError
from keepgate.transports import warm
from keepgate.transports.upstream_stdio import ProcessChannel, ProcessSpec
from keepgate.transports.warm import WarmConnector
from tests.transports.upstreams import gone, on_both_loops, started

TELL = """
import os, sys, json
print(json.dumps({'pid': os.getpid()}), flush=True)
for line in sys.stdin: print(line, flush=True)
"""
FLOOD = "import sys\nfor _ in range(200): print('{}', flush=True)\nsys.stdin.read()"


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr(warm, "PAUSE", 0.0)


def pool(program=TELL, most=1):
    return WarmConnector(
        partial(ProcessChannel, ProcessSpec([sys.executable, "-I", "-S", "-c", program])), most
    )


async def ready(connector, count):
    async with asyncio.timeout(20):
        while len(connector._spare) < count or not all(waiting._kept for _, waiting in connector._spare):
            await asyncio.sleep(0.01)


async def ended(connector):
    """Closed, and nothing is being started any more."""
    connector.close()
    if connector._filling is not None:
        await connector._filling
    assert not connector._spare


async def pid_of(sink):
    return json.loads(await sink.message_next())["pid"]


@on_both_loops
async def test_the_next_one_is_there_already_and_is_nobody_elses():
    connector = pool()
    _, first = await started(connector)
    await ready(connector, 1)
    spare = connector._spare[0]
    channel, second = await started(connector)
    assert channel._channel is spare[0]
    pids = {await pid_of(first), await pid_of(second)}
    assert len(pids) == 2
    channel.request(b'{"id": 1}', {}, second)
    assert json.loads(await second.message_next()) == {"id": 1}
    await ready(connector, 1)
    await ended(connector)


@on_both_loops
async def test_there_are_never_more_than_wanted_and_they_end_with_the_connector():
    connector = pool(most=2)
    for _ in range(3):
        await started(connector)
        await ready(connector, 2)
        assert len(connector._spare) == 2
    pids = [json.loads(waiting._kept[0])["pid"] for _, waiting in connector._spare]
    await ended(connector)
    for pid in pids:
        await gone(pid)
    assert not connector._spare


@on_both_loops
async def test_one_that_died_is_not_handed_out():
    connector = pool()
    await started(connector)
    await ready(connector, 1)
    pid = json.loads(connector._spare[0][1]._kept[0])["pid"]
    os.kill(pid, 9)
    async with asyncio.timeout(20):
        while not connector._spare[0][1].ended:
            await asyncio.sleep(0.01)
    _, sink = await started(connector)
    assert await pid_of(sink) != pid
    await ended(connector)


# uvloop may be closed before it has let go of a process that another killed, and then complains.
test_one_that_died_is_not_handed_out.pytestmark = [pytest.mark.parametrize("loop", ["asyncio"])]


@on_both_loops
async def test_one_that_says_too_much_before_it_is_asked_is_ended():
    connector = pool(FLOOD)
    await started(connector)
    async with asyncio.timeout(20):
        while not (connector._spare and connector._spare[0][1].ended):
            await asyncio.sleep(0.01)
    await ended(connector)


@on_both_loops
async def test_a_command_that_cannot_be_started_fails_as_ever():
    connector = WarmConnector(partial(ProcessChannel, ProcessSpec(["/nonexistent/program"])), 2)
    with pytest.raises(UpstreamError):
        await started(connector)
    await ended(connector)
