"""The fast lane takes what is simple, leaves the rest untouched, and neither way answers otherwise than the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import pytest

from keepgate.gateway.fastlane import FastLane
from keepgate.gateway.gateway import Gateway
from keepgate.gateway.settings import Limits
from tests.gateway.lab import ALICE, FakeServer, MemoryLog, ask, discovered, gateway_of, stateless
from tests.gateway.test_review import alone

TOOL = {"name": "t", "inputSchema": {"type": "object"}}
MIRRORED = {
    "name": "m",
    "inputSchema": {"type": "object", "properties": {"r": {"type": "string", "x-mcp-header": "Region"}}},
}
GRANTS = {"key:alice": ["a/*", "a/m"], "key:bob": ["a/other"]}


class Answer:
    """ports.Responder, with a client that can go away."""

    def __init__(self) -> None:
        self.status = 0
        self.body: Any = None
        self.times = 0
        self.gone: Callable[[], None] | None = None
        self.came = asyncio.Event()

    def respond(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status, self.body, self.times = status, orjson.loads(body or b"null"), self.times + 1
        self.came.set()

    def start_stream(self, headers: Mapping[str, str]) -> Any:
        raise AssertionError("no stream was asked for")

    def on_disconnect(self, callback: Callable[[], None]) -> None:
        self.gone = callback


class Request:
    """ports.HttpRequest of a tool call."""

    method, path, query, peer, secure = "POST", "/mcp", "", "127.0.0.1", False

    def __init__(self, name: str, params: Mapping[str, Any], key: str, said: str) -> None:
        self.notes: dict[str, Any] = {}
        self.body = stateless("tools/call", {"name": name, **params}, number=7)
        self.headers = {
            "authorization": f"Bearer {key}",
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2026-07-28",
            "mcp-method": "tools/call",
            "mcp-name": said,
        }


def server(**answers: Any) -> FakeServer:
    def reply(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        if method == "server/discover":
            return discovered({"tools": {}})
        if method == "tools/list":
            return {"resultType": "complete", "tools": [TOOL, MIRRORED]}
        made = answers.get("call", {"content": [{"type": "text", "text": "done"}]})
        return made(params) if callable(made) else made  # type: ignore[no-any-return]

    return FakeServer("stateless", reply, duplex=False)


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What the lane said to each request it was offered."""
    found: list[bool] = []
    take = FastLane.take

    def watched(self: FastLane, *given: Any) -> bool:
        found.append(take(self, *given))
        return found[-1]

    monkeypatch.setattr(FastLane, "take", watched)
    return found


def call(
    gateway: Gateway,
    name: str = "a_t",
    params: Mapping[str, Any] | None = None,
    *,
    key: str = "alice",
    said: str | None = None,
) -> Answer:
    answer = Answer()
    gateway.http.handle(Request(name, params or {}, key, name if said is None else said), answer)
    return answer


async def ready(fake: FakeServer, **how: Any) -> tuple[Gateway, MemoryLog]:
    """A gateway that has seen the server's list."""
    gateway, log = gateway_of({"a": fake}, GRANTS, **how)
    await ask(gateway, ALICE, "tools/list")
    log.entries.clear()
    return gateway, log


@alone
async def test_a_simple_call_is_sent_within_the_turn_it_came_in(taken: list[bool]) -> None:
    fake = server()
    gateway, log = await ready(fake)
    tasks = asyncio.all_tasks()
    answer = call(gateway)
    assert len(fake.asked("tools/call")) == 1
    assert asyncio.all_tasks() == tasks
    await answer.came.wait()
    assert taken == [True]
    assert (answer.status, answer.body["id"]) == (200, 7)
    assert answer.body["result"] == {"content": [{"type": "text", "text": "done"}], "resultType": "complete"}
    assert [(entry.kind, entry.effect) for entry in log.entries] == [
        ("request", "allow"),
        ("result", "allow"),
    ]
    assert len({entry.trace for entry in log.entries}) == 1
    assert not gateway.http.lane.running


CASES = {
    "allowed": ("a_t", {}, "alice", None),
    "hidden": ("a_t", {}, "bob", None),
    "unknown": ("a_nothing", {}, "bob", None),
    "headers that say otherwise": ("a_t", {}, "alice", "a_m"),
    "arguments that are none": ("a_t", {"arguments": 7}, "alice", None),
    "parameters in headers": ("a_m", {"arguments": {"r": "eu"}}, "alice", None),
    "state that is not ours": ("a_t", {"requestState": "x"}, "alice", None),
}


@pytest.mark.parametrize("case", CASES)
@alone
async def test_both_ways_give_the_same_answer_and_the_same_records(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, params, key, said = CASES[case]

    async def seen() -> tuple[Any, ...]:
        gateway, log = await ready(server())
        answer = call(gateway, name, params, key=key, said=said)
        await asyncio.wait_for(answer.came.wait(), 5)
        body = orjson.dumps(answer.body).decode()
        for entry in log.entries:
            body = body.replace(entry.trace, "TRACE") if entry.trace else body
        return answer.status, body, [entry[2:15] for entry in log.entries]

    fast = await seen()
    monkeypatch.setattr(FastLane, "take", lambda *_: False)
    assert await seen() == fast


@alone
async def test_what_is_unusual_goes_the_long_way_and_was_not_counted(taken: list[bool]) -> None:
    gateway, _ = await ready(server(), limits=Limits(burst=2, requests_per_second=0.001))
    for name, params in (("a_m", {"arguments": {"r": "eu"}}), ("a_t", {"requestState": "x"})):
        await asyncio.wait_for(call(gateway, name, params).came.wait(), 5)
    assert taken == [False, False]
    over = call(gateway)
    await over.came.wait()
    assert "rate limit" in over.body["result"]["content"][0]["text"]


@alone
async def test_a_client_that_leaves_frees_its_place_and_gets_nothing(taken: list[bool]) -> None:
    fake = server(call=lambda _: None)
    gateway, _ = await ready(fake, limits=Limits(concurrent_calls=1))
    first = call(gateway)
    second = call(gateway)
    await second.came.wait()
    assert "too many calls" in second.body["result"]["content"][0]["text"]
    assert first.gone is not None
    first.gone()
    assert not gateway.http.lane.running
    third = call(gateway)
    assert len(fake.asked("tools/call")) == 2
    assert (first.times, third.times, taken) == (0, 0, [True] * 3)


@pytest.mark.parametrize("sync", [False, True])
@alone
async def test_nothing_is_sent_or_returned_without_its_record(sync: bool) -> None:
    fake = server()
    gateway, log = await ready(fake, sync=sync)
    log.broken = True
    answer = call(gateway)
    await asyncio.wait_for(answer.came.wait(), 5)
    assert "could not record" in answer.body["result"]["content"][0]["text"]
    assert not fake.asked("tools/call")
    log.broken = False
    fake.reply, list_reply = (lambda *_: None), fake.reply
    waiting = call(gateway)
    for _ in range(10):
        await asyncio.sleep(0)
    log.broken = True
    asked = fake.channels[-1].sent[-1]
    fake.channels[-1].say(
        {"jsonrpc": "2.0", "id": asked["id"], "result": list_reply("tools/call", {})},
        fake.channels[-1].calls[-1],
    )
    await asyncio.wait_for(waiting.came.wait(), 5)
    assert "could not record" in waiting.body["result"]["content"][0]["text"]
    assert waiting.times == 1


@alone
async def test_our_own_failure_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway, log = await ready(server())

    def fail(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    for place in ("outgoing", "receive"):
        with monkeypatch.context() as broken:
            broken.setattr(gateway.services.relay, place, fail)
            answer = call(gateway)
            await asyncio.wait_for(answer.came.wait(), 5)
            assert answer.body["error"]["code"] == -32603
    assert log.methods().count("internal.error") == 2
    assert not gateway.http.lane.running


@alone
async def test_draining_waits_for_calls_then_gives_them_up() -> None:
    fake = server(call=lambda _: None)
    gateway, _ = await ready(fake)
    answer = call(gateway)
    await gateway.http.drain(0.01)
    assert not gateway.http.lane.running
    assert answer.times == 0
