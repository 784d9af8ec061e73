"""Large messages are looked at beside the loop: the loop goes on, order stays, and nothing gets through unseen."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from keepgate.gateway import heavy
from keepgate.gateway.heavy import BIG, WAITING, Heavy
from keepgate.model.message import Direction, Kind, Message
from keepgate.protocol import jsonrpc
from tests.detect.corpus import ORDER, SECRETS
from tests.gateway.lab import ALICE, FakeServer, Pipe, ask, gateway_of, initialized
from tests.gateway.test_review import alone, tool_server

ALL = {"key:alice": ["*/*"]}
KEY = SECRETS["secret.aws-access-key"][0]
TOOL = {"name": "t", "inputSchema": {"type": "object"}}
LONG = "The ferry leaves at nine from pier four. " * (BIG // 40 + 100)


def text(what: str) -> dict[str, Any]:
    return {"resultType": "complete", "content": [{"type": "text", "text": what}]}


class Watching:
    """Stands before the real look of a gateway and notes on which thread it is done."""

    def __init__(self, gateway: Any, monkeypatch: Any) -> None:
        self.threads: list[str] = []
        self.sizes: list[int] = []
        inner = gateway.enforcer.heavy
        real = inner._try

        def noting(message: Message, direction: Direction) -> Any:
            self.threads.append(threading.current_thread().name)
            self.sizes.append(message.size)
            return real(message, direction)

        monkeypatch.setattr(inner, "_try", noting)


@pytest.mark.parametrize(
    ("arguments", "result", "looks", "stopped"),
    [
        ("x", "x", 0, False),
        (LONG, "x", 1, False),
        ("x", LONG, 1, False),
        ("x", LONG + ORDER, 1, True),
        (LONG + "; cat /etc/passwd ../../../etc/shadow", "x", 1, True),
        (LONG, LONG, 2, False),
    ],
)
@alone
async def test_large_ones_are_looked_at_by_a_thread_and_judged_the_same(
    monkeypatch, arguments, result, looks, stopped
):
    server = tool_server(TOOL, tools_call=text(result))
    gateway, log = gateway_of({"a": server}, ALL)
    watching = Watching(gateway, monkeypatch)
    for _ in range(2):  # the second would take the fast lane
        answer = (await ask(gateway, ALICE, "tools/call", {"name": "a_t", "arguments": {"path": arguments}}))[
            "result"
        ]
        assert answer.get("isError", False) is stopped
        assert (result in answer["content"][0]["text"]) is not stopped
    assert len(watching.threads) == 2 * looks
    assert all(name.startswith("keepgate-look") for name in watching.threads)
    assert all(size > BIG for size in watching.sizes)
    assert all(entry.method != "internal.error" for entry in log.entries)


@alone
async def test_what_is_found_in_a_large_one_is_taken_out(monkeypatch):
    server = tool_server(TOOL, tools_call=text(f"{LONG} {KEY} {LONG}"))
    gateway, _ = gateway_of({"a": server}, ALL)
    answer = await ask(gateway, ALICE, "tools/call", {"name": "a_t", "arguments": {}})
    left = answer["result"]["content"][0]["text"]
    assert left == f"{LONG} [redacted:secret.aws-access-key] {LONG}"


@alone
async def test_a_look_that_fails_lets_nothing_through(monkeypatch):
    server = tool_server(TOOL, tools_call=text(LONG + ORDER))
    gateway, _ = gateway_of({"a": server}, ALL)

    def broken() -> Any:
        raise RuntimeError("x")

    monkeypatch.setattr(gateway.enforcer.heavy._looker, "apart", broken)
    answer = await ask(gateway, ALICE, "tools/call", {"name": "a_t", "arguments": {}})
    assert answer["result"]["isError"] is True
    assert ORDER not in answer["result"]["content"][0]["text"]


class Slow:
    """A looker whose looks end when they are told to."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Event()
        self.looks = 0

    def apart(self) -> Any:
        def look(message: Message, direction: Direction) -> list[Any]:
            self.looks += 1
            self.begun.set()
            self.go.wait(5)
            return []

        return look


@alone
async def test_the_loop_goes_on_and_who_goes_away_is_not_looked_for():
    slow = Slow()
    made = Heavy(slow)
    messages = [Message(Kind.RESULT, {"result": {}}, BIG + 1) for _ in range(3)]
    tasks = [asyncio.create_task(made.foresee(message, Direction.TO_CLIENT)) for message in messages]
    while not slow.begun.is_set():
        await asyncio.sleep(0.001)
    tasks[1].cancel()
    await asyncio.sleep(0)
    slow.go.set()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(done[1], asyncio.CancelledError)
    assert slow.looks == 2, "one that nobody waits for is not begun"
    assert [message.seen for message in messages] == [[], None, []]
    made.close()


def talking(count: int, size: int) -> FakeServer:
    """A handshake server that says so many notifications, each second one large, before it answers."""

    def reply(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        if method == "initialize":
            return initialized({"tools": {}, "logging": {}})
        if method == "tools/list":
            return {"tools": [TOOL]}
        if method != "tools/call":
            return {}
        channel = server.channels[-1]
        for number in range(count):
            data = f"{number}:" + "x " * (size if number % 2 == 0 else 1)
            channel.say(jsonrpc.notification("notifications/message", {"level": "info", "data": data}))
        token = params["_meta"]["progressToken"]
        channel.say(jsonrpc.notification("notifications/progress", {"progressToken": token, "progress": 1}))
        return {"content": []}

    server = FakeServer("handshake", reply)
    return server


@alone
async def test_order_is_kept_between_large_and_small_notifications_and_the_reply():
    server = talking(7, BIG)
    gateway, log = gateway_of({"a": server}, ALL)
    pipe = Pipe(gateway, ALICE)
    await pipe.initialize()
    params = {"name": "a_t", "arguments": {}, "_meta": {"progressToken": 5}}
    pipe.say(jsonrpc.request(1, "tools/call", params))
    await pipe.until(lambda: pipe.answer(1))
    said = [m for m in pipe.got if m.get("method", "").startswith("notifications/") or m.get("id") == 1]
    heard = [
        m["params"]["data"].partition(":")[0] for m in said if m.get("method") == "notifications/message"
    ]
    assert heard == [str(number) for number in range(7)]
    assert [m.get("method", "reply") for m in said[-2:]] == ["notifications/progress", "reply"]
    assert all(entry.method != "internal.error" for entry in log.entries)


@alone
async def test_what_waits_is_bounded(monkeypatch):
    monkeypatch.setattr(heavy, "WAITING", 3)
    gateway, log = gateway_of({"a": talking(40, BIG)}, ALL)
    pipe = Pipe(gateway, ALICE)
    await pipe.initialize()
    pipe.say(
        jsonrpc.request(1, "tools/call", {"name": "a_t", "arguments": {}, "_meta": {"progressToken": 5}})
    )
    assert "result" in await pipe.until(lambda: pipe.answer(1))
    assert WAITING > 3
    dropped = [entry for entry in log.entries if entry.method == "upstream.dropped"]
    assert dropped
    assert dropped[0].reason == "too many notifications behind a large one"
