"""The kill switch in a whole gateway: at once, for what is in flight too, and undone without a trace."""

from __future__ import annotations

import asyncio
from typing import Any

from keepgate.model.quarantine import Held, Hold
from keepgate.protocol import jsonrpc
from tests.gateway.lab import ALICE, BOB, Pipe, ask, gateway_of
from tests.gateway.test_fastlane import call as simple
from tests.gateway.test_fastlane import ready, server
from tests.gateway.test_review import alone, handshake_server, tool_server

TOOL = {"name": "t", "inputSchema": {"type": "object"}}
OTHER = {"name": "u", "inputSchema": {"type": "object"}}
ALL = {"key:alice": ["*/*"], "key:bob": ["*/*"]}


def held(*targets: str) -> Held:
    return Held(tuple(Hold(target, "test", 0.0) for target in targets))


async def call(gateway: Any, name: str, who: Any = ALICE) -> str:
    result = (await ask(gateway, who, "tools/call", {"name": name, "arguments": {}}))["result"]
    return result["content"][0]["text"] if result.get("isError") else "fine"


async def names(gateway: Any) -> list[str]:
    return [tool["name"] for tool in (await ask(gateway, ALICE, "tools/list"))["result"]["tools"]]


@alone
async def test_a_server_a_tool_a_principal_everything():
    servers = {"a": tool_server(TOOL, OTHER), "b": tool_server(TOOL)}
    gateway, log = gateway_of(servers, ALL)
    assert await names(gateway) == ["a_t", "a_u", "b_t"]
    gateway.use_quarantine(held("server:a"))
    assert await names(gateway) == ["b_t"]
    assert "quarantined" in await call(gateway, "a_t")
    assert await call(gateway, "b_t") == "fine"
    gateway.use_quarantine(held("tool:a/t"))
    assert await names(gateway) == ["a_u", "b_t"]
    assert "it is quarantined" in await call(gateway, "a_t")
    assert await call(gateway, "a_u") == "fine"
    gateway.use_quarantine(held("principal:key:alice"))
    assert "this principal is quarantined" in await call(gateway, "b_t")
    assert await call(gateway, "b_t", BOB) == "fine"
    gateway.use_quarantine(held("all"))
    assert "everything is quarantined" in await call(gateway, "b_t", BOB)
    gateway.use_quarantine(held())
    assert await names(gateway) == ["a_t", "a_u", "b_t"]
    assert await call(gateway, "a_t") == "fine"
    events = [entry.reason for entry in log.entries if entry.method == "quarantine.changed"]
    assert events == ["server:a", "tool:a/t", "principal:key:alice", "all", "nothing is quarantined"]


@alone
async def test_a_call_in_flight_to_a_quarantined_server_ends_at_once():
    server = handshake_server()
    gateway, _ = gateway_of({"a": server}, ALL)
    pipe = Pipe(gateway, ALICE)
    await pipe.initialize()
    pipe.say(jsonrpc.request(1, "tools/call", {"name": "a_slow", "arguments": {}}))
    await pipe.until(lambda: server.asked("tools/call"))
    gateway.use_quarantine(held("server:a"))
    answer = await pipe.until(lambda: pipe.answer(1), 1.0)
    assert "quarantined" in str(answer)
    await pipe.until(lambda: server.alive == 0, 1.0)


@alone
async def test_a_call_in_flight_to_a_quarantined_tool_ends_at_once_and_another_goes_on():
    fake = tool_server(TOOL, OTHER, tools_call=lambda _: None)
    gateway, log = gateway_of({"a": fake}, ALL)
    asking = asyncio.ensure_future(call(gateway, "a_t"))
    other = asyncio.ensure_future(call(gateway, "a_u"))
    while len(fake.asked("tools/call")) < 2:
        await asyncio.sleep(0.005)
    gateway.use_quarantine(held("tool:a/t"))
    assert "it is quarantined" in await asyncio.wait_for(asking, 1)
    (ended,) = [entry for entry in log.entries if entry.method == "upstream.failed"]
    assert "it is quarantined" in ended.reason
    sent = {one["params"]["name"]: one["id"] for one in fake.asked("tools/call")}
    await asyncio.sleep(0)
    assert [one["params"]["requestId"] for one in fake.asked("notifications/cancelled")] == [sent["t"]]
    channel = fake.channels[-1]
    for name in ("t", "u"):
        reply = {"resultType": "complete", "content": []}
        channel.say({"jsonrpc": "2.0", "id": sent[name], "result": reply})
    assert await asyncio.wait_for(other, 1) == "fine"


@alone
async def test_a_call_on_the_fast_lane_to_a_quarantined_tool_ends_at_once():
    fake = server(call=lambda _: None)
    gateway, _ = await ready(fake)
    answers = [simple(gateway, "a_t"), simple(gateway, "a_t")]
    assert len(gateway.http.lane.running) == 2
    gateway.use_quarantine(held("tool:b/t", "tool:a/other"))
    assert len(gateway.http.lane.running) == 2
    gateway.use_quarantine(held("tool:a/t"))
    assert not gateway.http.lane.running
    assert all("it is quarantined" in str(answer.body) for answer in answers)


@alone
async def test_nothing_is_started_for_a_quarantined_server():
    server = tool_server(TOOL)
    gateway, _ = gateway_of({"a": server}, ALL)
    gateway.use_quarantine(held("server:a"))
    await names(gateway)
    await call(gateway, "a_t")
    assert not server.channels
