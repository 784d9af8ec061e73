"""Tasks of 2026-07-28 through the gateway: whose they are, who may still ask for them, what becomes of an outcome."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from keepgate.decide.guards.schema import Posture, SchemaRules, Schemas
from keepgate.gateway.enforce import Rules
from keepgate.gateway.settings import Limits
from keepgate.model.errors import UpstreamError
from keepgate.model.verdict import Edit, Effect, Verdict, deny
from keepgate.policy.engine import Engine
from keepgate.policy.roles import Grant, Role
from keepgate.protocol import jsonrpc, tasks
from tests.gateway.lab import ALICE, BOB, FakeServer, Heard, gateway_of, settings
from tests.gateway.task_lab import ALL, ON, SAYS, Tasks, alone, call, make, request

ABOUT = {"tasks/get": {}, "tasks/update": {"inputResponses": {}}, "tasks/cancel": {}}


def unknown(task_id: str) -> dict[str, Any]:
    return jsonrpc.error(1, jsonrpc.INVALID_PARAMS, "Task not found")


# Life of a task


@alone
async def test_a_task_is_made_followed_and_ends_under_an_id_of_our_own():
    server = Tasks(pollIntervalMs=5, **{"x-e2e": [1]})
    gateway, log = gateway_of({"a": server.server}, ALL)
    made = (await call(gateway, ALICE, "tools/call", {"name": "a_job", "arguments": {}}))["result"]
    task_id = made["taskId"]
    assert task_id != "1"
    assert len(task_id) >= 32
    assert made["ttlMs"] == 60_000
    assert made["x-e2e"] == [1]
    got = (await call(gateway, ALICE, "tasks/get", {"taskId": task_id}))["result"]
    assert got == {**made, "resultType": "complete"}
    assert server.asked("tasks/get")[-1]["params"]["taskId"] == "1"
    server.turn("1", "completed", result=SAYS)
    got = (await call(gateway, ALICE, "tasks/get", {"taskId": task_id}))["result"]
    assert (got["taskId"], got["status"], got["result"]) == (task_id, "completed", SAYS)
    assert (await call(gateway, ALICE, "tasks/cancel", {"taskId": task_id}))["result"] == {
        "resultType": "complete"
    }
    server.turn("1", "failed", error={"code": -32603, "message": "broke"})
    got = (await call(gateway, ALICE, "tasks/get", {"taskId": task_id}))["result"]
    assert got["error"] == {"code": -32603, "message": "broke"}
    assert "result" not in got, "only what belongs to the status is passed on"
    assert log.methods().count("tasks/get") == 3


@alone
async def test_questions_of_a_task_are_brought_to_the_client_and_answers_back():
    server = Tasks()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    task_id = await make(gateway, ALICE)
    question = {
        "method": "elicitation/create",
        "params": {"mode": "form", "message": "m", "requestedSchema": {}},
    }
    server.turn("1", "input_required", inputRequests={"k": question})
    got = (await call(gateway, ALICE, "tasks/get", {"taskId": task_id}))["result"]
    assert got["inputRequests"] == {"k": question}
    answers = {"k": {"action": "accept", "content": {"a": 1}}}
    ack = await call(gateway, ALICE, "tasks/update", {"taskId": task_id, "inputResponses": answers})
    assert ack["result"] == {"resultType": "complete"}
    sent = server.asked("tasks/update")[-1]["params"]
    assert (sent["taskId"], sent["inputResponses"]) == ("1", answers)


@pytest.mark.parametrize("undeclared", ["sampling/createMessage", "roots/list", "tools/call"])
@alone
async def test_a_task_asks_only_for_what_the_client_declared(undeclared):
    server = Tasks()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    task_id = await make(gateway, ALICE)
    server.turn("1", "input_required", inputRequests={"k": {"method": undeclared, "params": {}}})
    reply = await call(gateway, ALICE, "tasks/get", {"taskId": task_id})
    assert reply["error"]["code"] == jsonrpc.UNAVAILABLE


# Whose it is


@pytest.mark.parametrize("method", ABOUT)
@alone
async def test_another_principals_task_is_an_unknown_task(method):
    server = Tasks()
    gateway, log = gateway_of({"a": server.server}, ALL)
    task_id = await make(gateway, ALICE)
    replies = [
        await call(gateway, BOB, method, {"taskId": wanted, **ABOUT[method]})
        for wanted in (task_id, "1", "x" * len(task_id), "")
    ]
    assert replies == [unknown(task_id)] * 4
    assert not server.asked(method)
    assert [e.effect for e in log.entries if e.method == method] == ["deny"] * 4
    assert "result" in await call(gateway, ALICE, method, {"taskId": task_id, **ABOUT[method]}), (
        "it is alice's"
    )


@alone
async def test_guessing_ids_costs_what_any_request_costs():
    server = Tasks()
    gateway, _ = gateway_of({"a": server.server}, ALL, limits=Limits(requests_per_second=0.001, burst=5))
    task_id = await make(gateway, ALICE)
    for _ in range(8):
        await call(gateway, ALICE, "tasks/get", {"taskId": "guess"})
    reply = await call(gateway, ALICE, "tasks/get", {"taskId": task_id})
    assert reply["error"]["code"] == jsonrpc.RATE_LIMITED
    assert reply["error"]["data"]["retryAfter"] > 0


@alone
async def test_a_storm_of_polls_is_limited_like_any_other():
    server = Tasks()
    gateway, _ = gateway_of({"a": server.server}, ALL, limits=Limits(requests_per_second=0.001, burst=10))
    task_id = await make(gateway, ALICE)
    codes = [
        (await call(gateway, ALICE, "tasks/get", {"taskId": task_id})).get("error", {}).get("code")
        for _ in range(20)
    ]
    assert codes.count(None) <= 10
    assert set(codes) == {None, jsonrpc.RATE_LIMITED}
    assert len(server.asked("tasks/get")) <= 10


@pytest.mark.parametrize("method", ABOUT)
@alone
async def test_a_caller_that_does_not_declare_the_extension_is_told_what_is_missing(method):
    """Before anything is looked up, so that it says nothing of the id."""
    server = Tasks()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    task_id = await make(gateway, ALICE)
    for wanted in (task_id, "no such"):
        reply = await call(gateway, ALICE, method, {"taskId": wanted, **ABOUT[method]}, capabilities={})
        assert reply["error"]["code"] == -32021
        assert reply["error"]["data"] == {"requiredCapabilities": {"extensions": {tasks.EXTENSION: {}}}}


@alone
async def test_a_new_task_brings_no_outcome_and_no_question_past_the_checks():
    question = {"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 1}}
    server = Tasks(result=SAYS, error={"code": 1, "message": "m"}, inputRequests={"q": question})
    gateway, _ = gateway_of({"a": server.server}, ALL)
    made = await call(gateway, ALICE, "tools/call", {"name": "a_job", "arguments": {}})
    assert made["result"]["resultType"] == "task"
    assert made["result"].keys().isdisjoint(tasks.OUTCOMES)


@alone
async def test_a_caller_that_does_not_declare_the_extension_gets_no_task():
    server = Tasks()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    reply = await call(gateway, ALICE, "tools/call", {"name": "a_job", "arguments": {}}, capabilities={})
    assert reply["result"]["content"] == SAYS["content"]
    server.instead["tools/call"] = {"resultType": "task", "taskId": "7", "status": "working", "ttlMs": 1}
    reply = await call(gateway, ALICE, "tools/call", {"name": "a_job", "arguments": {}}, capabilities={})
    assert reply["result"]["isError"] is True
    assert "taskId" not in reply["result"]


@pytest.mark.parametrize("method", ["tasks/list", "tasks/result"])
@alone
async def test_methods_of_2025_are_unknown_in_2026(method):
    gateway, _ = gateway_of({"a": Tasks().server}, ALL)
    assert (await call(gateway, ALICE, method, {"taskId": "x"}))["error"]["code"] == jsonrpc.METHOD_NOT_FOUND


@alone
async def test_without_a_server_that_has_tasks_the_methods_do_not_exist():
    server = Tasks()
    server.instead["server/discover"] = {"resultType": "complete", "capabilities": {"tools": {}}}
    gateway, _ = gateway_of({"a": server.server}, ALL)
    for method, more in ABOUT.items():
        reply = await call(gateway, ALICE, method, {"taskId": "x", **more})
        assert reply["error"]["code"] == jsonrpc.METHOD_NOT_FOUND


@pytest.mark.parametrize("strange", [7, None, [], {}, True])
@alone
async def test_an_id_that_is_no_string_is_malformed(strange):
    gateway, _ = gateway_of({"a": Tasks().server}, ALL)
    await make(gateway, ALICE)
    assert (await call(gateway, ALICE, "tasks/get", {"taskId": strange}))["error"][
        "code"
    ] == jsonrpc.INVALID_PARAMS


# Which server has it


@alone
async def test_a_task_is_known_only_where_its_server_is():
    one, other = Tasks(), Tasks()
    gateway, _ = gateway_of({"a": one.server, "b": other.server}, ALL)
    task_id = await make(gateway, ALICE)
    await make(gateway, ALICE, "b_job")
    for mount in ("a", None):
        got = await call(gateway, ALICE, "tasks/get", {"taskId": task_id}, mount=mount)
        assert got["result"]["taskId"] == task_id
    assert await call(gateway, ALICE, "tasks/get", {"taskId": task_id}, mount="b") == unknown(task_id)
    assert not other.asked("tasks/get"), "an id of one server never reaches another"


@pytest.mark.parametrize("change", ["removed", "replaced"])
@alone
async def test_tasks_of_a_server_that_a_reload_took_away_are_unknown(change):
    server, new = Tasks(), Tasks()
    gateway, _ = gateway_of({"a": server.server, "b": Tasks().server}, ALL)
    task_id = await make(gateway, ALICE)
    kept = [upstream.settings for key, upstream in gateway.services.upstreams.items() if key == "b"]
    await gateway.use_servers([*kept, *([settings("a", new.server)] if change == "replaced" else [])])
    if change == "replaced":
        await make(gateway, BOB)
        assert list(new.made) == ["1"], "the new server has a task of the same id"
    assert await call(gateway, ALICE, "tasks/get", {"taskId": task_id}) == unknown(task_id)
    assert not new.asked("tasks/get")


@alone
async def test_a_task_made_while_its_server_is_replaced_is_not_the_new_servers():
    """The call ends after the reload: the new server may have a task of that id."""
    server, new = Tasks(), Tasks()
    server.instead["tools/call"] = None
    gateway, _ = gateway_of({"a": server.server}, ALL)
    await call(gateway, ALICE, "tools/list")
    running = asyncio.create_task(call(gateway, ALICE, "tools/call", {"name": "a_job", "arguments": {}}))
    async with asyncio.timeout(5):
        while not server.asked("tools/call"):
            await asyncio.sleep(0.005)
    await gateway.use_servers([settings("a", new.server)])
    channel = server.server.channels[-1]
    made = {"resultType": "task", "taskId": "1", "status": "working", "ttlMs": 5000}
    channel.say(jsonrpc.result(channel.sent[-1]["id"], made))
    task_id = (await running)["result"]["taskId"]
    new.server.duplex = server.server.duplex = False
    await make(gateway, BOB)
    gateway.services.tasks.ledger.table.find(task_id, ALICE.id).receiver = gateway.stateless._backends[
        "a"
    ].receiver
    assert await call(gateway, ALICE, "tasks/get", {"taskId": task_id}) == unknown(task_id)
    assert not new.asked("tasks/get")


@alone
async def test_a_reload_that_leaves_a_server_alone_leaves_its_tasks():
    server = Tasks()
    gateway, _ = gateway_of({"a": server.server, "b": Tasks().server}, ALL)
    task_id = await make(gateway, ALICE)
    await gateway.use_servers([settings("a", server.server)])
    assert (await call(gateway, ALICE, "tasks/get", {"taskId": task_id}))["result"]["taskId"] == task_id


@alone
async def test_ids_of_a_process_end_with_it():
    """It may number anew: the same id may be another's task in the next process."""
    server = Tasks()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    task_id = await make(gateway, ALICE)
    link = gateway.services.upstreams["a"].shared
    assert link is not None
    link.fail(UpstreamError("closed", "the process has ended"))
    server.made.clear()
    server.number = 0
    bobs = await make(gateway, BOB)
    assert await call(gateway, ALICE, "tasks/get", {"taskId": task_id}) == unknown(task_id)
    assert (await call(gateway, BOB, "tasks/get", {"taskId": bobs}))["result"]["taskId"] == bobs


@alone
async def test_ids_that_a_remote_server_gives_out_again_name_the_newest_task_only():
    server = Tasks()
    server.server.duplex, server.server.kind = False, "http"
    gateway, _ = gateway_of({"a": server.server}, ALL)
    alices = await make(gateway, ALICE)
    server.number = 0
    bobs = await make(gateway, BOB)
    assert await call(gateway, ALICE, "tasks/get", {"taskId": alices}) == unknown(alices)
    assert (await call(gateway, BOB, "tasks/get", {"taskId": bobs}))["result"]["taskId"] == bobs


@alone
async def test_a_server_that_forgot_a_task_is_not_asked_for_it_again():
    server = Tasks()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    task_id = await make(gateway, ALICE)
    server.made.clear()
    for _ in range(2):
        assert await call(gateway, ALICE, "tasks/get", {"taskId": task_id}) == unknown(task_id)
    assert len(server.asked("tasks/get")) == 1


@pytest.mark.parametrize(
    "strange",
    [
        {"taskId": "2", "status": "working", "ttlMs": 1},
        {"taskId": "1", "status": "done", "ttlMs": 1},
        {"taskId": "1", "status": "completed", "ttlMs": 1},
        {"taskId": "1", "status": "completed", "ttlMs": 1, "result": "text"},
        {"taskId": "1", "status": "failed", "ttlMs": 1, "error": {"code": "x"}},
        {"taskId": "1", "status": "input_required", "ttlMs": 1, "inputRequests": []},
        {"taskId": "1", "status": "working", "ttlMs": -5},
    ],
)
@alone
async def test_a_strange_answer_about_a_task_is_the_servers_failure(strange):
    server = Tasks()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    task_id = await make(gateway, ALICE)
    server.instead["tasks/get"] = {"resultType": "complete", **strange}
    reply = await call(gateway, ALICE, "tasks/get", {"taskId": task_id})
    assert reply["error"]["code"] in (jsonrpc.UNAVAILABLE, jsonrpc.INVALID_REQUEST)
    assert "2" not in str(reply.get("result", ""))


@pytest.mark.parametrize("method", ABOUT)
@alone
async def test_a_task_asks_for_input_only_as_a_task_does(method):
    """`input_required` is for calls: its `requestState` would go to the client unsealed."""
    server = Tasks()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    task_id = await make(gateway, ALICE)
    server.instead[method] = {"resultType": "input_required", "requestState": "bare", "inputRequests": {}}
    reply = await call(gateway, ALICE, method, {"taskId": task_id, **ABOUT[method]})
    assert reply["error"]["code"] == jsonrpc.UNAVAILABLE
    assert "bare" not in str(reply)


@alone
async def test_an_acknowledgement_does_not_tell_the_servers_id():
    server = Tasks()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    task_id = await make(gateway, ALICE)
    server.instead["tasks/cancel"] = {
        "resultType": "complete",
        "taskId": "1",
        "status": "working",
        "ttlMs": 5,
    }
    reply = await call(gateway, ALICE, "tasks/cancel", {"taskId": task_id})
    assert reply["result"]["taskId"] == task_id
    server.instead["tasks/get"] = {"resultType": "complete"}
    assert "error" in await call(gateway, ALICE, "tasks/get", {"taskId": task_id})


@pytest.mark.parametrize(
    "strange", [{}, {"taskId": 7}, {"status": "x"}, {"ttlMs": -1}, {"taskId": "t" * 2000}]
)
@alone
async def test_a_strange_new_task_is_the_servers_failure(strange):
    server = Tasks()
    made = {"resultType": "task", "taskId": "1", "status": "working", "ttlMs": 1}
    server.instead["tools/call"] = {"resultType": "task"} if not strange else {**made, **strange}
    gateway, _ = gateway_of({"a": server.server}, ALL)
    reply = await call(gateway, ALICE, "tools/call", {"name": "a_job", "arguments": {}})
    assert reply["result"]["isError"] is True
    assert len(gateway.services.tasks.ledger.table) == 0


# What policy says now


def allowing(*patterns: str) -> Engine:
    return Engine.compile({"r": Role(allow=patterns)}, [Grant("key:alice", "r"), Grant("key:bob", "r")])


@alone
async def test_a_grant_taken_away_takes_the_tasks_with_it():
    server = Tasks()
    gateway, log = gateway_of({"a": server.server}, ALL)
    task_id = await make(gateway, ALICE)
    gateway.use_policy(allowing("a/other"))
    for method, more in ABOUT.items():
        assert await call(gateway, ALICE, method, {"taskId": task_id, **more}) == unknown(task_id)
        assert not server.asked(method)
        assert (log.entries[-1].effect, log.entries[-1].name) == ("deny", "job")
    gateway.use_policy(allowing("a/job"))
    assert (await call(gateway, ALICE, "tasks/get", {"taskId": task_id}))["result"]["taskId"] == task_id


class NoSecrets:
    """A guard as content inspection will be: what a tool says must not contain the word."""

    id = "content"
    needs = frozenset()

    def check(self, exchange, facts):
        body = exchange.message.body
        text = str(body.get("result", {}).get("content", "")) + str(body.get("error", {}).get("message", ""))
        return deny("it is secret", guard=self.id) if "secret" in text else None


OUTCOMES = {
    "completed": {"result": {"content": [{"type": "text", "text": "a secret"}]}},
    "failed": {"error": {"code": -32603, "message": "a secret"}},
}


@pytest.mark.parametrize("status", OUTCOMES)
@alone
async def test_an_outcome_passes_the_chain_that_a_direct_reply_passes(status):
    server = Tasks()
    gateway, log = gateway_of({"a": server.server}, ALL)
    rules = gateway.enforcer.rules
    gateway.enforcer.rules = Rules((*rules.guards, NoSecrets()), rules.policy_hash)
    task_id = await make(gateway, ALICE)
    server.turn("1", status, **OUTCOMES[status])
    reply = await call(gateway, ALICE, "tasks/get", {"taskId": task_id})
    assert "a secret" not in str(reply)
    assert reply["result"]["status"] == status
    if status == "completed":
        assert reply["result"]["result"]["isError"] is True
    else:
        assert reply["result"]["error"]["code"] == jsonrpc.DENIED
    judged = [entry for entry in log.entries if entry.effect == "deny"]
    assert [(entry.name, entry.reason) for entry in judged] == [("job", "it is secret")]


class Redacting:
    """A guard that takes the first text out of a tool's result."""

    id = "content"
    needs = frozenset()

    def check(self, exchange, facts):
        if "content" not in exchange.message.body.get("result", {}):
            return None
        edit = Edit("/result/content/0/text", "[removed]")
        return Verdict(Effect.REDACT, "removed: it", self.id, edits=(edit,))


@alone
async def test_what_is_taken_out_of_an_outcome_is_taken_out():
    server = Tasks()
    gateway, log = gateway_of({"a": server.server}, ALL)
    rules = gateway.enforcer.rules
    gateway.enforcer.rules = Rules((*rules.guards, Redacting()), rules.policy_hash)
    task_id = await make(gateway, ALICE)
    server.turn("1", "completed", **OUTCOMES["completed"])
    reply = await call(gateway, ALICE, "tasks/get", {"taskId": task_id})
    assert reply["result"]["result"]["content"][0]["text"] == "[removed]"
    assert not [entry for entry in log.entries if b"a secret" in entry.payload]
    assert [entry.effect for entry in log.entries if entry.name == "job"].count("redact") == 1


@alone
async def test_an_outcome_is_held_to_the_tools_output_schema():
    server = Tasks()
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    tool = {"name": "job", "inputSchema": {"type": "object"}, "outputSchema": schema}
    server.instead["tools/list"] = {"resultType": "complete", "tools": [tool]}
    gateway, _ = gateway_of({"a": server.server}, ALL)
    rules = gateway.enforcer.rules
    strict = Schemas(SchemaRules(results=Posture.ENFORCE))
    gateway.enforcer.rules = Rules((*rules.guards, strict), rules.policy_hash)
    task_id = await make(gateway, ALICE)
    for number, fits in ((7, True), ("seven", False)):
        server.turn("1", "completed", result={**SAYS, "structuredContent": {"n": number}})
        reply = await call(gateway, ALICE, "tasks/get", {"taskId": task_id})
        assert reply["result"]["status"] == "completed"
        assert reply["result"]["result"].get("isError", False) is not fits


@alone
async def test_without_a_record_there_is_no_answer():
    server = Tasks()
    gateway, log = gateway_of({"a": server.server}, ALL)
    task_id = await make(gateway, ALICE)
    log.broken = True
    for wanted in (task_id, "no such"):
        reply = await call(gateway, ALICE, "tasks/get", {"taskId": wanted})
        assert reply["error"]["code"] == jsonrpc.UNDECIDED
    assert not server.asked("tasks/get")


# How many, how long


@alone
async def test_endless_creation_ends_where_the_extension_is_no_longer_offered():
    server = Tasks()
    gateway, _ = gateway_of({"a": server.server}, ALL, limits=Limits(tasks=3))
    ids = [await make(gateway, ALICE) for _ in range(3)]
    reply = await call(gateway, ALICE, "tools/call", {"name": "a_job", "arguments": {}})
    assert reply["result"]["content"] == SAYS["content"], "the server had to answer at once"
    assert len(gateway.services.tasks.ledger.table) == 3
    await make(gateway, BOB)  # nobody else is affected
    server.turn("1", "completed", result=SAYS)
    await call(gateway, ALICE, "tasks/get", {"taskId": ids[0]})
    ids.append(await make(gateway, ALICE))
    assert len(gateway.services.tasks.ledger.table) == 4
    assert await call(gateway, ALICE, "tasks/get", {"taskId": ids[0]}) == unknown(ids[0]), "it had ended"
    for kept in ids[1:]:
        assert "result" in await call(gateway, ALICE, "tasks/get", {"taskId": kept})


@alone
async def test_a_server_that_makes_tasks_unasked_cannot_fill_the_table():
    server = Tasks()
    count = iter(range(1000))
    server.instead["tools/call"] = lambda _: {
        "resultType": "task", "taskId": f"t{next(count)}", "status": "working", "ttlMs": None,
    }  # fmt: skip
    gateway, _ = gateway_of({"a": server.server}, ALL, limits=Limits(tasks=3))
    for _ in range(10):
        await call(gateway, ALICE, "tools/call", {"name": "a_job", "arguments": {}})
    assert len(gateway.services.tasks.ledger.table) <= 3


@pytest.mark.parametrize("ttl", [None, 10**15, 1e300])
@alone
async def test_no_task_is_kept_without_end(ttl):
    server = Tasks(ttlMs=ttl)
    gateway, _ = gateway_of({"a": server.server}, ALL, limits=Limits(task_ttl=7.0))
    result = (await call(gateway, ALICE, "tools/call", {"name": "a_job", "arguments": {}}))["result"]
    assert result["ttlMs"] == 7000, "the client is told how long it can count on"


# Notifications


async def listening(gateway: Any, who: Any, wanted: list[Any], capabilities: Any = ON) -> tuple[Heard, Any]:
    heard = Heard()
    message = request("subscriptions/listen", {"notifications": {"taskIds": wanted}}, capabilities)
    running = asyncio.create_task(gateway.stateless.request(message, who, None, None, heard))
    async with asyncio.timeout(5):
        while not heard.messages and not heard.answers:
            await asyncio.sleep(0.005)
    return heard, running


def acknowledging(server: Tasks) -> FakeServer:
    def listen(params: Any) -> None:
        channel = server.server.channels[-1]
        sent = channel.sent[-1]
        ack = {
            "notifications": params["notifications"],
            "_meta": {"io.modelcontextprotocol/subscriptionId": sent["id"]},
        }
        channel.say(jsonrpc.notification("notifications/subscriptions/acknowledged", ack))

    server.instead["subscriptions/listen"] = listen
    return server.server


def tell(server: FakeServer, **task: Any) -> None:
    channel = server.channels[-1]
    number = next(m["id"] for m in channel.sent if m.get("method") == "subscriptions/listen")
    meta = {"io.modelcontextprotocol/subscriptionId": number}
    channel.say(jsonrpc.notification(tasks.CHANGED, {"ttlMs": 5, **task, "_meta": meta}))


@alone
async def test_a_listener_hears_of_its_own_tasks_only():
    server = Tasks()
    fake = acknowledging(server)
    gateway, log = gateway_of({"a": fake}, ALL)
    mine, other = await make(gateway, ALICE), await make(gateway, ALICE)
    foreign = await make(gateway, BOB)
    heard, running = await listening(gateway, ALICE, [mine, foreign, "guess", 7])
    assert heard.messages[0]["params"]["notifications"] == {"taskIds": [mine]}
    assert fake.asked("subscriptions/listen")[0]["params"]["notifications"] == {"taskIds": ["1"]}
    tell(fake, taskId="3", status="completed", result=SAYS)  # bob's
    tell(fake, taskId="2", status="working")  # alice's, not asked for
    tell(fake, taskId="nobody", status="working")
    tell(fake, taskId="1", status="strange")
    tell(fake, taskId="1", status="completed", result=SAYS, inputRequests={})
    async with asyncio.timeout(5):
        while len(heard.messages) < 2:
            await asyncio.sleep(0.005)
    told = heard.messages[1]["params"]
    assert (told["taskId"], told["status"], told["result"]) == (mine, "completed", SAYS)
    assert told["_meta"]["io.modelcontextprotocol/subscriptionId"] == 1
    assert "inputRequests" not in told
    assert other not in str(heard.messages)
    assert log.entries[-1].method == tasks.CHANGED
    running.cancel()


@alone
async def test_an_outcome_in_a_notification_passes_the_chain_too():
    server = Tasks()
    fake = acknowledging(server)
    gateway, _ = gateway_of({"a": fake}, ALL)
    rules = gateway.enforcer.rules
    gateway.enforcer.rules = Rules((*rules.guards, NoSecrets()), rules.policy_hash)
    heard, running = await listening(gateway, ALICE, [await make(gateway, ALICE)])
    tell(fake, taskId="1", status="completed", **OUTCOMES["completed"])
    async with asyncio.timeout(5):
        while len(heard.messages) < 2:
            await asyncio.sleep(0.005)
    assert heard.messages[1]["params"]["result"]["isError"] is True
    assert "a secret" not in str(heard.messages)
    running.cancel()


@alone
async def test_a_grant_taken_away_ends_the_news():
    server = Tasks()
    fake = acknowledging(server)
    gateway, _ = gateway_of({"a": fake}, ALL)
    heard, running = await listening(gateway, ALICE, [await make(gateway, ALICE)])
    gateway.use_policy(allowing("a/other"))
    tell(fake, taskId="1", status="working")
    await asyncio.sleep(0.05)
    assert [m["method"] for m in heard.messages] == ["notifications/subscriptions/acknowledged"]
    running.cancel()


@alone
async def test_listening_for_tasks_needs_the_extension():
    server = Tasks()
    gateway, _ = gateway_of({"a": acknowledging(server)}, ALL)
    task_id = await make(gateway, ALICE)
    heard, running = await listening(gateway, ALICE, [task_id], capabilities={})
    await running
    assert heard.answers[0]["error"]["code"] == -32021
    assert heard.answers[0]["error"]["data"] == tasks.REQUIRED
