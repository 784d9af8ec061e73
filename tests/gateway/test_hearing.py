"""What a handshake session hears of a stateless server, when that server does not behave."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from keepgate.gateway import hearing
from keepgate.model.errors import UpstreamError
from keepgate.protocol import jsonrpc
from tests.gateway.lab import ALICE, BOB, FakeChannel, FakeServer, Pipe, discovered, gateway_of
from tests.gateway.test_review import ALL, alone

ACK = "notifications/subscriptions/acknowledged"
UPDATED = "notifications/resources/updated"
TOOLS = "notifications/tools/list_changed"
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"
BOTH = {"tools": {"listChanged": True}, "resources": {"subscribe": True, "listChanged": True}}


class Telling(FakeServer):
    """A stateless server over HTTP that acknowledges every listen, unless told otherwise."""

    def __init__(self, capabilities: Mapping[str, Any] = BOTH, *, acknowledge: bool = True) -> None:
        super().__init__("stateless", self._answer, duplex=False)
        self.capabilities = capabilities
        self.acknowledge = acknowledge
        self.refuse: dict[str, Any] | None = None
        self.refused_uris: set[str] = set()
        self.listens: list[tuple[dict[str, Any], Any]] = []

    def _answer(self, method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        if method == "server/discover":
            return discovered(self.capabilities)
        if method == "subscriptions/listen":
            return self.refuse
        return {"resultType": "complete", "tools": [], "resources": [], "resourceTemplates": []}

    def channel(self, *, era: str) -> FakeChannel:
        self.channels.append(TellingChannel(self))
        return self.channels[-1]

    def say(self, method: str, at: int = -1, **params: Any) -> None:
        sent, sink = self.listens[at]
        whole = {**params, "_meta": {SUBSCRIPTION: sent["id"]}}
        self.channels[0].say(jsonrpc.notification(method, whole), sink)

    def end(self, at: int = -1) -> None:
        self.listens[at][1].closed(UpstreamError("closed", "gone"))

    @property
    def wanted(self) -> list[dict[str, Any]]:
        return [sent["params"]["notifications"] for sent, _ in self.listens]


class TellingChannel(FakeChannel):
    server: Telling

    def request(self, payload: bytes, headers: Mapping[str, str], sink: Any) -> FakeChannel:
        stream = super().request(payload, headers, sink)
        sent = self.sent[-1]
        if sent["method"] == "subscriptions/listen" and self.server.refuse is None:
            self.server.listens.append((sent, sink))
            if self.server.acknowledge:
                wanted = dict(sent["params"]["notifications"])
                uris = wanted.pop("resourceSubscriptions", None)
                if uris is not None:
                    wanted["resourceSubscriptions"] = [u for u in uris if u not in self.server.refused_uris]
                self.server.say(ACK, notifications=wanted)
        return stream


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(hearing, "PAUSE", 0.02)
    monkeypatch.setattr(hearing, "PATIENCE", 0.2)


async def session(server: FakeServer, principal: Any = ALICE, gateway: Any = None) -> Pipe:
    gateway = gateway or gateway_of({"a": server}, ALL)[0]
    pipe = Pipe(gateway, principal)
    await pipe.initialize()
    return pipe


async def subscribe(pipe: Pipe, uri: str, number: int, verb: str = "subscribe") -> dict[str, Any]:
    pipe.say(jsonrpc.request(number, f"resources/{verb}", {"uri": uri}))
    return await pipe.until(lambda: pipe.answer(number))


@alone
async def test_the_control_what_was_asked_for_is_heard():
    server = Telling()
    pipe = await session(server)
    await pipe.until(lambda: server.listens)
    assert server.wanted[-1] == {"toolsListChanged": True, "resourcesListChanged": True}
    server.say(TOOLS)
    await pipe.until(lambda: pipe.heard(TOOLS))
    assert SUBSCRIPTION not in str(pipe.heard(TOOLS))
    assert (await subscribe(pipe, "x://1", 5))["result"] == {}
    server.say(UPDATED, uri="x://1")
    await pipe.until(lambda: pipe.heard(UPDATED))
    assert pipe.heard(UPDATED)[0]["params"] == {"uri": "x://1"}


@alone
async def test_what_makes_no_sense_is_dropped_and_ends_nothing(monkeypatch):
    server = Telling()
    pipe = await session(server)
    await subscribe(pipe, "x://1", 5)
    _, sink = server.listens[-1]
    strange = ({"uri": ["x://1"]}, {"uri": {}}, {"notifications": {"resourceSubscriptions": 5}})
    for method in (UPDATED, ACK, TOOLS):
        for (
            params
        ) in strange:  # nothing may be raised into the transport: what it read with this would be lost
            sink.message(jsonrpc.encode(jsonrpc.notification(method, params)))
    monkeypatch.setattr(hearing.Hearing, "heard", lambda *_: 1 // 0)
    sink.message(jsonrpc.encode(jsonrpc.notification(TOOLS, {})))
    assert (await subscribe(pipe, "x://2", 6))["result"] == {}


@alone
async def test_a_server_that_promises_nothing_is_not_listened_to():
    server = Telling({"tools": {}, "resources": {}})
    pipe = await session(server)
    assert "error" in await subscribe(pipe, "x://1", 5)
    assert not server.listens


@alone
async def test_a_server_says_only_what_was_asked_for():
    """Nor of what was given up, nor on a listen that was replaced."""
    server = Telling()
    pipe = await session(server)
    for number, uri in enumerate(("x://1", "x://2"), 5):
        await subscribe(pipe, uri, number)
    await subscribe(pipe, "x://1", 7, "unsubscribe")
    for uri in ("x://1", "x://other", "x://2"):
        server.say(UPDATED, uri=uri)
    server.say(UPDATED, at=-2, uri="x://2")
    server.say(UPDATED, uri=["x://2"])
    await pipe.until(lambda: pipe.heard(UPDATED))
    await asyncio.sleep(0.02)
    assert [m["params"]["uri"] for m in pipe.heard(UPDATED)] == ["x://2"]


@alone
async def test_a_subscription_the_server_does_not_take_is_an_error_and_leaves_nothing():
    server = Telling()
    server.refused_uris = {"x://no"}
    pipe = await session(server)
    assert (await subscribe(pipe, "x://no", 5))["error"]["code"] == jsonrpc.RESOURCE_NOT_FOUND
    assert (await subscribe(pipe, "x://yes", 6))["result"] == {}
    assert server.wanted[-1]["resourceSubscriptions"] == ["x://yes"]


@alone
async def test_a_server_that_never_acknowledges_holds_up_nobody_for_ever():
    server = Telling(acknowledge=False)
    pipe = await session(server)
    assert "did not acknowledge" in str((await subscribe(pipe, "x://1", 5))["error"])
    pipe.say(jsonrpc.request(6, "tools/list", {}))
    await pipe.until(lambda: pipe.answer(6))


@alone
async def test_a_server_that_refuses_to_listen_is_left_alone():
    server = Telling()
    server.refuse = {"code": -32601, "message": "no"}
    pipe = await session(server)
    await pipe.until(lambda: server.asked("subscriptions/listen"))
    await asyncio.sleep(0.1)
    assert len(server.asked("subscriptions/listen")) == 1
    assert "error" in await subscribe(pipe, "x://1", 5), "asked again only when the client asks for something"
    server.refuse = None
    assert (await subscribe(pipe, "x://1", 6))["result"] == {}


@alone
async def test_a_listen_that_breaks_is_opened_again_and_the_client_told_to_look():
    server = Telling()
    pipe = await session(server)
    await subscribe(pipe, "x://1", 5)
    pipe.got.clear()
    before = len(server.listens)
    server.end()
    await pipe.until(lambda: pipe.heard(UPDATED))
    assert len(server.listens) == before + 1
    assert server.wanted[-1]["resourceSubscriptions"] == ["x://1"]
    assert len(pipe.heard(TOOLS)) == 1
    server.say(UPDATED, uri="x://1", n=2)
    await pipe.until(lambda: len(pipe.heard(UPDATED)) == 2)


@alone
async def test_a_server_that_ends_every_listen_is_asked_at_a_measured_pace(monkeypatch):
    monkeypatch.setattr(hearing, "PAUSE", 0.05)
    server = Telling()
    pipe = await session(server)
    for _ in range(4):
        await pipe.until(lambda: server.listens)
        server.end()
        server.listens.clear()
    assert len(server.asked("subscriptions/listen")) <= 5
    loop = asyncio.get_running_loop()
    start = loop.time()
    await pipe.until(lambda: len(server.asked("subscriptions/listen")) >= 5)
    assert loop.time() - start > 0.02


@alone
async def test_a_session_that_ends_leaves_no_listen():
    server = Telling()
    gateway, _ = gateway_of({"a": server}, ALL)
    pipe = await session(server, gateway=gateway)
    await subscribe(pipe, "x://1", 5)
    await pipe.front.finish(0.1)
    await asyncio.sleep(0.1)
    tasks = [task for task in asyncio.all_tasks() if "Hearing" in repr(task.get_coro())]
    assert not tasks
    assert len(server.listens) == len(server.asked("subscriptions/listen")), "and opens no other"


@alone
async def test_a_server_that_is_removed_is_not_listened_to_any_more():
    server = Telling()
    gateway, _ = gateway_of({"a": server}, ALL)
    pipe = await session(server, gateway=gateway)
    await subscribe(pipe, "x://1", 5)
    await gateway.use_servers([])
    await asyncio.sleep(0.1)
    asked = len(server.asked("subscriptions/listen"))
    await asyncio.sleep(0.1)
    assert len(server.asked("subscriptions/listen")) == asked
    assert not [task for task in asyncio.all_tasks() if "Hearing" in repr(task.get_coro())]


@alone
async def test_two_sessions_have_a_listen_each():
    server = Telling()
    gateway, _ = gateway_of({"a": server}, ALL)
    alice, bob = await session(server, ALICE, gateway), await session(server, BOB, gateway)
    await subscribe(alice, "x://alice", 5)
    await subscribe(bob, "x://bob", 5)
    for at in range(len(server.listens)):
        for uri in ("x://alice", "x://bob"):
            server.say(UPDATED, at=at, uri=uri)
    await alice.until(lambda: alice.heard(UPDATED))
    await bob.until(lambda: bob.heard(UPDATED))
    await asyncio.sleep(0.02)
    assert {m["params"]["uri"] for m in alice.heard(UPDATED)} == {"x://alice"}
    assert {m["params"]["uri"] for m in bob.heard(UPDATED)} == {"x://bob"}
