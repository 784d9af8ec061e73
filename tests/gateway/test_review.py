"""What an attacker or an accident between two messages must not bring about."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from keepgate.gateway.outlets import HandshakeOutlet
from keepgate.gateway.settings import Limits
from keepgate.gateway.streams import KEEP_BYTES, MAX_STREAMS, ResumableStream, StreamTable
from keepgate.model.errors import UpstreamError
from keepgate.policy.engine import Engine
from keepgate.protocol import jsonrpc
from tests.gateway.lab import (
    ALICE,
    BOB,
    FakeServer,
    Pipe,
    ask,
    discovered,
    gateway_of,
    initialized,
    settings,
)

ALL = {"key:alice": ["*/*"], "key:bob": ["*/*"]}


def alone(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an async test on a loop of its own."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 90))

    return run


def tool_server(*tools: dict[str, Any], **answers: Any) -> FakeServer:
    """A stateless server with these tools; `answers` are results by method with `_` for `/`."""

    def reply(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        if method == "server/discover":
            return discovered({"tools": {}}, instructions="secret instructions")
        if method == "tools/list":
            return {"resultType": "complete", "tools": list(tools)}
        found = answers.get(method.replace("/", "_"), {"resultType": "complete", "content": []})
        return found(params) if callable(found) else found

    return FakeServer("stateless", reply)


def handshake_server(
    reply: Callable[[str, dict[str, Any]], Any] | None = None, **capabilities: Any
) -> FakeServer:
    """A handshake server: one tool `slow` that does not answer by itself."""

    def answer(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        if method == "initialize":
            return initialized({"tools": {}, **capabilities})
        if method == "tools/list":
            return {"tools": [{"name": "slow", "inputSchema": {"type": "object"}}]}
        return reply(method, params) if reply is not None else None

    return FakeServer("handshake", answer)


# Nobody is left waiting


@alone
async def test_a_request_is_answered_when_nothing_can_be_recorded():
    gateway, log = gateway_of({"a": handshake_server()}, ALL)
    pipe = Pipe(gateway, ALICE)
    await pipe.initialize()
    log.broken = True
    for number, method in enumerate(("tools/list", "no/such", "ping", "tools/call"), 10):
        pipe.say(jsonrpc.request(number, method, {"name": "a_slow"}))
        answer = await pipe.until(functools.partial(pipe.answer, number))
        assert "error" in answer or answer["result"]["isError"]
    assert (await ask(gateway, ALICE, "no/such"))["error"]["code"] == jsonrpc.UNDECIDED


@alone
async def test_a_request_is_answered_when_our_own_code_fails(monkeypatch):
    gateway, log = gateway_of({"a": tool_server()}, ALL)

    async def fails(*_args: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(gateway.services.listing, "serve", fails)
    assert (await ask(gateway, ALICE, "tools/list"))["error"]["code"] == jsonrpc.INTERNAL_ERROR
    assert "internal.error" in log.methods()


@alone
async def test_one_failing_effect_does_not_hold_up_those_behind_it():
    gateway, log = gateway_of({}, ALL, sync=True)
    ran: list[bool] = []
    gateway.enforcer.after(1, lambda ok: 1 / 0)
    gateway.enforcer.after(2, ran.append)
    await asyncio.sleep(0.02)
    gateway.enforcer.after(3, ran.append)
    await asyncio.sleep(0.02)
    assert ran == [True, True]
    assert "internal.error" in log.methods()


@pytest.mark.parametrize("hostile", [{"tools": ["no tool"]}, {"tools": 7}, {"tools": [], "_meta": ["x"]}])
@alone
async def test_a_malformed_list_of_one_server_leaves_the_others_listed(hostile):
    good = tool_server({"name": "t", "inputSchema": {"type": "object"}})
    bad = tool_server(tools_list=hostile)
    plain = bad.reply
    bad.reply = lambda method, params: hostile if method == "tools/list" else plain(method, params)
    gateway, _ = gateway_of({"bad": bad, "good": good}, ALL)
    pipe = Pipe(gateway, ALICE)
    await pipe.initialize()
    pipe.say(jsonrpc.request(1, "tools/list", {}))
    names = (await pipe.until(lambda: pipe.answer(1)))["result"]["tools"]
    assert [tool["name"] for tool in names] == ["good_t"]
    assert [t["name"] for t in (await ask(gateway, ALICE, "tools/list"))["result"]["tools"]] == ["good_t"]


# Records


@alone
async def test_what_is_refused_before_a_decision_is_recorded():
    gateway, log = gateway_of({"a": handshake_server()}, ALL)
    pipe = Pipe(gateway, ALICE)
    pipe.say(jsonrpc.request(1, "tools/list", {}))
    await pipe.until(lambda: pipe.answer(1))
    pipe.say(jsonrpc.notification("notifications/roots/list_changed"))
    await ask(gateway, ALICE, "tools/call", {"name": 7})
    assert log.methods().count("message.refused") == 3


@alone
async def test_an_answer_of_a_server_that_is_replaced_is_not_recorded_as_let_through():
    error = {"code": -32602, "message": "no tool of mine"}
    gateway, log = gateway_of({"a": tool_server(tools_call=error)}, ALL)
    reply = await ask(gateway, ALICE, "tools/call", {"name": "a_nowhere"})
    assert reply["error"]["message"] == "Unknown tool: a_nowhere"
    assert log.entries[-1].kind == "error"
    assert log.entries[-1].effect == "deny"


# Hidden is unknown


@alone
async def test_discover_tells_nothing_of_servers_that_only_others_may_use():
    servers = {"a": tool_server(), "b": tool_server()}
    gateway, _ = gateway_of(servers, {"key:alice": ["*/*"], "key:bob": ["b/*"]})
    await ask(gateway, ALICE, "server/discover", mount="a")
    reply = await ask(gateway, BOB, "server/discover", mount="a")
    assert "result" not in reply
    assert "secret" not in str(reply)
    servers["a"].reply = lambda method, params: discovered({"tools": {}, "prompts": {}})
    gateway, _ = gateway_of(servers, {"key:alice": ["*/*"], "key:bob": ["b/*"]})
    assert "prompts" in (await ask(gateway, ALICE, "server/discover"))["result"]["capabilities"]
    assert "prompts" not in (await ask(gateway, BOB, "server/discover"))["result"]["capabilities"]


@alone
async def test_a_hidden_tool_does_not_show_its_header_parameters():
    schema = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}
    gateway, _ = gateway_of(
        {"a": tool_server({"name": "t", "inputSchema": schema})}, {"key:bob": ["a/other"]}
    )
    params = {"name": "a_t", "arguments": {"region": "eu"}}
    head = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call"}
    hidden = await ask(gateway, BOB, "tools/call", params, headers={**head, "mcp-name": "a_t"})
    params["name"] = "a_n"
    unknown = await ask(gateway, BOB, "tools/call", params, headers={**head, "mcp-name": "a_n"})
    assert str(hidden).replace("a_t", "a_n") == str(unknown)
    gateway, _ = gateway_of({"a": tool_server({"name": "t", "inputSchema": schema})}, {"key:bob": ["*/*"]})
    params["name"] = "a_t"
    reply = await ask(gateway, BOB, "tools/call", params, headers={**head, "mcp-name": "a_t"})
    assert reply["error"]["code"] == jsonrpc.HEADER_MISMATCH


@alone
async def test_updates_of_a_resource_end_when_policy_hides_it_wherever_they_come():
    def reply(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        return {} if method == "resources/subscribe" else None

    server = handshake_server(reply, resources={"subscribe": True})
    gateway, _ = gateway_of({"a": server}, ALL)
    pipe = Pipe(gateway, ALICE)
    await pipe.initialize()
    pipe.say(jsonrpc.request(1, "resources/subscribe", {"uri": "x://1"}))
    await pipe.until(lambda: pipe.answer(1))
    pipe.say(jsonrpc.request(2, "tools/call", {"name": "a_slow"}))
    await pipe.until(lambda: server.asked("tools/call"))
    updated = "notifications/resources/updated"
    for uri in ("x://1", "x://other"):
        server.channels[0].say(jsonrpc.notification(updated, {"uri": uri}))
    await pipe.until(lambda: pipe.heard(updated))
    await asyncio.sleep(0.02)
    assert [m["params"]["uri"] for m in pipe.heard(updated)] == ["x://1"]
    gateway.use_policy(Engine.compile({}, []))
    server.channels[0].say(jsonrpc.notification(updated, {"uri": "x://1"}))
    await asyncio.sleep(0.02)
    assert len(pipe.heard(updated)) == 1


# Nobody hears what is another's


@alone
async def test_what_a_shared_process_says_late_does_not_reach_the_next_caller():
    server = tool_server({"name": "t", "inputSchema": {"type": "object"}}, tools_call=lambda params: None)
    gateway, log = gateway_of({"a": server}, ALL)
    mine = asyncio.create_task(ask(gateway, ALICE, "tools/call", {"name": "a_t"}))
    while not server.asked("tools/call"):
        await asyncio.sleep(0.005)
    mine.cancel()
    heard = await _call(gateway, server)
    server.channels[0].say(
        jsonrpc.notification("notifications/message", {"level": "error", "data": "alice's"})
    )
    await asyncio.sleep(0.02)
    assert heard.messages == []
    assert any(e.method == "upstream.dropped" and "names no call" in e.reason for e in log.entries)


async def _call(gateway: Any, server: FakeServer) -> Any:
    from tests.gateway.lab import Heard, stateless

    heard = Heard()
    body = jsonrpc.decode(stateless("tools/call", {"name": "a_t"}))
    body.params["_meta"]["io.modelcontextprotocol/logLevel"] = "debug"
    before = len(server.asked("tools/call"))
    heard.task = asyncio.create_task(gateway.stateless.request(body, BOB, None, None, heard))  # type: ignore[attr-defined]
    while len(server.asked("tools/call")) == before:
        await asyncio.sleep(0.005)
    return heard


@alone
async def test_a_server_withdraws_its_own_question_under_the_clients_number_and_on_record():
    server = handshake_server()
    gateway, log = gateway_of({"a": server}, ALL)
    pipe = Pipe(gateway, ALICE)
    await pipe.initialize({"roots": {}})
    pipe.say(jsonrpc.request(1, "tools/call", {"name": "a_slow"}))
    await pipe.until(lambda: server.asked("tools/call"))
    server.channels[0].say(jsonrpc.request(77, "roots/list", {}))
    (question,) = await pipe.until(lambda: pipe.heard("roots/list"))
    cancelled = "notifications/cancelled"
    server.channels[0].say(
        jsonrpc.notification(cancelled, {"requestId": question["id"], "reason": "not mine"})
    )
    server.channels[0].say(jsonrpc.notification(cancelled, {"requestId": 77}))
    (told,) = await pipe.until(lambda: pipe.heard(cancelled))
    assert told["params"]["requestId"] == question["id"]
    assert [e.direction for e in log.entries if e.method == cancelled] == ["to_client"]


# Once, and not after the end


@alone
async def test_what_may_have_run_is_not_sent_again_when_another_call_finds_the_session_lost():
    server = handshake_server()
    server.duplex = False
    gateway, _ = gateway_of({"a": server}, ALL)
    pipe = Pipe(gateway, ALICE)
    await pipe.initialize()
    for number in (1, 2):
        pipe.say(jsonrpc.request(number, "tools/call", {"name": "a_slow", "arguments": {"n": number}}))
    await pipe.until(lambda: len(server.asked("tools/call")) == 2)
    lost = UpstreamError("session-lost", "gone", status=404, retryable=True)
    server.channels[0].calls[-1].closed(lost)
    await pipe.until(lambda: len(server.asked("tools/call")) == 3)
    assert [sent["params"]["arguments"]["n"] for sent in server.asked("tools/call")] == [1, 2, 2]
    first = server.asked("tools/call")[0]
    server.channels[0].calls[-2].message(jsonrpc.encode(jsonrpc.result(first["id"], {"content": []})))
    await pipe.until(lambda: pipe.answer(1))
    assert "isError" not in pipe.answer(1)["result"], "what was in flight is answered on its own stream"


@alone
async def test_a_session_that_ends_while_it_connects_leaves_no_server_behind():
    server = handshake_server()
    plain = server.reply
    server.reply = lambda method, params: None if method == "initialize" else plain(method, params)
    gateway, _ = gateway_of({"a": server}, ALL)
    session = gateway.sessions.new(ALICE, None)
    starting = asyncio.create_task(
        session.initialize(jsonrpc.decode(jsonrpc.encode(jsonrpc.request(1, "initialize", {}))))
    )
    while not server.channels:
        await asyncio.sleep(0.005)
    await gateway.sessions.end(session)
    (sent,) = server.asked("initialize")
    server.channels[0].say(jsonrpc.result(sent["id"], initialized({})))
    await starting
    await asyncio.sleep(0.02)
    assert server.alive == 0


@pytest.mark.parametrize("make", [tool_server, handshake_server])
@alone
async def test_a_removed_server_is_never_started_again(make):
    server = make()
    gateway, _ = gateway_of({"a": server}, ALL)
    pipe = Pipe(gateway, ALICE)
    await pipe.initialize()
    pipe.say(jsonrpc.request(1, "tools/list", {}))
    await pipe.until(lambda: pipe.answer(1))
    old = gateway.services.upstreams["a"]
    await gateway.use_servers([])
    started = len(server.channels)
    assert server.alive == 0
    assert server.closed
    pipe.say(jsonrpc.request(2, "tools/call", {"name": "a_slow"}))
    assert "error" in await pipe.until(lambda: pipe.answer(2))
    with pytest.raises(UpstreamError):
        await old.stateless_link() if make is tool_server else await old.handshake_link(
            {"protocolVersion": "2025-11-25"}, old.owner
        )
    assert len(server.channels) == started


@pytest.mark.parametrize("make", [tool_server, handshake_server])
@alone
async def test_a_removed_server_ends_its_running_call_first(make):
    server = make()
    plain = server.reply
    server.reply = lambda method, params: None if method == "tools/call" else plain(method, params)
    gateway, _ = gateway_of({"a": server}, ALL)
    pipe = Pipe(gateway, ALICE)
    await pipe.initialize()
    pipe.say(jsonrpc.request(1, "tools/call", {"name": "a_slow", "arguments": {}}))
    (called,) = await pipe.until(lambda: server.asked("tools/call"))
    await gateway.use_servers([])
    assert server.alive
    server.channels[-1].say(jsonrpc.result(called["id"], {"content": [], "resultType": "complete"}))
    assert "result" in await pipe.until(lambda: pipe.answer(1))
    await pipe.until(lambda: server.closed)
    assert not server.alive


@alone
async def test_a_server_changed_while_it_is_reached_is_not_taken_over_as_it_was():
    old, new = tool_server(), tool_server()
    plain = old.reply
    old.reply = lambda method, params: None if method == "server/discover" else plain(method, params)
    gateway, _ = gateway_of({"a": old}, ALL)
    first = asyncio.create_task(ask(gateway, ALICE, "tools/list"))
    while not old.asked("server/discover"):
        await asyncio.sleep(0.005)
    await gateway.use_servers([dataclasses.replace(settings("a", new), source="changed")])
    (probe,) = old.asked("server/discover")
    old.channels[0].say(jsonrpc.result(probe["id"], discovered({"tools": {}})))
    await first
    await ask(gateway, ALICE, "tools/list")
    assert not old.asked("tools/list")
    assert new.asked("tools/list")
    assert old.alive == 0


# Bounds


def test_a_stream_keeps_a_bounded_number_of_bytes_and_always_the_newest_event():
    stream = ResumableStream(256)
    for number in range(20):
        stream.send({"n": number, "text": "x" * (KEEP_BYTES // 4)})
    assert 1 <= len(stream._events) <= 4
    assert b'"n":19' in stream._events[-1][1]


def test_a_running_stream_is_never_forgotten_for_a_new_one():
    table = StreamTable(4)
    running = [table.new() for _ in range(MAX_STREAMS + 5)]
    assert not any(stream.done for stream in running)
    for stream in running[1:]:
        stream.finish()
    table.new()
    assert table.find(f"{running[0].id}.0") is not None
    assert len(table._streams) == MAX_STREAMS


@alone
async def test_calls_judged_at_the_same_time_count_each_other():
    server = tool_server({"name": "t", "inputSchema": {"type": "object"}}, tools_call=lambda params: None)
    gateway, _ = gateway_of({"a": server}, ALL, limits=Limits(concurrent_calls=2), sync=True)
    await ask(gateway, ALICE, "tools/list")
    calls = [asyncio.create_task(ask(gateway, ALICE, "tools/call", {"name": "a_t"})) for _ in range(6)]
    await asyncio.sleep(0.1)
    assert len(server.asked("tools/call")) == 2
    for call in calls:
        call.cancel()


@alone
async def test_a_wrong_key_is_recorded_a_bounded_number_of_times():
    gateway, log = gateway_of({}, ALL)

    class Request:
        headers = {"authorization": "Bearer wrong"}
        peer = "192.0.2.1"

    refused = 0
    for _ in range(500):
        with pytest.raises(Exception) as caught:
            gateway.gatekeeper.authenticate(Request())
        refused += caught.value.status == 429
    assert log.methods().count("auth.failed") < 110
    assert refused > 380


# Batches


class Answered:
    """ports.Responder that keeps what it gets."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed = False

    def start_stream(self, headers: Any) -> Answered:
        return self

    def send(self, data: bytes, *_: Any, **__: Any) -> bool:
        self.sent.append(data)
        return True

    def close(self) -> None:
        self.closed = True


@alone
async def test_a_reply_of_a_batch_is_not_lost_when_another_request_of_it_is_cancelled():
    gateway, _ = gateway_of({}, ALL)
    responder = Answered()
    outlet = HandshakeOutlet(responder, gateway.sessions.new(ALICE, None), streams=True, batch=2)  # type: ignore[arg-type]
    outlet.reply(jsonrpc.result(1, {}))
    outlet.message(jsonrpc.notification("notifications/progress", {}))
    outlet.abandon()
    assert responder.closed
    assert any(b'"id":1' in data for data in responder.sent)
