"""Tasks of handshake servers for stateless clients: bounds, ends, and servers that do not keep to what they said."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from keepgate.gateway import down_tasks, task_table
from keepgate.gateway.settings import Limits
from keepgate.protocol import jsonrpc, tasks
from tests.gateway.lab import ALICE, BOB, FakeServer, gateway_of, settings
from tests.gateway.task_lab import ALL, ON, SAYS, Tasks, alone, call, make
from tests.gateway.test_task_relay import unknown
from tests.gateway.test_tasks_handshake import naive

FORM = {"mode": "form", "message": "m", "requestedSchema": {"type": "object", "properties": {}}}


def old_server(support: str = "optional", **more: Any) -> Tasks:
    """A handshake server whose `job` may be a task, and whose results never come by themselves."""
    server = naive(**more)
    tool = {"name": "job", "inputSchema": {"type": "object"}, "execution": {"taskSupport": support}}
    server.instead["tools/list"] = {"tools": [tool]}
    server.instead["tasks/result"] = None
    return server


def finish(server: Tasks, outcome: dict[str, Any], which: int = -1) -> None:
    """Answer the `tasks/result` that waits."""
    channel = server.server.channels[-1]
    waiting = [
        (sent, sink)
        for sent, sink in zip((m for m in channel.sent if "id" in m), channel.calls, strict=False)
        if sent["method"] == "tasks/result"
    ]
    sent, sink = waiting[which]
    kind = "error" if "code" in outcome else "result"
    channel.say({"jsonrpc": "2.0", "id": sent["id"], kind: outcome}, sink)


async def until(true: Any) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.005)


async def state(gateway: Any, task_id: str, who: Any = ALICE) -> dict[str, Any]:
    return (await call(gateway, who, "tasks/get", {"taskId": task_id}))["result"]  # type: ignore[no-any-return]


def sessions(server: FakeServer) -> list[Any]:
    """Those that have made tasks."""
    return [c for c in server.channels if any(m.get("method") == "tools/call" for m in c.sent)]


@alone
async def test_the_outcome_is_fetched_once_and_kept():
    server = old_server()
    gateway, log = gateway_of({"a": server.server}, ALL)
    task_id = await make(gateway, ALICE)
    assert server.asked("tools/call")[0]["params"]["task"] == {"ttl": 86_400_000}
    assert (await state(gateway, task_id))["status"] == "working"
    finish(server, {**SAYS, "_meta": {tasks.RELATED_KEY: {"taskId": "1"}, "x": 1}})
    server.turn("1", "completed")
    for _ in range(3):
        got = await state(gateway, task_id)
        assert (got["status"], got["result"]) == ("completed", {**SAYS, "_meta": {"x": 1}})
    assert len(server.asked("tasks/result")) == 1
    polls = len(server.asked("tasks/get"))
    await state(gateway, task_id)
    assert len(server.asked("tasks/get")) == polls, "a task that has ended is not asked for"
    assert [entry.name for entry in log.entries].count("job") >= 3


@alone
async def test_the_session_is_held_as_long_as_the_task_runs_and_no_longer():
    server = old_server()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    task_id = await make(gateway, ALICE)
    (session,) = sessions(server.server)
    backend = gateway.stateless._backends["a"]
    await backend.sweep(float("inf"))
    assert not session.ended
    finish(server, SAYS)
    server.turn("1", "completed")
    await state(gateway, task_id)
    await backend.sweep(float("inf"))
    await until(lambda: session.ended)
    assert (await state(gateway, task_id))["result"] == SAYS, "the outcome does not need it"


@alone
async def test_a_task_nobody_comes_for_ends_with_its_lifetime(monkeypatch):
    monkeypatch.setattr(down_tasks, "GRACE", 0.0)
    monkeypatch.setattr(task_table, "GRACE", 0.0)
    server = old_server(ttl=30)
    gateway, _ = gateway_of({"a": server.server}, ALL)
    task_id = await make(gateway, ALICE)
    await until(lambda: server.asked("tasks/cancel"))
    assert server.asked("notifications/cancelled"), "and nobody waits for its result"
    assert await call(gateway, ALICE, "tasks/get", {"taskId": task_id}) == unknown(task_id)


@alone
async def test_outcomes_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(down_tasks, "MAX_BYTES", 3000)
    server = old_server()
    server.instead["tasks/result"] = {"content": [{"type": "text", "text": "x" * 1000}]}
    gateway, _ = gateway_of({"a": server.server}, ALL)
    ids = []
    for number in range(1, 8):
        ids.append(await make(gateway, ALICE))
        server.turn(str(number), "completed")
        assert (await state(gateway, ids[-1]))["status"] == "completed"
    assert await call(gateway, ALICE, "tasks/get", {"taskId": ids[0]}) == unknown(ids[0])
    assert (await state(gateway, ids[-1]))["status"] == "completed"


@alone
async def test_outcomes_that_come_later_do_not_fill_the_memory_nor_push_out_anothers(monkeypatch):
    monkeypatch.setattr(down_tasks, "MAX_BYTES", 4000)
    server = old_server()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    large = {"content": [{"type": "text", "text": "x" * 1000}]}
    bobs = await make(gateway, BOB)
    server.turn("1", "completed")
    finish(server, large)
    assert (await state(gateway, bobs, BOB))["status"] == "completed"
    ids = [await make(gateway, ALICE) for _ in range(6)]
    for number in range(6):
        finish(server, large, number)
        server.turn(str(number + 2), "completed")
    await asyncio.sleep(0.05)
    kept = [each for each in ids if "result" in await call(gateway, ALICE, "tasks/get", {"taskId": each})]
    assert kept == ids[-2:]
    assert (await state(gateway, bobs, BOB))["status"] == "completed"


@alone
async def test_a_server_taken_away_takes_its_tasks():
    server = old_server()
    gateway, _ = gateway_of({"a": server.server, "b": Tasks().server}, ALL)
    task_id = await make(gateway, ALICE)
    other = [u.settings for key, u in gateway.services.upstreams.items() if key == "b"]
    await gateway.use_servers([*other, settings("a", old_server().server)])
    assert await call(gateway, ALICE, "tasks/get", {"taskId": task_id}) == unknown(task_id)
    await until(lambda: server.asked("tasks/cancel") or all(c.ended for c in server.server.channels))


@alone
async def test_questions_the_client_did_not_declare_are_refused():
    server = old_server()
    gateway, log = gateway_of({"a": server.server}, ALL)
    task_id = await make(gateway, ALICE)
    (session,) = sessions(server.server)
    related = {"_meta": {tasks.RELATED_KEY: {"taskId": "1"}}}
    for number, method in enumerate(("sampling/createMessage", "tasks/get", "roots/list")):
        session.say(jsonrpc.request(f"q{number}", method, {"messages": [], **related}))
    await until(lambda: sum("error" in m for m in session.sent) == 3)
    assert (await state(gateway, task_id))["status"] == "working"
    session.say(jsonrpc.request("ok", "elicitation/create", {**FORM, **related}))
    await until(lambda: "elicitation/create" in log.methods())
    got = await state(gateway, task_id)
    ((key, question),) = got["inputRequests"].items()
    assert (got["status"], question["params"]) == ("input_required", FORM)
    for answers, code in (
        ({key: 7}, jsonrpc.INVALID_PARAMS),
        ({"other": {}}, None),
        ({key: {"action": "accept"}}, None),
    ):
        reply = await call(gateway, ALICE, "tasks/update", {"taskId": task_id, "inputResponses": answers})
        assert reply.get("error", {}).get("code") == code
    answer = next(m for m in session.sent if m.get("id") == "ok")
    assert answer["result"] == {"action": "accept"}
    assert (await state(gateway, task_id))["status"] == "working"


@alone
async def test_a_question_naming_a_task_of_another_is_put_to_nobody():
    server = old_server()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    alices, bobs = await make(gateway, ALICE), await make(gateway, BOB)
    first = sessions(server.server)[0]
    first.say(
        jsonrpc.request("q", "elicitation/create", {**FORM, "_meta": {tasks.RELATED_KEY: {"taskId": "2"}}})
    )
    await until(lambda: any("error" in m for m in first.sent))
    for task_id, who in ((alices, ALICE), (bobs, BOB)):
        assert (await state(gateway, task_id, who))["status"] == "working"


@pytest.mark.parametrize(
    "strange",
    [{"task": {}}, {"task": {"taskId": "1"}}, {"task": {"taskId": 7, "status": "working"}},
     {"task": {"taskId": "1", "status": "working", "ttl": -1}}],
)  # fmt: skip
@alone
async def test_a_strange_task_fails_the_call(strange):
    server = old_server()
    server.instead["tools/call"] = strange
    gateway, _ = gateway_of({"a": server.server}, ALL)
    reply = await call(gateway, ALICE, "tools/call", {"name": "a_job", "arguments": {}})
    assert reply["result"]["isError"] is True
    assert len(gateway.services.tasks.ledger.table) == 0


@alone
async def test_a_server_that_answers_at_once_is_taken_at_its_word():
    server = old_server()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    for said, got in ((SAYS, SAYS["content"]), ({"code": -32603, "message": "no"}, None)):
        server.instead["tools/call"] = said
        reply = await call(gateway, ALICE, "tools/call", {"name": "a_job", "arguments": {}})
        assert reply.get("result", {}).get("content") == got
        assert ("error" in reply) is (got is None)


@alone
async def test_an_error_in_place_of_a_result_fails_the_task_with_it():
    server = old_server()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    task_id = await make(gateway, ALICE)
    finish(server, {"code": -32002, "message": "not there", "data": {"uri": "x"}})
    server.turn("1", "failed")
    got = await state(gateway, task_id)
    assert (got["status"], got["error"]["code"]) == ("failed", jsonrpc.INVALID_PARAMS), (
        "-32002 is not of this era"
    )


@alone
async def test_waiting_outlasts_the_time_of_a_call():
    """`limits.call_maximum` bounds a call. A task is no call: its result is asked for again."""
    server = old_server()
    gateway, _ = gateway_of({"a": server.server}, ALL, limits=Limits(call_timeout=0.05, call_maximum=0.1))
    task_id = await make(gateway, ALICE)
    await until(lambda: len(server.asked("tasks/result")) >= 3)
    assert (await state(gateway, task_id))["status"] == "working"
    assert not server.asked("tasks/cancel")
    finish(server, SAYS)
    server.turn("1", "completed")
    assert (await state(gateway, task_id))["result"] == SAYS


@alone
async def test_a_lost_connection_fails_the_task():
    server = old_server()
    server.server.duplex, server.server.kind = True, "stdio"
    gateway, _ = gateway_of({"a": server.server}, ALL)
    task_id = await make(gateway, ALICE)
    (session,) = sessions(server.server)
    session.sink.closed(None)
    server.instead["tasks/get"] = {"code": -32602, "message": "never heard of it"}
    got = await state(gateway, task_id)
    assert (got["status"], got["error"]["code"]) == ("failed", jsonrpc.UNAVAILABLE)


@alone
async def test_a_tool_that_must_be_a_task_is_waited_for_and_given_up_with_its_call():
    server = old_server("required")
    gateway, _ = gateway_of({"a": server.server}, ALL, limits=Limits(call_timeout=0.05, call_maximum=0.2))
    reply = await call(gateway, ALICE, "tools/call", {"name": "a_job", "arguments": {}}, capabilities={})
    assert reply["result"]["isError"] is True
    await until(lambda: server.asked("tasks/cancel"))
    assert len(gateway.services.tasks.ledger.table) == 0


@alone
async def test_the_older_eras_wish_for_a_task_does_not_reach_the_server():
    server = old_server("forbidden")
    gateway, _ = gateway_of({"a": server.server}, ALL)
    params = {"name": "a_job", "arguments": {}, "task": {"ttl": 5}}
    for capabilities in ({}, ON):
        await call(gateway, ALICE, "tools/call", params, capabilities=capabilities)
    assert all("task" not in sent["params"] for sent in server.asked("tools/call"))


@alone
async def test_an_ended_key_ends_its_tasks():
    server = old_server()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    alices, bobs = await make(gateway, ALICE), await make(gateway, BOB)
    gateway.stateless.end_unless(lambda principal: principal != ALICE)
    await until(lambda: server.asked("tasks/cancel"))
    assert [sent["params"]["taskId"] for sent in server.asked("tasks/cancel")] == ["1"]
    assert await call(gateway, ALICE, "tasks/get", {"taskId": alices}) == unknown(alices)
    assert (await state(gateway, bobs, BOB))["status"] == "working"


@alone
async def test_nothing_is_left_when_the_gateway_ends():
    server = old_server()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    await make(gateway, ALICE)
    await gateway.close(0)
    await asyncio.sleep(0.05)
    assert server.server.alive == 0
    others = [str(task.get_coro()) for task in asyncio.all_tasks()]
    assert not [each for each in others if "wait_for" not in each and "test_nothing" not in each]
