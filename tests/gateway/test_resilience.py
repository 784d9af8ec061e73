"""Servers that die, hang, forget, or turn out to be others: healed where nothing is lost, said honestly where it is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from keepgate.gateway import upstream as upstreams
from keepgate.gateway.settings import Limits, ServerSettings
from keepgate.model.errors import UpstreamError
from keepgate.protocol import jsonrpc
from tests.gateway.lab import (
    ALICE,
    BOB,
    FakeServer,
    Heard,
    Pipe,
    ask,
    discovered,
    gateway_of,
    initialized,
    stateless,
)
from tests.gateway.test_review import ALL, alone, handshake_server, tool_server

TOOL = {"name": "t", "inputSchema": {"type": "object"}}
LOST = UpstreamError("session-lost", "gone", status=404, retryable=True)
DEAD = UpstreamError("closed", "it died")


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def session_server(**capabilities: Any) -> FakeServer:
    """A handshake server over HTTP that answers what sets a state."""

    def reply(method: str, params: dict[str, Any]) -> Any:
        return None if method == "tools/call" else {}

    server = handshake_server(reply, logging={}, resources={"subscribe": True}, **capabilities)
    server.duplex = False
    return server


# A forgotten session


@alone
async def test_a_forgotten_session_is_told_again_what_it_was_told():
    server = session_server()
    gateway, log = gateway_of({"a": server}, ALL)
    pipe = Pipe(gateway, ALICE)
    await pipe.initialize()
    pipe.say(jsonrpc.request(1, "logging/setLevel", {"level": "warning"}))
    for number, uri in ((2, "x://1"), (3, "x://2"), (4, "x://3")):
        pipe.say(jsonrpc.request(number, "resources/subscribe", {"uri": uri}))
    await pipe.until(lambda: pipe.answer(4))
    pipe.say(jsonrpc.request(5, "resources/unsubscribe", {"uri": "x://2"}))
    await pipe.until(lambda: pipe.answer(5))

    pipe.say(jsonrpc.request(6, "tools/call", {"name": "a_slow"}))
    await pipe.until(lambda: server.asked("tools/call"))
    server.channels[0].calls[-1].closed(LOST)
    await pipe.until(lambda: len(server.asked("tools/call")) == 2)
    await pipe.until(lambda: len(pipe.heard("notifications/resources/updated")) == 2)

    again = server.channels[1].sent
    methods = [sent["method"] for sent in again]
    assert methods[:3] == ["initialize", "notifications/initialized", "logging/setLevel"]
    assert [sent["params"]["level"] for sent in again if sent["method"] == "logging/setLevel"] == ["warning"]
    renewed = [sent["params"]["uri"] for sent in again if sent["method"] == "resources/subscribe"]
    assert sorted(renewed) == ["x://1", "x://3"]
    told = [m["params"]["uri"] for m in pipe.heard("notifications/resources/updated")]
    assert sorted(told) == ["x://1", "x://3"], "what changed in between may have been missed"
    assert server.channels[0].ended, "the old session's streams are ended"
    assert "upstream.lost" in log.methods()


@alone
async def test_what_a_new_session_refuses_to_be_told_is_recorded_and_fails_nothing():
    server = session_server()
    gateway, log = gateway_of({"a": server}, ALL)
    pipe = Pipe(gateway, ALICE)
    await pipe.initialize()
    pipe.say(jsonrpc.request(1, "logging/setLevel", {"level": "warning"}))
    pipe.say(jsonrpc.request(2, "resources/subscribe", {"uri": "x://1"}))
    await pipe.until(lambda: pipe.answer(2))
    plain = server.reply
    error = {"code": -32603, "message": "not now"}
    server.reply = lambda method, params: (
        error if method in ("logging/setLevel", "resources/subscribe") else plain(method, params)
    )
    pipe.say(jsonrpc.request(3, "tools/call", {"name": "a_slow"}))
    await pipe.until(lambda: server.asked("tools/call"))
    server.channels[0].calls[-1].closed(LOST)
    await pipe.until(lambda: len(server.asked("tools/call")) == 2)
    await settle()
    refused = [e.reason for e in log.entries if e.method == "upstream.dropped"]
    assert [r for r in refused if "logging/setLevel" in r]
    assert [r for r in refused if "resources/subscribe" in r]
    assert not pipe.heard("notifications/resources/updated")


@alone
async def test_a_call_in_flight_when_its_process_dies_is_not_repeated():
    server = handshake_server()
    gateway, _ = gateway_of({"a": server}, ALL)
    pipe = Pipe(gateway, ALICE)
    await pipe.initialize()
    pipe.say(jsonrpc.request(1, "tools/call", {"name": "a_slow"}))
    await pipe.until(lambda: server.asked("tools/call"))
    server.channels[0].sink.closed(DEAD)
    answer = await pipe.until(lambda: pipe.answer(1))
    assert answer["result"]["isError"]
    assert "it died" in answer["result"]["content"][0]["text"]
    await settle()
    assert len(server.asked("tools/call")) == 1


# Lists have no side effects


@pytest.mark.parametrize("make", [tool_server, handshake_server])
@alone
async def test_a_list_is_asked_for_again_if_the_process_dies_over_it(make):
    server = make()
    plain, dying = server.reply, [True]

    def reply(method: str, params: dict[str, Any]) -> Any:
        if method == "tools/list" and dying:
            dying.pop()
            server.channels[-1].sink.closed(DEAD)
            return None
        return plain(method, params)

    server.reply = reply
    gateway, _ = gateway_of({"a": server}, ALL)
    assert "result" in await ask(gateway, ALICE, "tools/list")
    assert len(server.asked("tools/list")) == 2


@alone
async def test_a_list_is_not_asked_for_a_third_time():
    server = tool_server()
    plain = server.reply

    def reply(method: str, params: dict[str, Any]) -> Any:
        if method == "tools/list":
            server.channels[-1].sink.closed(DEAD)
            return None
        return plain(method, params)

    server.reply = reply
    gateway, _ = gateway_of({"a": server}, ALL)
    assert (await ask(gateway, ALICE, "tools/list", mount="a"))["error"]["code"] == jsonrpc.UNAVAILABLE
    assert len(server.asked("tools/list")) == 2


@alone
async def test_many_who_list_at_once_cost_the_server_one_list_and_count_as_calls():
    server = tool_server()
    plain, hold = server.reply, [True]
    server.reply = lambda method, params: None if method == "tools/list" and hold else plain(method, params)
    gateway, _ = gateway_of({"a": server}, ALL, limits=Limits(concurrent_calls=20))
    await ask(gateway, ALICE, "server/discover")
    asking = [asyncio.create_task(ask(gateway, who, "tools/list")) for who in (ALICE, BOB) for _ in range(20)]
    while not server.asked("tools/list"):
        await asyncio.sleep(0.005)
    await settle()
    over = await ask(gateway, ALICE, "tools/list")
    assert "in flight" in over["error"]["message"]
    (sent,) = server.asked("tools/list")
    server.channels[0].say(jsonrpc.result(sent["id"], {"resultType": "complete", "tools": [TOOL]}))
    for answer in await asyncio.gather(*asking):
        assert [tool["name"] for tool in answer["result"]["tools"]] == ["a_t"]
    hold.clear()
    assert "result" in await ask(gateway, ALICE, "tools/list"), "they count no longer"


@alone
async def test_a_shared_list_is_cancelled_when_the_last_who_asked_has_gone():
    server = tool_server()
    plain = server.reply
    server.reply = lambda method, params: None if method == "tools/list" else plain(method, params)
    gateway, _ = gateway_of({"a": server}, ALL)
    asking = [asyncio.create_task(ask(gateway, ALICE, "tools/list")) for _ in range(2)]
    while not server.asked("tools/list"):
        await asyncio.sleep(0.005)
    asking[0].cancel()
    await settle()
    assert not server.asked("notifications/cancelled")
    asking[1].cancel()
    await settle()
    (cancelled,) = server.asked("notifications/cancelled")
    assert cancelled["params"]["requestId"] == server.asked("tools/list")[0]["id"]


@alone
async def test_who_lists_after_a_change_was_announced_does_not_get_the_list_from_before():
    server = tool_server()
    plain = server.reply
    server.reply = lambda method, params: None if method == "tools/list" else plain(method, params)
    gateway, _ = gateway_of({"a": server}, ALL)
    early = asyncio.create_task(ask(gateway, ALICE, "tools/list"))
    while not server.asked("tools/list"):
        await asyncio.sleep(0.005)
    server.channels[0].say(jsonrpc.notification("notifications/tools/list_changed"))
    await settle()
    late = asyncio.create_task(ask(gateway, ALICE, "tools/list"))
    await settle()
    before, after = {**TOOL, "name": "before"}, {**TOOL, "name": "after"}
    for tool in (before, after):
        sent = server.asked("tools/list")[-1]
        server.channels[0].say(jsonrpc.result(sent["id"], {"resultType": "complete", "tools": [tool]}))
        await asyncio.sleep(0.02)
    assert [t["name"] for t in (await late)["result"]["tools"]] == ["a_after"]
    assert "result" in await early


@pytest.mark.parametrize(("ttl", "asked"), [(60_000, 1), (0, 3), (None, 3), (-5, 3), ("1", 3)])
@alone
async def test_a_list_is_not_asked_for_before_its_time_is_over(ttl, asked):
    more = {} if ttl is None else {"ttlMs": ttl, "cacheScope": "private"}
    server = tool_server(tools_list=None)
    plain = server.reply
    listed = {"resultType": "complete", "tools": [TOOL], **more}
    server.reply = lambda method, params: listed if method == "tools/list" else plain(method, params)
    gateway, _ = gateway_of({"a": server}, {"key:alice": ["*/*"], "key:bob": []})
    for _ in range(2):
        result = (await ask(gateway, ALICE, "tools/list"))["result"]
        assert result["ttlMs"] == (ttl if asked == 1 else 0)
        assert result["cacheScope"] == "private"
    # What one may see is decided for each, whoever it was fetched for.
    assert (await ask(gateway, BOB, "tools/list"))["result"]["tools"] == []
    assert len(server.asked("tools/list")) == asked

    server.channels[0].say(jsonrpc.notification("notifications/tools/list_changed"))
    await settle()
    await ask(gateway, ALICE, "tools/list")
    assert len(server.asked("tools/list")) == asked + 1, "an announced change ends it"


@alone
async def test_nobody_leaves_a_mark_in_the_list_of_all():
    server = tool_server(TOOL)
    gateway, _ = gateway_of({"a": server}, ALL)
    await ask(gateway, ALICE, "tools/list")
    message = jsonrpc.decode(stateless("tools/list"))
    message.params["_meta"] |= {"example.com/who": "alice", "traceparent": "00-1"}
    await gateway.stateless.request(message, ALICE, None, None, Heard())
    for sent in server.asked("tools/list"):
        assert "alice" not in str(sent["params"])
        assert "00-1" not in str(sent["params"])


@alone
async def test_one_server_that_hangs_does_not_hold_up_the_list_of_the_others(monkeypatch):
    monkeypatch.setattr("keepgate.gateway.view.LIST_PATIENCE", 0.05)
    good, hung = tool_server(TOOL), tool_server(TOOL)
    gateway, log = gateway_of({"good": good, "hung": hung}, ALL)
    assert len((await ask(gateway, ALICE, "tools/list"))["result"]["tools"]) == 2
    plain = hung.reply
    hung.reply = lambda method, params: None if method == "tools/list" else plain(method, params)
    for _ in range(3):
        names = [tool["name"] for tool in (await ask(gateway, ALICE, "tools/list"))["result"]["tools"]]
        assert names == ["good_t", "hung_t"], "what it last listed is shown"
    assert len(hung.asked("tools/list")) == 2, "the one that runs is shared"
    assert "upstream.failed" in log.methods()


# Servers that crash, hang, or speak another era now


@alone
async def test_a_server_that_dies_of_every_call_is_not_started_without_end():
    server = handshake_server()
    plain = server.reply

    def reply(method: str, params: dict[str, Any]) -> Any:
        if method == "tools/call":
            server.channels[-1].sink.closed(DEAD)
        return plain(method, params)

    server.reply = reply
    gateway, _ = gateway_of({"a": server}, ALL)
    pipe = Pipe(gateway, ALICE)
    await pipe.initialize()
    said = []
    for number in range(1, 20):
        pipe.say(jsonrpc.request(number, "tools/call", {"name": "a_slow"}))
        answer = await pipe.until(lambda: pipe.answer(number))  # noqa: B023
        said.append(answer["result"]["content"][0]["text"])
    assert len(server.channels) <= 4
    assert "next try in" in said[-1]


@alone
async def test_a_process_that_answers_nothing_at_all_is_ended_and_started_anew(monkeypatch):
    monkeypatch.setattr(upstreams, "PROBE_TIMEOUT", 0.05)
    server = handshake_server()
    gateway, log = gateway_of({"a": server}, ALL, limits=Limits(call_timeout=0.03))
    pipe = Pipe(gateway, ALICE)
    await pipe.initialize()
    pipe.say(jsonrpc.request(100, "tools/list", {}))
    await pipe.until(lambda: pipe.answer(100))
    for number in range(1, 4):
        pipe.say(jsonrpc.request(number, "tools/call", {"name": "a_slow"}))
        await pipe.until(lambda: pipe.answer(number))  # noqa: B023
    await pipe.until(lambda: server.channels[0].ended)
    (lost,) = [entry.reason for entry in log.entries if entry.method == "upstream.lost"]
    assert "hangs" in lost
    pipe.say(jsonrpc.request(5, "tools/call", {"name": "a_slow"}))
    await pipe.until(lambda: len(server.channels) == 2)


@alone
async def test_a_process_that_is_only_slow_is_left_alone(monkeypatch):
    monkeypatch.setattr(upstreams, "PROBE_TIMEOUT", 0.05)
    server = handshake_server(lambda method, params: {} if method == "ping" else None)
    gateway, _ = gateway_of({"a": server}, ALL, limits=Limits(call_timeout=0.03))
    pipe = Pipe(gateway, ALICE)
    await pipe.initialize()
    for number in range(1, 5):
        pipe.say(jsonrpc.request(number, "tools/call", {"name": "a_slow"}))
        await pipe.until(lambda: pipe.answer(number))  # noqa: B023
    await pipe.until(lambda: server.asked("ping"))
    await asyncio.sleep(0.1)
    assert not server.channels[0].ended


class Turncoat:
    """A server whose era can be changed, as by an upgrade in place."""

    def __init__(self, era: str) -> None:
        self.era = era
        self.server = FakeServer(era, self.reply, duplex=False)

    def reply(self, method: str, params: dict[str, Any]) -> Any:
        modern = "_meta" in params and "io.modelcontextprotocol/protocolVersion" in params["_meta"]
        if modern != (self.era == "stateless") and method != "notifications/initialized":
            return {"code": -32600, "message": "Bad Request"}
        if method == "server/discover":
            return discovered({"tools": {}})
        if method == "initialize":
            return initialized({"tools": {}})
        if method == "tools/list":
            return {"tools": [TOOL], **({"resultType": "complete"} if modern else {})}
        return {"content": [{"type": "text", "text": self.era}]}


def auto(gateway: Any) -> None:
    """Let the gateway find out which era each server speaks."""
    for known in gateway.services.upstreams.values():
        old = known.settings
        known.settings = ServerSettings(old.id, old.connector, old.prefix, "auto", source=old.source)
        known._stateless = None


def said(answer: dict[str, Any]) -> str:
    return answer["result"]["content"][0]["text"]


@pytest.mark.parametrize("before", ["stateless", "handshake"])
@alone
async def test_a_server_that_comes_to_speak_the_other_era_is_met_in_it_by_stateless_callers(before):
    after = {"stateless": "handshake", "handshake": "stateless"}[before]
    turncoat = Turncoat(before)
    gateway, _ = gateway_of({"a": turncoat.server}, ALL)
    auto(gateway)
    call = ("tools/call", {"name": "a_t"})
    assert said(await ask(gateway, ALICE, *call)) == before
    turncoat.era = after
    for channel in turncoat.server.channels if before == "handshake" else ():
        for link in list(gateway.services.upstreams["a"].links):
            if link.channel is channel:
                link.fail(LOST)
    assert said(await ask(gateway, ALICE, *call)) == after, "the call did not run, so it is sent again"
    assert said(await ask(gateway, BOB, *call)) == after
    turncoat.era = before
    gateway.services.upstreams["a"]._doubted_at = -100.0
    for link in list(gateway.services.upstreams["a"].links):
        if before == "stateless":
            link.fail(LOST)
    assert said(await ask(gateway, ALICE, *call)) == before, "and back"


@pytest.mark.parametrize("before", ["stateless", "handshake"])
@alone
async def test_a_server_that_comes_to_speak_the_other_era_is_met_in_it_by_a_session(before):
    after = {"stateless": "handshake", "handshake": "stateless"}[before]
    turncoat = Turncoat(before)
    gateway, _ = gateway_of({"a": turncoat.server}, ALL)
    auto(gateway)
    pipe = Pipe(gateway, ALICE)
    await pipe.initialize()
    pipe.say(jsonrpc.request(1, "tools/call", {"name": "a_t"}))
    assert said(await pipe.until(lambda: pipe.answer(1))) == before
    turncoat.era = after
    if before == "handshake":
        for link in list(gateway.services.upstreams["a"].links):
            link.fail(LOST)
    pipe.say(jsonrpc.request(2, "tools/call", {"name": "a_t"}))
    assert said(await pipe.until(lambda: pipe.answer(2))) == after


# Smaller promises


@alone
async def test_a_flooding_server_is_ended_with_its_process():
    server = handshake_server()
    gateway, _ = gateway_of({"a": server}, ALL)
    pipe = Pipe(gateway, ALICE)
    await pipe.initialize()
    sink = server.channels[0].sink
    news = jsonrpc.encode(jsonrpc.notification("notifications/message", {"level": "info", "data": "x"}))
    for _ in range(30_000):
        sink.message(news)
    await settle()
    assert server.channels[0].ended


@alone
async def test_cancelling_an_id_that_is_used_twice_on_a_pipe_does_nothing():
    server = tool_server(TOOL, tools_call=lambda params: None)
    gateway, _ = gateway_of({"a": server}, ALL)
    pipe = Pipe(gateway, ALICE)
    for _ in range(2):
        pipe.front.receive(stateless("tools/call", {"name": "a_t"}, number=7))
    await pipe.until(lambda: len(server.asked("tools/call")) == 2)
    pipe.say(jsonrpc.notification("notifications/cancelled", {"requestId": 7}))
    await settle()
    assert not server.asked("notifications/cancelled")
    first = server.asked("tools/call")[0]
    server.channels[0].say(jsonrpc.result(first["id"], {"resultType": "complete", "content": []}))
    await pipe.until(lambda: pipe.answer(7))
    pipe.say(jsonrpc.notification("notifications/cancelled", {"requestId": 7}))
    await pipe.until(lambda: server.asked("notifications/cancelled"))


@alone
async def test_a_listener_hears_nothing_before_its_acknowledgement():
    server = tool_server(TOOL)
    plain = server.reply
    server.reply = lambda method, params: None if method == "subscriptions/listen" else plain(method, params)
    gateway, _ = gateway_of({"a": server}, ALL)
    await ask(gateway, ALICE, "tools/list")
    heard = Heard()
    wanted = {"notifications": {"toolsListChanged": True}}
    message = jsonrpc.decode(stateless("subscriptions/listen", wanted, number=9))
    listening = asyncio.create_task(gateway.stateless.request(message, ALICE, None, None, heard))
    while not server.asked("subscriptions/listen"):
        await asyncio.sleep(0.005)
    (sent,) = server.asked("subscriptions/listen")
    meta = {"io.modelcontextprotocol/subscriptionId": sent["id"]}
    channel = server.channels[0]
    for _ in range(3):
        channel.say(jsonrpc.notification("notifications/tools/list_changed", {"_meta": meta}))
    await settle()
    assert heard.messages == []
    ack = {"notifications": {"toolsListChanged": True}, "_meta": meta}
    channel.say(jsonrpc.notification("notifications/subscriptions/acknowledged", ack))
    while len(heard.messages) < 2:
        await asyncio.sleep(0.005)
    methods = [message["method"] for message in heard.messages]
    assert methods == ["notifications/subscriptions/acknowledged", "notifications/tools/list_changed"]
    listening.cancel()


@alone
async def test_running_calls_of_stateless_callers_end_before_their_removed_server():
    server = handshake_server()
    gateway, _ = gateway_of({"a": server}, ALL)
    calling = asyncio.create_task(ask(gateway, ALICE, "tools/call", {"name": "a_slow"}))
    while not server.asked("tools/call"):
        await asyncio.sleep(0.005)
    await gateway.use_servers([])
    await settle()
    sent = server.asked("tools/call")[0]
    owner = next(channel for channel in server.channels if sent in channel.sent)
    owner.say(jsonrpc.result(sent["id"], {"content": [{"type": "text", "text": "done"}]}))
    assert said(await calling) == "done"
    while server.alive:
        await asyncio.sleep(0.005)
