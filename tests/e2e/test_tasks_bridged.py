"""Tasks across the eras: what can be told in the other's words is, and what cannot is waited for."""

import asyncio

import pytest

from tests.e2e.client import conversation
from tests.e2e.talk import texts
from tests.e2e.test_tasks import EXTENSION, client_of, ended, gate, make, outcome  # noqa: F401

old_server = pytest.mark.parametrize("server", ["hs-http", "hs-stdio"])
new_server = pytest.mark.parametrize("server", ["sl-http", "sl-stdio"])
FORM = {"elicitation": {}}


# A stateless client that declares the extension, a handshake server


@old_server
@conversation
async def test_a_handshake_servers_task_is_one_of_the_extension(gate, server):  # noqa: F811
    client = await client_of(gate, "stateless", server)
    declared = (await client.call("server/discover"))["result"]["capabilities"]
    assert EXTENSION in declared["extensions"]
    assert "tasks" not in declared
    made = await make(client, seconds=0.4, label="sums")
    assert made["resultType"] == "task"
    assert {"ttlMs", "pollIntervalMs", "createdAt", "lastUpdatedAt"} <= set(made)
    assert {"ttl", "pollInterval", "task"}.isdisjoint(made)
    assert made["x-e2e"] == {"a": [1]}
    got = (await client.call("tasks/get", {"taskId": made["taskId"]}))["result"]
    assert (got["taskId"], got["status"]) == (made["taskId"], "working")
    got = await ended(client, made["taskId"])
    assert got["status"] == "completed"
    assert got["result"]["content"] == [{"type": "text", "text": "computed sums"}]
    assert "_meta" not in got["result"]
    again = await ended(client, made["taskId"])
    assert again["result"] == got["result"]


@old_server
@conversation
async def test_outcomes_take_the_extensions_form(gate, server):  # noqa: F811
    client = await client_of(gate, "stateless", server)
    failing = await ended(client, (await make(client, "failing_job", seconds=0))["taskId"])
    assert (failing["status"], failing["result"]["isError"]) == ("completed", True)
    broken = await ended(client, (await make(client, "protocol_error_job"))["taskId"])
    assert (broken["status"], broken["error"]["message"]) == ("failed", "the server broke")
    assert texts(await client.tool("greet", {"name": "you"})) == ["Hello, you!"], "never a task"


@old_server
@conversation
async def test_questions_come_with_the_task_and_answers_go_back(gate, server):  # noqa: F811
    client = await client_of(gate, "stateless", server)
    task_id = (await make(client, "multi_input"))["taskId"]
    answered = set()
    while len(answered) < 2:
        got = (await client.call("tasks/get", {"taskId": task_id}))["result"]
        assert got["status"] in ("working", "input_required")
        for key, question in got.get("inputRequests", {}).items():
            assert key not in answered, "a question that was answered is not put again"
            assert question["method"] == "elicitation/create"
            assert "_meta" not in question["params"], "the server's own id stays here"
            answers = {key: {"action": "accept", "content": {}}, "never asked": {}}
            ack = await client.call("tasks/update", {"taskId": task_id, "inputResponses": answers})
            assert ack["result"]["resultType"] == "complete"
            answered.add(key)
        await asyncio.sleep(0.02)
    assert texts(await outcome(client, task_id)) == ["deleted"]


@old_server
@conversation
async def test_questions_of_two_tasks_are_not_mixed_up(gate, server):  # noqa: F811
    """On a pipe only the task that a question names says whose it is."""
    client = await client_of(gate, "stateless", server)
    ids = [(await make(client, "confirm_delete"))["taskId"] for _ in range(2)]
    for task_id, action in zip(ids, ("accept", "decline"), strict=True):
        while True:
            got = (await client.call("tasks/get", {"taskId": task_id}))["result"]
            if got["status"] == "input_required":
                break
            await asyncio.sleep(0.02)
        (key,) = got["inputRequests"]
        answers = {key: {"action": action, "content": {}}}
        await client.call("tasks/update", {"taskId": task_id, "inputResponses": answers})
    assert [texts(await outcome(client, task_id)) for task_id in ids] == [["deleted"], ["kept"]]


@old_server
@conversation
async def test_a_bridged_task_is_cancelled_at_the_server(gate, server):  # noqa: F811
    client = await client_of(gate, "stateless", server)
    record = gate.record(server)
    since = record.mark()
    task_id = (await make(client, seconds=60))["taskId"]
    for _ in range(2):
        assert (await client.call("tasks/cancel", {"taskId": task_id}))["result"]["resultType"] == "complete"
    assert (await ended(client, task_id))["status"] == "cancelled"
    await record.wait(lambda e: e["event"] == "cancel", since)


@old_server
@conversation
async def test_a_bridged_task_is_its_principals_alone(gate, server):  # noqa: F811
    alice, bob = await client_of(gate, "stateless", server), await client_of(gate, "stateless", server, "bob")
    made = await make(alice, seconds=60)
    for method, more in (("tasks/get", {}), ("tasks/cancel", {}), ("tasks/update", {"inputResponses": {}})):
        for wanted in (made["taskId"], "guess"):
            reply = await bob.call(method, {"taskId": wanted, **more})
            assert reply["error"] == {"code": -32602, "message": "Task not found"}
    assert (await alice.call("tasks/get", {"taskId": made["taskId"]}))["result"]["status"] == "working"
    await alice.call("tasks/cancel", {"taskId": made["taskId"]})


# A stateless client that does not declare it


@old_server
@conversation
async def test_a_tool_that_must_be_a_task_is_waited_for(gate, server):  # noqa: F811
    client = await client_of(gate, "stateless", server, capabilities={})
    reply = await client.tool("failing_job", {"seconds": 0.1})
    assert (texts(reply), reply["result"]["isError"]) == (["the job failed"], True)
    record = gate.record(server)
    assert "task" in record.messages("tools/call")[-1]["params"]
    assert texts(await client.tool("slow_compute", {"label": "now"})) == ["computed now"]
    assert "task" not in record.messages("tools/call")[-1]["params"], "this one need not be"


@old_server
@conversation
async def test_a_client_that_goes_cancels_the_task_it_did_not_know_of(gate, server):  # noqa: F811
    client = await client_of(gate, "stateless", server, capabilities={})
    record = gate.record(server)
    since = record.mark()
    exchange = await client.start("tools/call", {"name": "failing_job", "arguments": {"seconds": 60}})
    await record.wait(lambda e: e["event"] == "waiting", since)
    await exchange.close()
    await record.wait(lambda e: e["event"] == "cancel", since)


# A handshake client, a stateless server


@new_server
@conversation
async def test_a_stateless_servers_tasks_are_not_offered(gate, server):  # noqa: F811
    client = await client_of(gate, "handshake", server)
    assert "tasks" not in client.hello["capabilities"]
    assert EXTENSION not in client.hello["capabilities"].get("extensions", {})
    assert (await client.call("tasks/list"))["error"]["code"] == -32601
    reply = await client.tool("slow_compute", {"label": "at once"}, task={"ttl": 5})
    assert texts(reply) == ["computed at once"]


@new_server
@conversation
async def test_a_call_that_only_a_task_can_answer_is_waited_for(gate, server):  # noqa: F811
    client = await client_of(gate, "handshake", server)
    record = gate.record(server)
    since = record.mark()
    reply = await client.tool("failing_job", {"seconds": 0.1})
    assert (texts(reply), reply["result"]["isError"]) == (["the job failed"], True)
    assert {"resultType", "taskId"}.isdisjoint(reply["result"])
    assert len([e for e in record.all()[since:] if e["event"] == "task"]) == 1, "it ran once"


@new_server
@conversation
async def test_its_questions_are_put_on_the_calls_stream(gate, server):  # noqa: F811
    client = await client_of(gate, "handshake", server)
    call = await client.start("tools/call", {"name": "multi_input", "arguments": {}})
    for _ in range(2):
        asked = await call.until(lambda m: m.get("method") == "elicitation/create")
        await client.answer(asked["id"], result={"action": "accept", "content": {}})
    assert texts(await call.until(lambda m: "result" in m)) == ["deleted"]


@new_server
@conversation
async def test_a_question_before_the_task_and_one_after_it(gate, server):  # noqa: F811
    """`input_required` first, then a task: both in one plain call."""
    client = await client_of(gate, "handshake", server)
    call = await client.start("tools/call", {"name": "test_tool_with_task", "arguments": {}})
    asked = await call.until(lambda m: m.get("method") == "elicitation/create")
    await client.answer(asked["id"], result={"action": "accept", "content": {"name": "Alice"}})
    assert texts(await call.until(lambda m: "result" in m)) == ["Hello, Alice!"]


@new_server
@conversation
async def test_cancelling_the_call_cancels_the_task(gate, server):  # noqa: F811
    client = await client_of(gate, "handshake", server)
    record = gate.record(server)
    since = record.mark()
    await client.start("tools/call", {"name": "failing_job", "arguments": {"seconds": 60}}, request_id="long")
    await record.wait(lambda e: e["event"] == "task", since)
    await client.notify("notifications/cancelled", {"requestId": "long"})
    await record.wait(lambda e: e["event"] == "cancel", since)
