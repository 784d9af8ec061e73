"""Tasks of 2025-11-25 through the gateway, in both directions: a client's at servers, and a server's at its client."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from keepgate.decide.facts import Fact
from keepgate.gateway import lasting
from keepgate.gateway.enforce import Rules
from keepgate.gateway.settings import Limits
from keepgate.protocol import jsonrpc, tasks
from tests.gateway.lab import ALICE, BOB, FakeServer, Pipe, gateway_of, initialized
from tests.gateway.task_lab import ALL, OLD, SAYS, Tasks, alone, call
from tests.gateway.test_task_relay import NoSecrets, allowing, unknown

CLIENT = {
    "sampling": {},
    "elicitation": {},
    "tasks": {
        "list": {},
        "cancel": {},
        "requests": {"sampling": {"createMessage": {}}, "elicitation": {"create": {}}},
    },
}


class Client(Pipe):
    """A client on a pipe that counts its requests."""

    number = 0

    async def request(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        self.number += 1
        self.say(jsonrpc.request(self.number, method, params or {}))
        return await self.until(partial(self.answer, self.number))  # type: ignore[no-any-return]

    async def make(self, name: str = "a_job", **task: Any) -> str:
        made = await self.request("tools/call", {"name": name, "arguments": {}, "task": task})
        return str(made["result"]["task"]["taskId"])


async def client_of(gateway: Any, who: Any = ALICE, capabilities: Any = None) -> Client:
    client = Client(gateway, who)
    await client.initialize(capabilities)
    return client


def naive(**more: Any) -> Tasks:
    """A remote server: its tasks do not end with a process."""
    server = Tasks("handshake", **more)
    server.server.duplex, server.server.kind = False, "http"
    return server


# A client's tasks


@alone
async def test_a_call_asked_for_as_a_task_is_followed_to_its_result():
    server = naive(pollInterval=5, **{"x-e2e": [1]})
    gateway, _ = gateway_of({"a": server.server}, ALL)
    client = await client_of(gateway)
    assert client.answer(0)["result"]["capabilities"]["tasks"] == OLD["tasks"]
    reply = await client.request("tools/call", {"name": "a_job", "arguments": {}, "task": {"ttl": 5000}})
    made = reply["result"]["task"]
    task_id = made["taskId"]
    assert task_id != "1"
    assert len(task_id) >= 32
    assert made["x-e2e"] == [1]
    assert server.asked("tools/call")[0]["params"]["task"] == {"ttl": 5000}
    server.turn("1", "completed")
    got = (await client.request("tasks/get", {"taskId": task_id}))["result"]
    assert got == {**made, "status": "completed"}
    result = (await client.request("tasks/result", {"taskId": task_id}))["result"]
    assert result["content"] == SAYS["content"]
    assert result["_meta"] == {tasks.RELATED_KEY: {"taskId": task_id}}
    assert server.asked("tasks/result")[0]["params"]["taskId"] == "1"


@pytest.mark.parametrize("method", ["tasks/get", "tasks/result", "tasks/cancel"])
@alone
async def test_another_principals_task_is_an_unknown_task(method):
    server = naive()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    alice, bob = await client_of(gateway), await client_of(gateway, BOB)
    task_id = await alice.make()
    for wanted in (task_id, "1", "guess"):
        assert (await bob.request(method, {"taskId": wanted}))["error"] == unknown("")["error"]
    assert not server.asked(method)
    assert "result" in await alice.request(method, {"taskId": task_id})


@alone
async def test_tasks_of_one_era_are_unknown_in_the_other():
    server, modern = naive(), Tasks()
    gateway, _ = gateway_of({"a": server.server, "b": modern.server}, ALL)
    client = await client_of(gateway)
    task_id = await client.make()
    assert await call(gateway, ALICE, "tasks/get", {"taskId": task_id}) == unknown(task_id)
    assert (await client.request("tasks/get", {"taskId": task_id}))["result"]["taskId"] == task_id


@alone
async def test_a_task_outlives_the_session_that_made_it():
    server = naive()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    first = await client_of(gateway)
    task_id = await first.make()
    await first.front.finish(0)
    second = await client_of(gateway)
    assert (await second.request("tasks/get", {"taskId": task_id}))["result"]["taskId"] == task_id


@alone
async def test_a_task_on_a_pipe_ends_with_the_session_that_made_it():
    """Each session has a process of its own, and each process may number from 1."""
    server = Tasks("handshake")
    gateway, _ = gateway_of({"a": server.server}, ALL)
    first, second = await client_of(gateway), await client_of(gateway)
    task_id = await first.make()
    assert (await second.request("tasks/get", {"taskId": task_id}))["error"] == unknown("")["error"]
    assert not server.asked("tasks/get")
    assert (await first.request("tasks/get", {"taskId": task_id}))["result"]["taskId"] == task_id


@alone
async def test_the_list_has_ones_own_tasks_whatever_the_server_lists():
    one, other = naive(), naive()
    gateway, _ = gateway_of({"a": one.server, "b": other.server}, ALL)
    alice, bob = await client_of(gateway), await client_of(gateway, BOB)
    mine = [await alice.make(), await alice.make("b_job")]
    foreign = await bob.make()
    one.turn("1", "completed", statusMessage="ready")
    listed = (await alice.request("tasks/list"))["result"]["tasks"]
    assert [task["taskId"] for task in listed] == mine
    assert [task["status"] for task in listed] == ["completed", "working"], "as the servers say now"
    assert listed[0]["statusMessage"] == "ready"
    assert [t["taskId"] for t in (await bob.request("tasks/list"))["result"]["tasks"]] == [foreign]
    gateway.use_policy(allowing("a/*"))
    assert [t["taskId"] for t in (await alice.request("tasks/list"))["result"]["tasks"]] == mine[:1]


@alone
async def test_a_server_that_cannot_list_does_not_fail_the_list():
    server = naive()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    client = await client_of(gateway)
    task_id = await client.make()
    for broken in (
        {"code": -32603, "message": "no"},
        {"tasks": 7},
        {"tasks": ["x"]},
        {"tasks": [{"taskId": "1"}]},
    ):
        server.instead["tasks/list"] = broken
        listed = (await client.request("tasks/list"))["result"]["tasks"]
        assert [task["taskId"] for task in listed] == [task_id]


@alone
async def test_a_server_that_lists_without_end_is_left_alone():
    server = naive()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    client = await client_of(gateway)
    task_id = await client.make()
    server.instead["tasks/list"] = {"tasks": [], "nextCursor": "on"}
    assert [t["taskId"] for t in (await client.request("tasks/list"))["result"]["tasks"]] == [task_id]
    assert len(server.asked("tasks/list")) <= 20


@alone
async def test_long_lists_come_in_pages_and_cursors_are_ones_own():
    server = naive()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    alice, bob = await client_of(gateway), await client_of(gateway, BOB)
    mine = [await alice.make() for _ in range(120)]
    await bob.make()
    first = (await alice.request("tasks/list"))["result"]
    rest = (await alice.request("tasks/list", {"cursor": first["nextCursor"]}))["result"]
    assert [t["taskId"] for t in first["tasks"] + rest["tasks"]] == mine
    assert "nextCursor" not in rest
    for cursor in (first["nextCursor"], "guess", "", 7):
        assert (await bob.request("tasks/list", {"cursor": cursor}))["error"][
            "code"
        ] == jsonrpc.INVALID_PARAMS


@pytest.mark.parametrize("task", [7, [], {"ttl": -1}, {"ttl": "long"}, {"ttl": True}])
@alone
async def test_a_strange_lifetime_is_refused_before_anything_runs(task):
    server = naive()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    client = await client_of(gateway)
    reply = await client.request("tools/call", {"name": "a_job", "arguments": {}, "task": task})
    assert reply["error"]["code"] == jsonrpc.INVALID_PARAMS
    assert not server.asked("tools/call")


@alone
async def test_a_lifetime_beyond_the_limit_is_cut():
    server = naive(ttl=10**14)
    gateway, _ = gateway_of({"a": server.server}, ALL, limits=Limits(task_ttl=9))
    client = await client_of(gateway)
    call = {"name": "a_job", "arguments": {}, "task": {"ttl": 10**15}}
    reply = await client.request("tools/call", call)
    assert server.asked("tools/call")[0]["params"]["task"]["ttl"] == 9000
    assert reply["result"]["task"]["ttl"] == 9000


@alone
async def test_one_task_too_many_is_refused_before_it_runs():
    server = naive()
    gateway, _ = gateway_of({"a": server.server}, ALL, limits=Limits(tasks=2))
    client = await client_of(gateway)
    first, _ = await client.make(), await client.make()
    reply = await client.request("tools/call", {"name": "a_job", "arguments": {}, "task": {}})
    assert reply["error"]["code"] == jsonrpc.RATE_LIMITED
    assert len(server.asked("tools/call")) == 2
    server.turn("1", "cancelled")
    await client.request("tasks/get", {"taskId": first})
    await client.make()


@alone
async def test_a_server_without_tasks_never_sees_the_wish_for_one():
    server = naive()
    server.instead["initialize"] = initialized({"tools": {}})
    gateway, _ = gateway_of({"a": server.server, "b": naive().server}, ALL)
    client = await client_of(gateway)
    reply = await client.request("tools/call", {"name": "a_job", "arguments": {}, "task": {"ttl": 5}})
    assert reply["result"]["content"] == SAYS["content"]
    assert "task" not in server.asked("tools/call")[0]["params"]


@pytest.mark.parametrize("revision", ["2025-06-18", "2024-11-05"])
@alone
async def test_older_clients_have_no_tasks(revision):
    server = naive()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    client = Client(gateway, ALICE)
    hello = {"protocolVersion": revision, "capabilities": CLIENT, "clientInfo": {}}
    server.instead["initialize"] = {**initialized({"tools": {}, **OLD}), "protocolVersion": revision}
    reply = await client.request("initialize", hello)
    assert "tasks" not in reply["result"]["capabilities"]
    assert "tasks" not in server.asked("initialize")[0]["params"]["capabilities"]
    client.say(jsonrpc.notification("notifications/initialized"))
    assert (await client.request("tasks/list"))["error"]["code"] == jsonrpc.METHOD_NOT_FOUND


@alone
async def test_an_error_of_the_tool_is_the_result():
    server = naive()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    client = await client_of(gateway)
    task_id = await client.make()
    server.instead["tasks/result"] = {"code": -32602, "message": "the tool did not like it", "data": {"a": 1}}
    reply = await client.request("tasks/result", {"taskId": task_id})
    assert reply["error"] == server.instead["tasks/result"]


@alone
async def test_a_result_passes_the_chain_that_a_direct_reply_passes():
    server = naive()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    rules = gateway.enforcer.rules
    gateway.enforcer.rules = Rules((*rules.guards, NoSecrets()), rules.policy_hash)
    client = await client_of(gateway)
    task_id = await client.make()
    server.instead["tasks/result"] = {"content": [{"type": "text", "text": "a secret"}]}
    reply = await client.request("tasks/result", {"taskId": task_id})
    assert reply["result"]["isError"] is True
    assert "a secret" not in str(reply)


# Blocking


@alone
async def test_waiting_for_a_result_ends_at_the_limit():
    server = naive()
    gateway, _ = gateway_of({"a": server.server}, ALL, limits=Limits(call_timeout=0.05, call_maximum=0.3))
    client = await client_of(gateway)
    task_id = await client.make()
    server.instead["tasks/result"] = None
    reply = await client.request("tasks/result", {"taskId": task_id})
    assert reply["error"]["code"] == jsonrpc.UNAVAILABLE
    assert server.asked("notifications/cancelled"), "the server need not wait either"
    assert not server.asked("tasks/cancel"), "the task goes on"
    assert "result" in await client.request("tasks/get", {"taskId": task_id})


@alone
async def test_waiting_for_a_result_can_be_cancelled_and_the_task_goes_on():
    server = naive()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    client = await client_of(gateway)
    task_id = await client.make()
    server.instead["tasks/result"] = None
    client.say(jsonrpc.request(77, "tasks/result", {"taskId": task_id}))
    await client.until(lambda: server.asked("tasks/result"))
    client.say(jsonrpc.notification("notifications/cancelled", {"requestId": 77}))
    await client.until(lambda: server.asked("notifications/cancelled"))
    assert not server.asked("tasks/cancel")
    assert client.answer(77) is None
    assert (
        gateway.enforcer.meters.facts("key:alice")[Fact.CONCURRENCY].remaining
        == Limits().concurrent_calls - 1
    )


@alone
async def test_waiting_for_results_counts_as_calls_in_flight():
    server = naive()
    gateway, _ = gateway_of({"a": server.server}, ALL, limits=Limits(concurrent_calls=2))
    client = await client_of(gateway)
    task_id = await client.make()
    server.instead["tasks/result"] = None
    for number in (80, 81):
        client.say(jsonrpc.request(number, "tasks/result", {"taskId": task_id}))
    await client.until(lambda: len(server.asked("tasks/result")) == 2)
    reply = await client.request("tasks/get", {"taskId": task_id})
    assert reply["error"]["code"] == jsonrpc.RATE_LIMITED


# News and questions of a task


def say(
    server: FakeServer, method: str, params: dict[str, Any], number: Any = None, channel: int = 0
) -> None:
    body = jsonrpc.notification(method, params) if number is None else jsonrpc.request(number, method, params)
    server.channels[channel].say(body)


@alone
async def test_news_of_a_task_reach_its_principal_only():
    server = naive()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    alice, bob = await client_of(gateway), await client_of(gateway, BOB)
    mine, foreign = await alice.make(), await bob.make()
    for own in ("2", "nobody", "1"):  # the server tells alice's session of all
        say(server.server, tasks.STATUS, {"taskId": own, "status": "completed", "ttl": 5})
    say(server.server, tasks.STATUS, {"taskId": "1", "status": "strange"})
    say(server.server, tasks.STATUS, {"taskId": "1", "status": "working", "ttl": 5, "x-e2e": 1})
    await alice.until(lambda: len(alice.heard(tasks.STATUS)) == 2)
    told = [message["params"] for message in alice.heard(tasks.STATUS)]
    assert [one["taskId"] for one in told] == [mine, mine]
    assert told[1]["x-e2e"] == 1
    assert foreign not in str(alice.got)
    assert not bob.heard(tasks.STATUS)


@alone
async def test_a_question_of_a_task_names_it_by_our_id_and_its_answer_by_the_servers():
    server = naive()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    client = await client_of(gateway, capabilities={"elicitation": {}})
    task_id = await client.make()
    related = {"_meta": {tasks.RELATED_KEY: {"taskId": "1"}, "x": 1}}
    say(server.server, "elicitation/create", {"message": "m", "requestedSchema": {}, **related}, "q")
    asked = (await client.until(lambda: client.heard("elicitation/create")))[0]
    assert asked["params"]["_meta"] == {tasks.RELATED_KEY: {"taskId": task_id}, "x": 1}
    back = {"action": "accept", "_meta": {tasks.RELATED_KEY: {"taskId": task_id}}}
    client.say(jsonrpc.result(asked["id"], back))
    sent = server.server.channels[0].sent
    answer = await client.until(lambda: next((m for m in sent if m.get("id") == "q"), None))
    assert answer["result"]["_meta"] == {tasks.RELATED_KEY: {"taskId": "1"}}


@alone
async def test_a_question_that_names_another_principals_task_belongs_to_none():
    server = naive()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    alice, bob = await client_of(gateway, capabilities={"elicitation": {}}), await client_of(gateway, BOB)
    await alice.make()
    foreign = await bob.make()
    for number, named in enumerate(("2", "nobody", 7, foreign)):
        related = {"_meta": {tasks.RELATED_KEY: {"taskId": named}}}
        say(
            server.server,
            "elicitation/create",
            {"message": "m", "requestedSchema": {}, **related},
            f"q{number}",
        )
    await alice.until(lambda: len(alice.heard("elicitation/create")) == 4)
    assert all("_meta" not in message["params"] for message in alice.heard("elicitation/create"))


@alone
async def test_progress_goes_on_after_the_task_is_made():
    """2025-11-25: the token of the call stays good as long as the task lives."""
    server = naive()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    client = await client_of(gateway)
    params = {"name": "a_job", "arguments": {}, "task": {}, "_meta": {"progressToken": "mine"}}
    task_id = (await client.request("tools/call", params))["result"]["task"]["taskId"]
    token = server.asked("tools/call")[0]["params"]["_meta"]["progressToken"]
    related = {"_meta": {tasks.RELATED_KEY: {"taskId": "1"}}}
    say(server.server, "notifications/progress", {"progressToken": token, "progress": 1, **related})
    say(server.server, "notifications/progress", {"progressToken": 4711, "progress": 1})
    (heard,) = await client.until(lambda: client.heard("notifications/progress"))
    assert heard["params"]["progressToken"] == "mine"
    assert heard["params"]["_meta"] == {tasks.RELATED_KEY: {"taskId": task_id}}
    server.turn("1", "completed")
    await client.request("tasks/get", {"taskId": task_id})
    say(server.server, "notifications/progress", {"progressToken": token, "progress": 2, **related})
    await client.request("ping")
    assert len(client.heard("notifications/progress")) == 1, "an ended task makes no progress"


@alone
async def test_tokens_of_tasks_are_bounded(monkeypatch):
    monkeypatch.setattr(lasting, "MAX_TOKENS", 2)
    server = naive()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    client = await client_of(gateway)
    for number in range(1, 5):
        params = {"name": "a_job", "arguments": {}, "task": {}, "_meta": {"progressToken": number}}
        await client.request("tools/call", params)
    for number, sent in enumerate(server.asked("tools/call"), 1):
        token = sent["params"]["_meta"]["progressToken"]
        related = {"_meta": {tasks.RELATED_KEY: {"taskId": str(number)}}}
        say(server.server, "notifications/progress", {"progressToken": token, "progress": 1, **related})
    await client.until(lambda: len(client.heard("notifications/progress")) == 2)
    heard = [message["params"]["progressToken"] for message in client.heard("notifications/progress")]
    assert heard == [3, 4], "the oldest are forgotten"


# A server's tasks at its client


SAMPLE = {"messages": [], "maxTokens": 1, "task": {"ttl": 5}}


async def asked_of(client: Client, method: str, count: int = 1) -> dict[str, Any]:
    """The newest request of this method that reached the client."""
    found = await client.until(lambda: client.heard(method) if len(client.heard(method)) >= count else None)
    return found[-1]  # type: ignore[no-any-return]


async def answered(client: Client, server: FakeServer, number: Any, channel: int = 0) -> dict[str, Any]:
    sent = server.channels[channel].sent
    return await client.until(  # type: ignore[no-any-return]
        lambda: next((m for m in sent if m.get("id") == number and "method" not in m), None)
    )


async def outsourced(client: Client, server: FakeServer, number: str = "s1", own: str = "c1") -> str:
    """A server has its client make a task; the server's id for it."""
    say(server, "sampling/createMessage", SAMPLE, number)
    asked = await asked_of(client, "sampling/createMessage", len(client.heard("sampling/createMessage")) + 1)
    assert asked["params"]["task"] == {"ttl": 5}
    client.say(jsonrpc.result(asked["id"], {"task": {"taskId": own, "status": "working", "ttl": 5}}))
    made = (await answered(client, server, number))["result"]["task"]
    assert made["taskId"] != own
    return str(made["taskId"])


@alone
async def test_a_server_has_its_client_execute_a_task():
    server = naive()
    gateway, log = gateway_of({"a": server.server}, ALL)
    client = await client_of(gateway, capabilities=CLIENT)
    assert server.asked("initialize")[0]["params"]["capabilities"] == CLIENT
    task_id = await outsourced(client, server.server)
    for number, method in enumerate(("tasks/get", "tasks/cancel", "tasks/result")):
        say(server.server, method, {"taskId": task_id}, f"g{number}")
        asked = await asked_of(client, method)
        assert asked["params"] == {"taskId": "c1"}
        related = {"role": "assistant", "_meta": {tasks.RELATED_KEY: {"taskId": "c1"}}}
        task = {"taskId": "c1", "status": "completed", "ttl": 5}
        client.say(jsonrpc.result(asked["id"], related if method == "tasks/result" else task))
        result = (await answered(client, server.server, f"g{number}"))["result"]
        named = tasks.related(result) if method == "tasks/result" else result["taskId"]
        assert named == task_id
    client.say(jsonrpc.notification(tasks.STATUS, {"taskId": "c1", "status": "completed", "ttl": 5}))
    told = await client.until(lambda: server.asked(tasks.STATUS))
    assert told[0]["params"]["taskId"] == task_id
    assert {"tasks/get", "tasks/result", tasks.STATUS} <= set(log.methods())


@alone
async def test_what_one_server_has_its_client_do_is_invisible_to_another():
    one, other = naive(), naive()
    gateway, _ = gateway_of({"a": one.server, "b": other.server}, ALL)
    client = await client_of(gateway, capabilities=CLIENT)
    task_id = await outsourced(client, one.server)
    for number, wanted in enumerate((task_id, "c1", "guess", 7)):
        say(other.server, "tasks/result", {"taskId": wanted}, f"x{number}")
        answer = await answered(client, other.server, f"x{number}")
        assert answer["error"]["code"] == jsonrpc.INVALID_PARAMS
    assert not client.heard("tasks/result"), "the client is not even asked"
    say(other.server, "tasks/list", {}, "list")
    asked = await asked_of(client, "tasks/list")
    listed = [{"taskId": "c1", "status": "working"}, {"taskId": "own", "status": "working"}, 7]
    client.say(jsonrpc.result(asked["id"], {"tasks": listed}))
    assert (await answered(client, other.server, "list"))["result"] == {"tasks": []}
    client.say(jsonrpc.notification(tasks.STATUS, {"taskId": "c1", "status": "working"}))
    await client.until(lambda: one.asked(tasks.STATUS))
    assert not other.asked(tasks.STATUS)


@pytest.mark.parametrize(
    "capabilities",
    [
        {"sampling": {}},
        {"sampling": {}, "tasks": {}},
        {"sampling": {}, "tasks": {"requests": {"elicitation": {}}}},
    ],
)
@alone
async def test_a_client_is_asked_for_no_task_it_did_not_declare(capabilities):
    server = naive()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    client = await client_of(gateway, capabilities=capabilities)
    say(server.server, "sampling/createMessage", SAMPLE, "s")
    say(server.server, "tasks/list", {}, "l")
    for number in ("s", "l"):
        assert (await answered(client, server.server, number))["error"]["code"] == jsonrpc.METHOD_NOT_FOUND
    assert not client.heard("sampling/createMessage")
    assert not client.heard("tasks/list")


@alone
async def test_a_client_that_makes_tasks_without_end_is_forgetting_the_oldest():
    server = naive()
    gateway, _ = gateway_of({"a": server.server}, ALL)
    client = await client_of(gateway, capabilities=CLIENT)
    ids = [await outsourced(client, server.server, f"s{n}", f"c{n}") for n in range(258)]
    say(server.server, "tasks/get", {"taskId": ids[0]}, "old")
    assert "error" in await answered(client, server.server, "old")
    say(server.server, "tasks/get", {"taskId": ids[-1]}, "new")
    assert (await asked_of(client, "tasks/get"))["params"] == {"taskId": "c257"}
