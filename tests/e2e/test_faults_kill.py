"""`kill -9` of keepgate under load: whatever a client got, and whatever a server was asked, is in the record."""

import asyncio
import contextlib

import pytest
from mcp import Client

from tests.e2e.client import FRONTS, conversation
from tests.e2e.faults import failed, records, started_again, verified, with_tools
from tests.e2e.gate import gate_before
from tests.e2e.upstreams.start import over_http, over_stdio

ENOUGH = 250
"""Replies before the kill."""
NAMES = [f"tool{number}" for number in range(1500)]
"""Each is called once in a test, so that its records can be told apart."""
PAIRINGS = [
    ("handshake", "hs-http"),
    ("handshake", "hs-stdio"),
    ("stateless", "sl-http"),
    ("stateless", "hs-http"),
]


class Load:
    """Clients that call until keepgate is gone."""

    def __init__(self, gate):
        self.gate = gate
        self.names = iter(NAMES)
        self.answered = set()

    def note(self, name):
        self.answered.add(name)
        if len(self.answered) == ENOUGH:
            self.gate.process.process.kill()

    async def raw(self, era, server):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError):
            client = await FRONTS[era](self.gate.mount(server)).initialize()
            for name in self.names:
                reply = await client.tool(name)
                assert not failed(reply), reply
                self.note(name)

    async def sdk(self, mode, server):
        with contextlib.suppress(Exception):
            async with Client(self.gate.mount(server), mode=mode) as client:
                for name in self.names:
                    result = await client.call_tool(name, {}, read_timeout_seconds=5)
                    assert not result.is_error
                    self.note(name)

    async def run(self):
        clients = [self.raw(era, server) for era, server in PAIRINGS * 2]
        clients += [self.sdk("legacy", "hs-http"), self.sdk("2026-07-28", "sl-http")]
        await asyncio.gather(*(asyncio.wait_for(client, 60) for client in clients))
        assert len(self.answered) >= ENOUGH, self.gate.process.output()


@conversation
async def under_load(load):
    await load.run()


@conversation
async def one_more(gate, name):
    client = await FRONTS["handshake"](gate.mount("hs-stdio")).initialize()
    assert not failed(await client.tool(name))


def named(found, direction, kind):
    return {
        record["name"]: record
        for record in found
        if (record["direction"], record["kind"]) == (direction, kind)
    }


@pytest.mark.parametrize("durability", ["batch", "sync"])
def test_after_kill_9_under_load_every_reply_and_every_forwarded_call_is_in_a_log_that_verifies(
    tmp_path, durability
):
    handshake, stateless = with_tools(*NAMES), with_tools(*NAMES, era="stateless")
    with over_http(tmp_path, "hs-http", handshake) as one, over_http(tmp_path, "sl-http", stateless) as two:
        upstreams = [one, two, over_stdio(tmp_path, "hs-stdio", handshake)]
        with gate_before(tmp_path, upstreams, durability=durability) as gate:
            load = Load(gate)
            under_load(load)
            assert gate.process.process.wait(10) == -9
        reached = {
            message["params"]["name"]
            for upstream in upstreams
            for message in upstream.record.messages("tools/call")
        }
        verified(tmp_path)
        found = records(tmp_path)
        asked, got = named(found, "to_server", "request"), named(found, "to_client", "result")
        assert load.answered <= set(asked), "a reply whose call is not recorded"
        assert load.answered <= set(got), "a reply that is not recorded"
        assert reached <= set(asked), "a call reached its server without a record"
        assert not [name for name in load.answered if asked[name]["trace"] != got[name]["trace"]]
        assert {asked[name]["verdict"]["effect"] for name in reached} == {"allow"}

        # The next start goes on where the log was cut off.
        with started_again(tmp_path) as again:
            one_more(gate, next(load.names))
            assert again.stop() == 0
        verified(tmp_path)
