"""Tasks over real transports: of both eras, over HTTP and over pipes, for two principals who must not meet."""

import asyncio
import contextlib

import pytest

from tests.e2e.client import META, Handshake, Modern, conversation
from tests.e2e.gate import gate_before
from tests.e2e.talk import connect, texts
from tests.e2e.upstreams import task_brain
from tests.e2e.upstreams.start import over_http, over_stdio

EXTENSION = META + "tasks"
RELATED = META + "related-task"
ON = {"extensions": {EXTENSION: {}}, "elicitation": {}}
CLIENT = {
    "sampling": {},
    "elicitation": {},
    "tasks": {"list": {}, "cancel": {}, "requests": {"sampling": {"createMessage": {}}}},
}
BIG = 300_000
ENDED = ("completed", "failed", "cancelled")

eras = pytest.mark.parametrize(("era", "server"), [
    ("handshake", "hs-http"), ("handshake", "hs-stdio"), ("stateless", "sl-http"), ("stateless", "sl-stdio"),
])  # fmt: skip
old = pytest.mark.parametrize("server", ["hs-http", "hs-stdio"])
new = pytest.mark.parametrize("server", ["sl-http", "sl-stdio"])


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    """Servers with tasks of both eras; `alice` and `bob` may do everything, `some` only what is quick."""
    directory = tmp_path_factory.mktemp("tasks")
    with contextlib.ExitStack() as stack:
        upstreams = []
        for short, era in (("hs", "handshake"), ("sl", "stateless")):
            upstreams.append(
                stack.enter_context(over_http(directory, f"{short}-http", task_brain.table(era)))
            )
            upstreams.append(over_stdio(directory, f"{short}-stdio", task_brain.table(era)))
        access = {
            "roles": {"all": {"allow": ["*/*"]}, "some": {"allow": ["*/greet", "*/slow_compute"]}},
            "grants": [{"to": f"key:{who}", "role": role} for who, role in
                       (("alice", "all"), ("bob", "all"), ("some", "some"))],
        }  # fmt: skip
        yield stack.enter_context(
            gate_before(
                directory,
                upstreams,
                keys=["alice", "bob", "some"],
                access=access,
                identity={"anonymous": False},
                limits={"response_bytes": BIG},
            )
        )


async def client_of(gate, era, server, who="alice", capabilities=None):
    given = capabilities if capabilities is not None else (ON if era == "stateless" else CLIENT)
    return await connect(gate, era, server, key=gate.keys[who], capabilities=given)


async def make(client, tool="slow_compute", **arguments):
    """A task; as the reply that made it says it."""
    more = {} if isinstance(client, Modern) else {"task": {"ttl": 60_000}}
    reply = await client.tool(tool, arguments, **more)
    assert "result" in reply, reply
    return reply["result"]["task"] if more else reply["result"]


async def ended(client, task_id):
    """The task once it has ended."""
    while True:
        got = (await client.call("tasks/get", {"taskId": task_id}))["result"]
        if got["status"] in ENDED:
            return got
        await asyncio.sleep(0.05)


async def outcome(client, task_id):
    """What the tool said in the end, in either era: a whole reply."""
    if isinstance(client, Handshake):
        return await client.call("tasks/result", {"taskId": task_id})
    got = await ended(client, task_id)
    return {"result": got["result"]} if "result" in got else {"error": got["error"]}


@eras
@conversation
async def test_a_task_from_beginning_to_end(gate, era, server):
    client = await client_of(gate, era, server)
    made = await make(client, label="sums", seconds=0.2)
    assert made["taskId"] not in [event.get("id") for event in gate.record(server).all()], "our own id"
    assert made["x-e2e"] == {"a": [1]}
    assert made["status"] == "working"
    assert texts(await outcome(client, made["taskId"])) == ["computed sums"]
    got = await ended(client, made["taskId"])
    assert (got["status"], got["createdAt"]) == ("completed", made["createdAt"])


@eras
@conversation
async def test_a_failure_is_told_as_the_server_told_it(gate, era, server):
    client = await client_of(gate, era, server)
    job = await make(client, "failing_job", seconds=0)
    reply = await outcome(client, job["taskId"])
    assert reply["result"]["isError"] is True
    assert texts(reply) == ["the job failed"]
    broken = await make(client, "protocol_error_job")
    assert (await outcome(client, broken["taskId"]))["error"] == {
        "code": -32603,
        "message": "the server broke",
    }


@eras
@conversation
async def test_a_task_is_cancelled(gate, era, server):
    client = await client_of(gate, era, server)
    made = await make(client, seconds=60)
    reply = await client.call("tasks/cancel", {"taskId": made["taskId"]})
    if era == "handshake":
        assert (reply["result"]["taskId"], reply["result"]["status"]) == (made["taskId"], "cancelled")
        assert (await client.call("tasks/cancel", {"taskId": made["taskId"]}))["error"]["code"] == -32602
    else:
        assert set(reply["result"]) <= {"resultType", "_meta"}
    assert (await ended(client, made["taskId"]))["status"] == "cancelled"
    assert [event for event in gate.record(server).all() if event["event"] == "cancel"]


@eras
@conversation
async def test_what_is_anothers_is_unknown(gate, era, server):
    alice, bob = await client_of(gate, era, server), await client_of(gate, era, server, "bob")
    made = await make(alice, seconds=60)
    record = gate.record(server)
    own = [event["id"] for event in record.all() if event["event"] == "task"][-1]
    since = record.mark()
    methods = {"tasks/get": {}, "tasks/cancel": {}}
    methods |= {"tasks/result": {}} if era == "handshake" else {"tasks/update": {"inputResponses": {}}}
    for method, more in methods.items():
        replies = [
            (await bob.call(method, {"taskId": wanted, **more}))["error"]
            for wanted in (made["taskId"], own, "guess")
        ]
        assert replies == [{"code": -32602, "message": "Task not found"}] * 3
        assert not record.messages(method, since)
    if era == "handshake":
        assert made["taskId"] not in str(await bob.call("tasks/list"))
    assert (await alice.call("tasks/get", {"taskId": made["taskId"]}))["result"]["status"] == "working"
    await alice.call("tasks/cancel", {"taskId": made["taskId"]})


@eras
@conversation
async def test_an_outcome_that_is_too_large_fails_alone(gate, era, server):
    client = await client_of(gate, era, server)
    large = await make(client, more={"structuredContent": {"x": "y" * BIG}})
    small = await make(client, label="small")
    if era == "handshake":
        assert "error" in await outcome(client, large["taskId"])
    else:
        await asyncio.sleep(0.3)
        assert "error" in await client.call("tasks/get", {"taskId": large["taskId"]})
    fresh = small if server.endswith("http") else await make(client, label="small")
    assert texts(await outcome(client, fresh["taskId"])) == ["computed small"]


@eras
@conversation
async def test_a_tool_that_may_not_be_used_makes_no_task(gate, era, server):
    client = await client_of(gate, era, server, "some")
    more = {} if era == "stateless" else {"task": {}}
    reply = await client.tool("failing_job", {}, **more)
    assert reply["error"] == {"code": -32602, "message": "Unknown tool: failing_job"}
    made = await make(client, label="allowed")
    assert texts(await outcome(client, made["taskId"])) == ["computed allowed"]


# 2026-07-28


@new
@conversation
async def test_questions_of_a_task_are_answered_one_by_one(gate, server):
    client = await client_of(gate, "stateless", server)
    task_id = (await make(client, "multi_input"))["taskId"]
    for left in (2, 1):
        while True:
            got = (await client.call("tasks/get", {"taskId": task_id}))["result"]
            if got["status"] == "input_required":
                break
        assert len(got["inputRequests"]) == left
        key = min(got["inputRequests"])
        answers = {key: {"action": "accept", "content": {}}}
        ack = await client.call("tasks/update", {"taskId": task_id, "inputResponses": answers})
        assert ack["result"]["resultType"] == "complete"
    assert texts(await outcome(client, task_id)) == ["deleted"]


@new
@conversation
async def test_a_listener_is_told_of_its_tasks(gate, server):
    alice, bob = await client_of(gate, "stateless", server), await client_of(gate, "stateless", server, "bob")
    mine, foreign = await make(alice, seconds=0.7, label="mine"), await make(bob, seconds=0.2)
    listen = await alice.listen("L", taskIds=[mine["taskId"], foreign["taskId"], "guess"])
    ack = await listen.message()
    assert ack["params"]["notifications"] == {"taskIds": [mine["taskId"]]}
    told = await listen.message()
    assert told["method"] == "notifications/tasks"
    assert (told["params"]["taskId"], told["params"]["status"]) == (mine["taskId"], "completed")
    assert told["params"]["result"]["content"][0]["text"] == "computed mine"
    assert told["params"]["_meta"][META + "subscriptionId"] == "L"


@conversation
async def test_headers_status_and_routing_of_the_extension(gate):
    client = await client_of(gate, "stateless", "sl-http")
    task_id = (await make(client, seconds=60))["taskId"]
    record = gate.record("sl-http")
    wrong = await client.start("tasks/get", {"taskId": task_id}, extra={"Mcp-Name": "other"})
    assert (await wrong.reply())["error"]["code"] == -32020
    assert wrong.status == 400
    since = record.mark()
    assert "result" in await client.call("tasks/get", {"taskId": task_id})
    (sent,) = [e for e in record.all()[since:] if e["event"] == "http"]
    own = [event["id"] for event in record.all() if event["event"] == "task"][-1]
    assert dict(sent["headers"])["mcp-name"] == own, "the server routes by its own id"
    unknown = await client.start("tasks/get", {"taskId": "guess"})
    assert (await unknown.reply())["error"]["code"] == -32602
    assert unknown.status == 400
    plain = await client_of(gate, "stateless", "sl-http", capabilities={})
    missing = await plain.start("tasks/get", {"taskId": task_id})
    assert (await missing.reply())["error"]["code"] == -32021
    assert missing.status == 400
    refused = await plain.start("tools/call", {"name": "failing_job", "arguments": {}})
    assert (await refused.reply())["error"]["data"] == {
        "requiredCapabilities": {"extensions": {EXTENSION: {}}}
    }
    listening = await plain.start("subscriptions/listen", {"notifications": {"taskIds": [task_id]}})
    assert (await listening.reply())["error"]["code"] == -32021
    await client.call("tasks/cancel", {"taskId": task_id})


# 2025-11-25


@old
@conversation
async def test_questions_of_a_task_come_while_its_result_is_waited_for(gate, server):
    client = await client_of(gate, "handshake", server)
    task_id = (await make(client, "confirm_delete"))["taskId"]
    waiting = await client.start("tasks/result", {"taskId": task_id})
    asked = await waiting.until(lambda m: m.get("method") == "elicitation/create")
    assert asked["params"]["_meta"] == {RELATED: {"taskId": task_id}}
    related = {"_meta": {RELATED: {"taskId": task_id}}}
    await client.answer(asked["id"], result={"action": "accept", "content": {}, **related})
    reply = await waiting.until(lambda m: "result" in m)
    assert texts(reply) == ["deleted"]
    assert reply["result"]["_meta"] == {RELATED: {"taskId": task_id}}
    record = gate.record(server)
    own = [event["id"] for event in record.all() if event["event"] == "task"][-1]
    answer = [event["answer"] for event in record.all() if event["event"] == "answer"][-1]
    assert answer["result"]["_meta"] == {RELATED: {"taskId": own}}


@old
@conversation
async def test_news_and_progress_come_on_the_standing_stream(gate, server):
    client = await client_of(gate, "handshake", server)
    standing = await client.listen()
    params = {
        "name": "slow_compute",
        "arguments": {"seconds": 0.2},
        "task": {},
        "_meta": {"progressToken": "t"},
    }
    task_id = (await client.call("tools/call", params))["result"]["task"]["taskId"]
    progress = await standing.until(lambda m: m.get("method") == "notifications/progress")
    assert progress["params"]["progressToken"] == "t"
    assert progress["params"]["_meta"] == {RELATED: {"taskId": task_id}}
    news = await standing.until(lambda m: m.get("method") == "notifications/tasks/status")
    assert (news["params"]["taskId"], news["params"]["status"]) == (task_id, "completed")


@conversation
async def test_a_client_that_goes_while_it_waits_for_a_result_cancels_nothing(gate):
    client = await client_of(gate, "handshake", "hs-http")
    record = gate.record("hs-http")
    since = record.mark()
    task_id = (await make(client, seconds=0.5))["taskId"]
    waiting = await client.start("tasks/result", {"taskId": task_id})
    await record.wait(lambda e: e["event"] == "waiting", since)
    await waiting.close()
    assert (await ended(client, task_id))["status"] == "completed"
    assert not record.messages("notifications/cancelled", since)
    assert texts(await outcome(client, task_id)) == ["computed "]


@conversation
async def test_the_next_session_finds_the_task_of_the_last(gate):
    first = await client_of(gate, "handshake", "hs-http")
    task_id = (await make(first, seconds=0.3, label="on"))["taskId"]
    assert await first.end() == 200
    second = await client_of(gate, "handshake", "hs-http")
    assert texts(await outcome(second, task_id)) == ["computed on"]
    listed = (await second.call("tasks/list"))["result"]["tasks"]
    assert task_id in [task["taskId"] for task in listed]


@old
@conversation
async def test_a_server_has_its_client_work_for_it(gate, server):
    """Sampling as a task of the client's: asked for, polled and fetched by the server."""
    client = await client_of(gate, "handshake", server)
    standing = await client.listen()
    call = await client.start("tools/call", {"name": "outsource", "arguments": {}})
    # On a pipe nothing tells a question of the call that runs from one outside any call.
    standing = standing if server == "hs-http" else call
    made = await standing.until(lambda m: m.get("method") == "sampling/createMessage")
    assert made["params"]["task"] == {"ttl": 1000}
    task = {"taskId": "mine", "status": "working", "ttl": 5, "createdAt": "c", "lastUpdatedAt": "l"}
    await client.answer(made["id"], result={"task": task})
    polled = await standing.until(lambda m: m.get("method") == "tasks/get")
    assert polled["params"] == {"taskId": "mine"}
    await client.answer(polled["id"], result={**task, "status": "completed"})
    fetched = await standing.until(lambda m: m.get("method") == "tasks/result")
    assert fetched["params"] == {"taskId": "mine"}
    sampled = {"role": "assistant", "content": {"type": "text", "text": "the answer"}, "model": "m"}
    await client.answer(fetched["id"], result={**sampled, "_meta": {RELATED: {"taskId": "mine"}}})
    reply = await (call.reply() if server == "hs-http" else call.until(lambda m: "result" in m))
    assert "the answer" in texts(reply)[0]
    told = [event for event in gate.record(server).all() if event["event"] == "outsourced"]
    assert "mine" not in str([event["answer"] for event in told[-3:]]), "the server knows it by another id"


@old
@conversation
async def test_a_client_without_tasks_is_not_asked_for_one(gate, server):
    client = await client_of(gate, "handshake", server, capabilities={"sampling": {}})
    standing = await client.listen()
    reply = await client.tool("outsource", {})
    assert "no task" in texts(reply)[0]
    await standing.close()
