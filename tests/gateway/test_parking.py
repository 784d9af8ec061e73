"""Parked calls end: in time, in number, with their server, with their client's key. None is left behind."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Mapping
from typing import Any

import pytest

from keepgate.gateway import parking
from keepgate.gateway.downbridge import MAX_OWN as MAX_SESSIONS
from keepgate.gateway.gateway import Gateway
from keepgate.gateway.settings import Limits
from keepgate.model.access import Principal
from keepgate.model.errors import UpstreamError
from keepgate.model.quarantine import Held, Hold
from keepgate.protocol import jsonrpc
from tests.gateway.lab import (
    ALICE,
    BOB,
    FakeChannel,
    FakeServer,
    Heard,
    MemoryLog,
    gateway_of,
    initialized,
    settings,
)
from tests.gateway.test_review import ALL, alone

PREFIX = "io.modelcontextprotocol/"
FORM = {"message": "m", "requestedSchema": {"type": "object"}}
YES = {"action": "accept", "content": {}}


class Asking(FakeServer):
    """A handshake server over HTTP: `ask` asks in every call and goes on when it has the answer."""

    def __init__(self, rounds: int = 1, *, duplex: bool = False) -> None:
        super().__init__("handshake", self._answer, duplex)
        self.rounds = rounds

    def channel(self, *, era: str) -> FakeChannel:
        self.channels.append(AskingChannel(self, self.rounds))
        return self.channels[-1]

    @staticmethod
    def _answer(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        if method == "initialize":
            return initialized({"tools": {}})
        if method == "tools/list":
            return {"tools": [{"name": "ask", "inputSchema": {"type": "object"}}]}
        return None

    @property
    def cancelled(self) -> list[Any]:
        return [sent["params"]["requestId"] for sent in self.asked("notifications/cancelled")]

    @property
    def answers(self) -> list[dict[str, Any]]:
        return [sent for channel in self.channels for sent in channel.sent if "method" not in sent]


class AskingChannel(FakeChannel):
    def __init__(self, server: Asking, rounds: int) -> None:
        super().__init__(server)
        self.rounds = rounds
        self.waiting: dict[str, tuple[int, Any, int]] = {}

    def request(self, payload: bytes, headers: Mapping[str, str], sink: Any) -> FakeChannel:
        stream = super().request(payload, headers, sink)
        sent = self.sent[-1]
        if sent["method"] == "tools/call":
            self._ask(sent["id"], sink, 1)
        return stream

    def _ask(self, call: int, sink: Any, number: int) -> None:
        question = f"{call}-{number}"
        self.waiting[question] = (call, sink, number)
        self.say(jsonrpc.request(question, "elicitation/create", FORM), sink)

    async def notify(self, payload: bytes, headers: Mapping[str, str]) -> None:
        await super().notify(payload, headers)
        sent = self.sent[-1]
        found = self.waiting.pop(sent.get("id"), None) if "method" not in sent else None
        if found is not None and "result" in sent:
            call, sink, number = found
            if number < self.rounds:
                self._ask(call, sink, number + 1)
            else:
                self.say(jsonrpc.result(call, {"content": [{"type": "text", "text": "on"}]}), sink)


def before(server: FakeServer, **limits: Any) -> tuple[Gateway, MemoryLog]:
    return gateway_of({"a": server}, ALL, limits=Limits(**limits))


async def call(
    gateway: Gateway,
    principal: Principal = ALICE,
    *,
    number: int = 0,
    name: str = "c",
    **params: Any,
) -> dict[str, Any]:
    """A call of `ask` by a client that can be asked; the reply."""
    meta = {
        f"{PREFIX}protocolVersion": "2026-07-28",
        f"{PREFIX}clientCapabilities": {"elicitation": {}},
        f"{PREFIX}clientInfo": {"name": name, "version": "1"},
    }
    whole = {"name": "a_ask", "arguments": {"number": number}, "_meta": meta, **params}
    heard = Heard()
    message = jsonrpc.decode(jsonrpc.encode(jsonrpc.request(1, "tools/call", whole)))
    await asyncio.wait_for(gateway.stateless.request(message, principal, None, None, heard), 5)
    (answer,) = heard.answers
    return answer


async def parked(gateway: Gateway, principal: Principal = ALICE, **more: Any) -> dict[str, Any]:
    """What the client needs for its retry."""
    result = (await call(gateway, principal, **more))["result"]
    assert result["resultType"] == "input_required", result
    return {
        "inputResponses": dict.fromkeys(result["inputRequests"], YES),
        "requestState": result["requestState"],
    }


def text_of(reply: dict[str, Any]) -> str:
    return reply["result"]["content"][0]["text"]


async def until(true: Any) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.005)


def no_calls_left(gateway: Gateway) -> bool:
    """Neither places nor tasks nor calls of held sessions."""
    gc.collect()
    tasks = [task for task in asyncio.all_tasks() if "BackCall" in repr(task.get_coro())]
    return not len(gateway.stateless.parking) and not tasks


@alone
async def test_the_control_a_parked_call_goes_on():
    gateway, _ = before(Asking())
    assert text_of(await call(gateway, **await parked(gateway))) == "on"
    assert no_calls_left(gateway)


@alone
async def test_a_client_that_never_returns_costs_the_server_no_call_for_ever():
    server = Asking()
    gateway, log = before(server, call_maximum=0.2)
    retry = await parked(gateway)
    sent = server.asked("tools/call")[0]["id"]
    await until(lambda: server.cancelled)
    assert server.cancelled == [sent]
    await until(lambda: "call.abandoned" in log.methods())
    assert (await call(gateway, **retry))["error"]["code"] == jsonrpc.INVALID_PARAMS
    assert no_calls_left(gateway)


@alone
async def test_a_client_that_comes_back_late_hears_what_became_of_the_call():
    """The call itself has reached its limit; the place is still kept for a moment."""
    server = Asking()
    gateway, _ = before(server, call_maximum=0.4)
    server.rounds = 1
    retry = await parked(gateway)
    place = next(iter(gateway.stateless.parking._places.values()))
    place.timer.cancel()
    await until(lambda: server.cancelled)
    assert "did not answer" in text_of(await call(gateway, **retry))
    assert no_calls_left(gateway)


@alone
async def test_a_person_may_take_longer_than_a_server():
    """The patience for a silent server does not count while it waits for an answer, and counts again afterwards."""
    server = Asking()
    gateway, _ = before(server, call_timeout=0.1, call_maximum=30.0)
    retry = await parked(gateway)
    await asyncio.sleep(0.4)
    assert text_of(await call(gateway, **retry)) == "on"
    retry = await parked(gateway)
    for channel in server.channels:
        channel.waiting.clear()  # it will not say anything more
    assert "did not answer" in text_of(await call(gateway, **retry))


@alone
async def test_a_server_that_dies_while_parked_is_told_to_the_client():
    server = Asking(duplex=True)
    gateway, _ = before(server)
    retry = await parked(gateway)
    for channel in server.channels:
        channel.sink.closed(UpstreamError("closed", "server `a` ended"))
    reply = await call(gateway, **retry)
    assert reply["result"]["isError"] is True
    assert "ended" in text_of(reply)
    assert text_of(await call(gateway, **await parked(gateway))) == "on", "the next call finds a new session"
    assert no_calls_left(gateway)


@alone
async def test_a_server_that_answers_while_parked_has_its_answer_delivered():
    """It did not wait: the question is moot, the result is not."""
    server = Asking()
    gateway, _ = before(server)
    retry = await parked(gateway)
    (channel,) = [channel for channel in server.channels if channel.waiting]
    ((number, sink, _),) = channel.waiting.values()
    channel.say(jsonrpc.result(number, {"content": [{"type": "text", "text": "anyway"}]}), sink)
    await asyncio.sleep(0.02)
    assert text_of(await call(gateway, **retry)) == "anyway"
    assert (await call(gateway, **retry))["error"]["code"] == jsonrpc.INVALID_PARAMS
    assert no_calls_left(gateway)


@alone
async def test_a_server_that_is_removed_takes_its_parked_calls_with_it():
    server, other = Asking(), Asking()
    gateway, log = before(server)
    retry = await parked(gateway)
    sent = server.asked("tools/call")[0]["id"]
    await gateway.use_servers([settings("b", other)])
    await until(lambda: server.cancelled)
    assert server.cancelled == [sent]
    assert "call.abandoned" in log.methods()
    assert (await call(gateway, **retry))["error"]["code"] == jsonrpc.INVALID_PARAMS
    await until(lambda: not server.alive)
    assert no_calls_left(gateway)


@alone
async def test_a_handle_for_a_server_that_was_changed_is_not_good_for_its_successor():
    server, successor = Asking(), Asking()
    gateway, _ = before(server)
    retry = await parked(gateway)
    await gateway.use_servers([settings("a", successor)])
    assert (await call(gateway, **retry))["error"]["code"] == jsonrpc.INVALID_PARAMS
    assert not successor.answers
    assert text_of(await call(gateway, **await parked(gateway))) == "on"


@alone
async def test_a_running_call_survives_the_removal_of_its_server():
    """As a parked one cannot: nobody could come back for it."""
    server = Asking()
    gateway, _ = before(server)
    work = asyncio.create_task(call(gateway, **await parked(gateway)))
    channel = next(channel for channel in server.channels if channel.waiting)
    held = dict(channel.waiting)
    channel.waiting.clear()  # it does not answer at once
    await asyncio.sleep(0.02)
    await gateway.use_servers([])
    await asyncio.sleep(0.02)
    ((number, sink, _),) = held.values()
    channel.say(jsonrpc.result(number, {"content": [{"type": "text", "text": "late"}]}), sink)
    assert text_of(await work) == "late"


@alone
async def test_shutdown_ends_what_is_parked():
    server = Asking()
    gateway, _ = before(server)
    await parked(gateway)
    await gateway.close(0.1)
    assert len(server.cancelled) == 1
    assert not server.alive
    assert no_calls_left(gateway)


@alone
async def test_a_key_that_ends_ends_its_parked_calls_and_no_others():
    server = Asking()
    gateway, _ = before(server)
    of_alice, of_bob = await parked(gateway), await parked(gateway, BOB)
    gateway.stateless.end_unless(lambda principal: principal != ALICE)
    assert (await call(gateway, **of_alice))["error"]["code"] == jsonrpc.INVALID_PARAMS
    assert text_of(await call(gateway, BOB, **of_bob)) == "on"


@alone
async def test_a_retry_that_policy_no_longer_allows_is_refused():
    server = Asking()
    gateway, _ = before(server)
    retry = await parked(gateway)
    stricter, _ = gateway_of({}, {"key:bob": ["*/*"]})
    gateway.use_policy(stricter._policy)
    assert (await call(gateway, **retry))["error"]["code"] == jsonrpc.INVALID_PARAMS
    assert not server.answers


@alone
async def test_a_principal_has_a_bounded_number_of_parked_calls():
    """The oldest gives way: it hurts nobody else, and who never comes back does not shut itself out."""
    server = Asking()
    gateway, _ = before(server)
    of_bob = await parked(gateway, BOB)
    retries = [await parked(gateway, number=n) for n in range(parking.MAX_OWN + 5)]
    assert len(gateway.stateless.parking) == parking.MAX_OWN + 1
    for number, retry in enumerate(retries):
        reply = await call(gateway, number=number, **retry)
        assert ("error" in reply) is (number < 5)
    assert len(server.cancelled) == 5
    assert text_of(await call(gateway, BOB, **of_bob)) == "on"


@alone
async def test_the_process_has_a_bounded_number_of_parked_calls(monkeypatch):
    monkeypatch.setattr(parking, "MAX_PARKED", 3)
    server = Asking()
    gateway, _ = before(server)
    people = [Principal(f"key:p{n}", "key") for n in range(4)]
    gateway.use_policy(gateway_of({}, {p.id: ["*/*"] for p in people})[0]._policy)
    for each in people[:3]:
        await parked(gateway, each)
    reply = await call(gateway, people[3])
    assert reply["result"]["isError"] is True
    assert len(gateway.stateless.parking) == 3
    await until(lambda: len(server.cancelled) == 1)


@alone
async def test_what_is_asked_and_answered_is_recorded():
    server = Asking()
    gateway, log = before(server)
    await call(gateway, **await parked(gateway))
    found = [(e.direction, e.kind, e.method) for e in log.entries]
    assert ("to_client", "request", "elicitation/create") in found
    asked = found.index(("to_client", "request", "elicitation/create"))
    assert ("to_server", "result", "") in found[asked:]
    assert found.count(("to_server", "request", "tools/call")) == 2


@alone
async def test_nothing_is_asked_or_answered_that_cannot_be_recorded():
    server = Asking()
    gateway, log = before(server)
    retry = await parked(gateway)
    log.broken = True
    assert (await call(gateway, **retry))["result"]["isError"] is True
    assert not server.answers
    log.broken = False
    assert text_of(await call(gateway, **retry)) == "on", "and it has used nothing up"


# Sessions of a pipe


@alone
async def test_a_call_beside_a_parked_one_gets_a_process_of_its_own_within_bounds():
    """On a pipe its questions could not be told from those of the parked one. Beyond the bound the oldest gives way."""
    server = Asking(duplex=True)
    gateway, _ = before(server)
    retries = [await parked(gateway, number=n) for n in range(MAX_SESSIONS + 2)]
    assert server.alive == MAX_SESSIONS + 1
    for number, retry in enumerate(retries):
        reply = await call(gateway, number=number, **retry)
        assert ("error" in reply) is (number < 2)
    assert len(server.cancelled) == 2


@alone
async def test_when_all_sessions_are_taken_a_lesser_one_serves_but_never_a_greater_one():
    server = Asking(duplex=True)
    gateway, _ = before(server)
    for number in range(MAX_SESSIONS):
        await parked(gateway, number=number)

    def meta(capabilities: dict[str, Any]) -> dict[str, Any]:
        return {
            "_meta": {f"{PREFIX}protocolVersion": "2026-07-28", f"{PREFIX}clientCapabilities": capabilities}
        }

    work = asyncio.create_task(call(gateway, number=98, **meta({"elicitation": {}, "sampling": {}})))
    await until(lambda: len(server.asked("tools/call")) == MAX_SESSIONS + 1)
    work.cancel()
    for capabilities in ({}, {"sampling": {}}, {"elicitation": {"url": {}}}):
        reply = await call(gateway, number=99, **meta(capabilities))
        assert "too many sessions" in text_of(reply), capabilities
    assert len(server.asked("tools/call")) == MAX_SESSIONS + 1


@pytest.mark.parametrize("duplex", [False, True])
@alone
async def test_a_hundred_calls_leave_nothing_behind(duplex):
    server = Asking(rounds=2, duplex=duplex)
    gateway, _ = before(server)

    async def one(number: int) -> None:
        retry = await parked(gateway, number=number)
        again = (await call(gateway, number=number, **retry))["result"]
        if number % 3:
            last = {
                "inputResponses": dict.fromkeys(again["inputRequests"], YES),
                "requestState": again["requestState"],
            }
            assert text_of(await call(gateway, number=number, **last)) == "on"

    for number in range(100):
        await one(number)
    assert len(gateway.stateless.parking) == (MAX_SESSIONS if duplex else parking.MAX_OWN)
    await gateway.close(0.1)
    assert no_calls_left(gateway)
    assert not server.alive


@alone
async def test_a_parked_call_to_a_quarantined_tool_ends_and_the_log_says_why():
    server = Asking()
    gateway, log = before(server)
    await parked(gateway)
    gateway.use_quarantine(Held((Hold("tool:a/other", "test", 0.0),)))
    assert len(gateway.stateless.parking) == 1
    gateway.use_quarantine(Held((Hold("tool:a/ask", "test", 0.0),)))
    await until(lambda: no_calls_left(gateway) and server.cancelled)
    assert "it is quarantined" in [e.reason for e in log.entries if e.method == "call.abandoned"]
