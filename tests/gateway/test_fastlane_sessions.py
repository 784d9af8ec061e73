"""The fast lane within sessions of the handshake era: what may be cancelled, ends, is forgotten or asked back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from keepgate.gateway.fastlane import FastLane
from keepgate.gateway.gateway import Gateway
from keepgate.gateway.settings import Limits
from keepgate.model.errors import UpstreamError
from keepgate.protocol import jsonrpc
from tests.gateway.lab import FakeServer, MemoryLog, gateway_of, initialized
from tests.gateway.test_fastlane import GRANTS, TOOL, Answer
from tests.gateway.test_review import alone

DONE = {"content": [{"type": "text", "text": "done"}]}


class Stream:
    """ports.EventStream."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.ended = False

    def send(self, data: bytes, event_id: str | None = None, *_: Any, **__: Any) -> bool:
        self.sent.append(orjson.loads(data or b"null"))
        return True

    def close(self) -> None:
        self.ended = True


class Reply(Answer):
    """ports.Responder whose answer may be a stream."""

    def __init__(self) -> None:
        super().__init__()
        self.stream = Stream()

    def start_stream(self, headers: Mapping[str, str]) -> Stream:
        self.times += 1
        return self.stream


class Client:
    """A client over HTTP with one session."""

    def __init__(self, gateway: Gateway, key: str = "alice") -> None:
        self.gateway = gateway
        self.key = key
        self.session = ""

    def post(self, body: Mapping[str, Any]) -> Reply:
        answer = Reply()
        self.gateway.http.handle(_Post(body, self.key, self.session), answer)
        return answer

    def call(self, number: int | str = 7, name: str = "a_t", **params: Any) -> Reply:
        return self.post(jsonrpc.request(number, "tools/call", {"name": name, **params}))

    async def open(self, capabilities: Mapping[str, Any] | None = None) -> None:
        """Initialize and list."""
        info = {"clientInfo": {"name": "c", "version": "1"}, "capabilities": capabilities or {}}
        hello = {"protocolVersion": "2025-11-25", **info}
        answer = self.post(jsonrpc.request(0, "initialize", hello))
        await asyncio.wait_for(answer.came.wait(), 5)
        (self.session,) = self.gateway.sessions._by_id
        self.post(jsonrpc.notification("notifications/initialized"))
        await asyncio.wait_for(self.post(jsonrpc.request(1, "tools/list", {})).came.wait(), 5)


class _Post:
    method, path, query, peer, secure = "POST", "/mcp", "", "127.0.0.1", False

    def __init__(self, body: Mapping[str, Any], key: str, session: str) -> None:
        self.notes: dict[str, Any] = {}
        self.body = jsonrpc.encode(body)
        self.headers = {
            "authorization": f"Bearer {key}",
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            **({"mcp-session-id": session} if session else {}),
        }


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What the lane said to each request it was offered."""
    found: list[bool] = []
    take = FastLane.take_within

    def watched(self: FastLane, *given: Any) -> bool:
        found.append(take(self, *given))
        return found[-1]

    monkeypatch.setattr(FastLane, "take_within", watched)
    return found


def server(call: Any = DONE, *, duplex: bool = False) -> FakeServer:
    def reply(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        if method == "initialize":
            return initialized({"tools": {}})
        if method == "tools/list":
            return {"tools": [TOOL]}
        return call(params) if callable(call) else call  # type: ignore[no-any-return]

    return FakeServer("handshake", reply, duplex=duplex)


async def ready(fake: FakeServer, **how: Any) -> tuple[Client, MemoryLog]:
    gateway, log = gateway_of({"a": fake}, GRANTS, **how)
    client = Client(gateway)
    await client.open()
    log.entries.clear()
    return client, log


@pytest.mark.parametrize("duplex", [False, True])
@pytest.mark.parametrize("sync", [False, True])
@alone
async def test_a_simple_call_is_answered_without_a_task_or_a_future(
    duplex: bool, sync: bool, taken: list[bool]
) -> None:
    fake = server(duplex=duplex)
    client, log = await ready(fake, sync=sync)
    taken.clear()
    answer = client.call()
    assert sync or len(fake.asked("tools/call")) == 1
    await asyncio.wait_for(answer.came.wait(), 5)
    assert (answer.status, answer.body) == (200, jsonrpc.result(7, DONE))
    assert taken == [True]
    assert [(entry.kind, entry.effect) for entry in log.entries] == [
        ("request", "allow"),
        ("result", "allow"),
    ]
    lane = client.gateway.http.lane
    (session,) = client.gateway.sessions.all()
    assert not lane.running
    assert not session.busy
    assert lane.empty.is_set()


CASES: dict[str, tuple[str, dict[str, Any], str]] = {
    "allowed": ("a_t", {}, "alice"),
    "hidden": ("a_t", {}, "bob"),
    "unknown": ("a_nothing", {}, "bob"),
    "arguments that are none": ("a_t", {"arguments": 7}, "alice"),
    "progress": ("a_t", {"_meta": {"progressToken": "p"}}, "alice"),
    "a task that the server does not offer": ("a_t", {"task": {}}, "alice"),
}


@pytest.mark.parametrize("case", CASES)
@alone
async def test_both_ways_give_the_same_answer_and_the_same_records(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, params, key = CASES[case]

    async def seen() -> tuple[Any, ...]:
        fake = server()
        gateway, log = gateway_of({"a": fake}, GRANTS)
        client = Client(gateway, key)
        await client.open()
        log.entries.clear()
        answer = client.call(name=name, **params)
        await asyncio.wait_for(answer.came.wait(), 5)
        body = orjson.dumps(answer.body).decode()
        for entry in log.entries:
            body = body.replace(entry.trace, "TRACE") if entry.trace else body
        sent = [{**each, "id": 0} for each in fake.asked("tools/call")]
        for each in sent:
            each["params"].pop("_meta", None)
        return answer.status, body, [entry[2:14] for entry in log.entries], sent

    fast = await seen()
    monkeypatch.setattr(FastLane, "take_within", lambda *_: False)
    assert await seen() == fast


@alone
async def test_a_client_that_goes_away_does_not_cancel(taken: list[bool]) -> None:
    fake = server(lambda _: None)
    client, _ = await ready(fake)
    answer = client.call()
    assert answer.gone is None
    (session,) = client.gateway.sessions.all()
    assert session.busy


@alone
async def test_a_cancelled_call_ends_without_a_reply_and_the_server_is_told(taken: list[bool]) -> None:
    fake = server(lambda _: None)
    client, _ = await ready(fake, limits=Limits(concurrent_calls=1))
    answer = client.call(9)
    client.post(jsonrpc.notification("notifications/cancelled", {"requestId": "9"}))
    assert client.gateway.http.lane.running  # 9 is not "9"
    client.post(jsonrpc.notification("notifications/cancelled", {"requestId": 9}))
    await asyncio.sleep(0)
    (asked,) = fake.asked("tools/call")
    (told,) = fake.asked("notifications/cancelled")
    assert told["params"]["requestId"] == asked["id"]
    assert answer.stream.ended
    assert not any(answer.stream.sent)
    assert answer.status == 0
    assert not client.gateway.http.lane.running
    fake.channels[-1].say(jsonrpc.result(asked["id"], DONE), fake.channels[-1].calls[-1])
    await asyncio.sleep(0.01)
    assert not any(answer.stream.sent)
    client.call(10)
    assert len(fake.asked("tools/call")) == 2  # its place is free again


@alone
async def test_an_id_in_use_twice_cancels_neither() -> None:
    fake = server(lambda _: None)
    client, _ = await ready(fake)
    client.call(9)
    client.call(9)
    client.post(jsonrpc.notification("notifications/cancelled", {"requestId": 9}))
    assert len(client.gateway.http.lane.running) == 2


@alone
async def test_a_server_that_forgot_the_session_is_asked_in_a_new_one(taken: list[bool]) -> None:
    forget = [True]
    fake = server(lambda _: None if forget else DONE)
    client, log = await ready(fake)
    taken.clear()
    answer = client.call()
    forget.clear()
    lost = UpstreamError("session-lost", "gone", status=404, retryable=True)
    fake.channels[-1].calls[-1].closed(lost)
    await asyncio.wait_for(answer.came.wait(), 5)
    assert answer.body == jsonrpc.result(7, DONE)
    assert (len(fake.channels), len(fake.asked("tools/call"))) == (2, 2)
    assert [entry.kind for entry in log.entries if entry.method in ("tools/call", "")] == [
        "request",
        "result",
    ]
    assert taken == [True]


@alone
async def test_a_link_that_dies_while_the_record_is_brought_to_the_disk_is_replaced() -> None:
    fake = server()
    client, _ = await ready(fake, sync=True)
    answer = client.call()
    (session,) = client.gateway.sessions.all()
    (link,) = session.servers.links
    link.fail(UpstreamError("closed", "the server went away"))
    await asyncio.wait_for(answer.came.wait(), 5)
    assert answer.body == jsonrpc.result(7, DONE)
    assert (len(fake.channels), len(fake.asked("tools/call"))) == (2, 1)


@alone
async def test_any_other_failure_is_told_and_nothing_is_repeated() -> None:
    fake = server(lambda _: None)
    client, log = await ready(fake)
    answer = client.call()
    fake.channels[-1].calls[-1].closed(UpstreamError("closed", "the server went away"))
    await asyncio.wait_for(answer.came.wait(), 5)
    assert "went away" in answer.body["result"]["content"][0]["text"]
    assert len(fake.asked("tools/call")) == 1
    assert "upstream.failed" in log.methods()


@alone
async def test_what_a_server_asks_and_says_in_a_call_comes_on_its_stream(taken: list[bool]) -> None:
    fake = server(lambda _: None)
    gateway, _ = gateway_of({"a": fake}, GRANTS)
    client = Client(gateway)
    await client.open({"elicitation": {}})
    answer = client.call(_meta={"progressToken": "mine"})
    (asked,) = fake.asked("tools/call")
    channel = fake.channels[-1]
    sink = channel.calls[-1]
    token = asked["params"]["_meta"]["progressToken"]
    told = jsonrpc.notification("notifications/progress", {"progressToken": token, "progress": 1})
    channel.say(told, sink)
    question = {"message": "sure?", "requestedSchema": {"type": "object", "properties": {}}}
    channel.say(jsonrpc.request("q", "elicitation/create", question), sink)
    await asyncio.sleep(0.01)
    progress, request = (each for each in answer.stream.sent if each)
    assert progress["params"]["progressToken"] == "mine"
    assert request["method"] == "elicitation/create"
    client.post(jsonrpc.result(request["id"], {"action": "decline"}))
    await asyncio.sleep(0.01)
    assert [each["id"] for each in channel.sent if "result" in each] == ["q"]
    channel.say(jsonrpc.result(asked["id"], DONE), sink)
    await asyncio.sleep(0.01)
    assert answer.stream.sent[-1] == jsonrpc.result(7, DONE)
    assert answer.stream.ended


@alone
async def test_the_end_of_the_session_ends_its_calls() -> None:
    fake = server(lambda _: None)
    client, _ = await ready(fake)
    answers = [client.call(number) for number in (1, 2, 2)]
    (session,) = client.gateway.sessions.all()
    await client.gateway.sessions.end(session)
    assert not client.gateway.http.lane.running
    assert all(answer.stream.ended and answer.status == 0 for answer in answers)


@alone
async def test_a_session_that_ends_is_found_by_no_call_and_another_principal_finds_none(
    taken: list[bool],
) -> None:
    client, _ = await ready(server())
    taken.clear()
    client.key = "bob"
    stolen = client.call()
    assert (stolen.status, taken) == (404, [])
    client.key = "alice"
    (session,) = client.gateway.sessions.all()
    await client.gateway.sessions.end(session)
    assert (client.call().status, taken) == (404, [])


@alone
async def test_nothing_is_sent_or_returned_without_its_record() -> None:
    fake = server()
    client, log = await ready(fake)
    log.broken = True
    answer = client.call()
    await asyncio.wait_for(answer.came.wait(), 5)
    assert "could not record" in answer.body["result"]["content"][0]["text"]
    assert not fake.asked("tools/call")


@alone
async def test_draining_gives_calls_up_with_an_end() -> None:
    fake = server(lambda _: None)
    client, _ = await ready(fake)
    answer = client.call()
    await client.gateway.http.drain(0.01)
    assert not client.gateway.http.lane.running
    assert answer.stream.ended
