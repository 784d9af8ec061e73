"""A server may ask a client only for what that client itself declared. A naive forwarder declares everything in the
name of everybody, or passes any question on to a client that never said it can answer."""

import pytest

from tests.e2e.client import Handshake, conversation
from tests.e2e.talk import PAIRS, connect, progress, said, texts

FORM = {"message": "m", "requestedSchema": {"type": "object", "properties": {}}}
URL = {"mode": "url", "message": "m", "url": "https://example.com", "elicitationId": "e"}
SAMPLE = {"messages": [], "maxTokens": 1}
TOOLS = {**SAMPLE, "tools": [{"name": "t", "inputSchema": {"type": "object"}}]}

QUESTIONS = {
    "roots": ("roots/list", {}, {"roots": {}}, [{}, {"sampling": {}, "elicitation": {}}]),
    "sampling": ("sampling/createMessage", SAMPLE, {"sampling": {}}, [{}, {"roots": {}, "elicitation": {}}]),
    "sampling with tools": (
        "sampling/createMessage",
        TOOLS,
        {"sampling": {"tools": {}}},
        [{}, {"sampling": {}}],
    ),
    "form": ("elicitation/create", FORM, {"elicitation": {}}, [{}, {"elicitation": {"url": {}}}]),
    "form, said so": ("elicitation/create", {**FORM, "mode": "form"}, {"elicitation": {"form": {}}}, [{}]),
    "url": ("elicitation/create", URL, {"elicitation": {"url": {}}}, [{}, {"elicitation": {}}]),
}

DECLARED = [(name, declared) for name, (_, _, enough, _) in QUESTIONS.items() for declared in [enough]]
UNDECLARED = [(name, few) for name, (_, _, _, lacking) in QUESTIONS.items() for few in lacking]
SERVERS = pytest.mark.parametrize("server", ["hs-http", "hs-stdio"])


@pytest.mark.parametrize(("question", "declared"), UNDECLARED)
@SERVERS
@conversation
async def test_a_question_that_needs_an_undeclared_capability_is_refused(
    everything, server, question, declared, unique
):
    """The server gets an error, the client hears nothing, the call goes on."""
    method, params, _, _ = QUESTIONS[question]
    client = await connect(everything, "handshake", server, capabilities=declared)
    record = everything.record(server)
    ask = {"ask": {"method": method, "params": params, "id": unique}}
    exchange = await client.play("act", ask, progress(1), said("on"), _meta={"progressToken": 1})
    heard = await exchange.messages()
    assert [m.get("method") for m in heard] == ["notifications/progress", None]
    assert texts(heard[-1]) == ["on"]
    answer = next(m for m in record.messages() if m.get("id") == unique and "method" not in m)
    assert answer["error"]["code"] == -32601


@pytest.mark.parametrize(("question", "declared"), DECLARED)
@SERVERS
@conversation
async def test_a_question_the_client_declared_is_put_and_answered(
    everything, server, question, declared, unique
):
    """The control: the same question, with the capability."""
    method, params, _, _ = QUESTIONS[question]
    client = await connect(everything, "handshake", server, capabilities=declared)
    record = everything.record(server)
    exchange = await client.play(
        "act", {"ask": {"method": method, "params": params, "id": unique}}, said("on")
    )
    asked = await exchange.until(lambda m: m.get("method") == method)
    assert asked["params"] == params
    await client.answer(asked["id"], result={"x-e2e": unique})
    assert texts(await exchange.until(lambda m: "result" in m)) == ["on"]
    answer = next(m for m in record.messages() if m.get("id") == unique and "method" not in m)
    assert answer["result"] == {"x-e2e": unique}


@pytest.mark.parametrize("declared", [{}, {"roots": {}}, {"elicitation": {"url": {}}, "example.com/x": 1}])
@pytest.mark.parametrize("server", ["hs-http", "hs-stdio", "sl-http", "sl-stdio"])
@conversation
async def test_a_server_hears_of_no_capability_but_the_clients_own(everything, server, declared):
    """In `initialize` before 2026, in the envelope of each call since; over the bridge as well."""
    client = await connect(everything, "handshake", server, capabilities=declared)
    record = everything.record(server)
    assert "result" in await client.tool("app")
    if server.startswith("hs"):
        told = [m["params"]["capabilities"] for m in record.messages("initialize")][-1]
    else:
        calls = record.messages("tools/call")
        told = calls[-1]["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"]
    assert told == declared


@pytest.mark.parametrize("declared", [{}, {"elicitation": {"form": {}}}])
@pytest.mark.parametrize("server", ["sl-http", "sl-stdio"])
@conversation
async def test_the_envelope_reaches_the_server_as_the_client_sent_it(everything, server, declared):
    client = await connect(everything, "stateless", server, capabilities=declared)
    assert "result" in await client.tool("app")
    meta = everything.record(server).messages("tools/call")[-1]["params"]["_meta"]
    assert meta["io.modelcontextprotocol/clientCapabilities"] == declared


@pytest.mark.parametrize(("question", "declared"), UNDECLARED)
@pytest.mark.parametrize(
    ("era", "server"), [("stateless", "sl-http"), ("stateless", "sl-stdio"), ("handshake", "sl-http")]
)
@conversation
async def test_undeclared_input_is_not_asked_for(everything, era, server, question, declared):
    """2026-07-28: the same questions as `inputRequests`; the second front is the bridge."""
    method, params, _, _ = QUESTIONS[question]
    client = await connect(everything, era, server, capabilities=declared)
    asking = {"inputRequests": {"q": {"method": method, "params": params}}, "requestState": "s"}
    heard = await (await client.play("act", {"input": asking}, said("done"))).messages()
    assert len(heard) == 1
    assert heard[0]["result"]["isError"] is True
    assert "inputRequests" not in heard[0]["result"]


@pytest.mark.parametrize(("question", "declared"), DECLARED)
@conversation
async def test_declared_input_is_asked_for_and_brought_back(everything, question, declared, unique):
    """The control for 2026-07-28."""
    method, params, _, _ = QUESTIONS[question]
    client = await connect(everything, "stateless", "sl-http", capabilities=declared)
    request = {"method": method, "params": params, "x-e2e": unique}
    steps = [{"input": {"inputRequests": {unique: request}, "x-e2e": 1}}, said("done")]
    asked = (await client.tool("act", {"steps": steps}))["result"]
    assert asked["resultType"] == "input_required"
    assert asked["inputRequests"] == {unique: request}
    assert asked["x-e2e"] == 1
    answers = {unique: {"action": "accept", "x-e2e": [unique]}}
    reply = await client.tool("act", {"steps": steps}, inputResponses=answers)
    assert texts(reply) == ["done"]
    assert everything.record("sl-http").messages("tools/call")[-1]["params"]["inputResponses"] == answers


STRANGE = {
    "unknown kind": {"inputRequests": {"q": {"method": "tools/call", "params": {}}}},
    "no object": {"inputRequests": ["roots/list"]},
    "no method": {"inputRequests": {"q": {"params": {}}}},
    "params no object": {"inputRequests": {"q": {"method": "roots/list", "params": []}}},
    "unknown result type": {"resultType": "task", "taskId": "t"},
    "result type no text": {"resultType": 7},
}


@pytest.mark.parametrize("case", STRANGE)
@pytest.mark.parametrize("era", ["stateless", "handshake"])
@conversation
async def test_malformed_questions_of_a_server_go_no_further(everything, era, case):
    client = await connect(everything, era, "sl-http", capabilities={"roots": {}})
    reply = await (await client.play("act", {"input": STRANGE[case]}, said("done"))).reply()
    assert reply["result"]["isError"] is True
    assert {"taskId", "inputRequests"}.isdisjoint(reply["result"])


TASKS = "io.modelcontextprotocol/tasks"


CROSSED = [
    (era, server)
    for era, other in (("handshake", "sl"), ("stateless", "hs"))
    for server in (f"{other}-http", f"{other}-stdio")
]


@pytest.mark.parametrize(("era", "server"), [*PAIRS, *CROSSED])
@conversation
async def test_tasks_are_declared_only_where_they_can_be(everything, era, server):
    """In the same era to each other as they are; over the bridge to neither, since it would be another's promise."""
    declared = {"tasks": {"list": {}}, "extensions": {TASKS: {}, "example.com/other": {"a": 1}}}
    client = await connect(everything, era, server, capabilities=declared)
    if era == "handshake":
        capabilities = client.hello["capabilities"]
    else:
        capabilities = (await client.call("server/discover"))["result"]["capabilities"]
    await client.tool("app")
    record = everything.record(server)
    if server.startswith("hs"):
        told = record.messages("initialize")[-1]["params"]["capabilities"]
    else:
        meta = record.messages("tools/call")[-1]["params"]["_meta"]
        told = meta["io.modelcontextprotocol/clientCapabilities"]
    assert "tasks" not in capabilities, "these servers have none"
    assert TASKS not in capabilities.get("extensions", {})
    assert ("tasks" in told) is (
        (era, server[:2]) == ("handshake", "hs") or (era, server[:2]) == ("stateless", "sl")
    )
    assert (TASKS in told.get("extensions", {})) is ((era, server[:2]) == ("stateless", "sl"))
    if (era, server[:2]) != ("stateless", "hs"):
        assert told["extensions"]["example.com/other"] == {"a": 1}, (
            "other extensions are none of our business"
        )


@pytest.mark.parametrize(("question", "declared"), UNDECLARED)
@SERVERS
@conversation
async def test_over_the_bridge_a_question_that_needs_an_undeclared_capability_is_refused(
    everything, server, question, declared, unique
):
    """A stateless client, a handshake server: the server gets an error, the client hears nothing, the call goes on."""
    method, params, _, _ = QUESTIONS[question]
    client = await connect(everything, "stateless", server, capabilities=declared)
    record = everything.record(server)
    exchange = await client.play(
        "act", {"ask": {"method": method, "params": params, "id": unique}}, said("on")
    )
    heard = await exchange.messages()
    assert [m.get("method") for m in heard] == [None]
    assert texts(heard[0]) == ["on"]
    answer = next(m for m in record.messages() if m.get("id") == unique and "method" not in m)
    assert answer["error"]["code"] == -32601


@conversation
async def test_a_question_outside_any_call_needs_the_capability_too(everything, unique):
    """On the standing stream (on a pipe nothing tells it from one of the call that runs). A naive forwarder guards
    the calls and forgets the stream."""
    server = "hs-http"
    record = everything.record(server)
    for declared in ({}, {"roots": {}}):
        client = await Handshake(everything.mount(server), capabilities=declared).initialize()
        standing = await client.listen()
        word = f"{unique}-{len(declared)}"
        tell = {"tell": {"method": "roots/list", "id": word}}
        last = {"push": {"method": "notifications/tools/list_changed"}}
        await (await client.play("act", tell, last)).reply()
        heard = await standing.message()
        if declared:
            assert heard["method"] == "roots/list"
            await client.answer(heard["id"], result={"roots": []})
        else:
            assert heard["method"] == "notifications/tools/list_changed"
        answer = await record.wait(
            lambda e, word=word: e["event"] == "message" and e["message"].get("id") == word
        )
        assert ("result" in answer["message"]) is bool(declared)
