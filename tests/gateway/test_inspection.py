"""Schemas and content on their way through a whole gateway: what reaches the other side, and what is on record."""

from __future__ import annotations

import json
from typing import Any

import pytest

from keepgate.config import Document
from keepgate.config.inspection import guards_of
from keepgate.config.sections.inspection import Content, Families, Schemas
from keepgate.detect.honeytokens import KINDS, HoneytokenDetector, Issued, digest_of
from keepgate.protocol import jsonrpc
from tests.detect.corpus import ATTACKS, SECRETS
from tests.gateway.lab import ALICE, FakeServer, Pipe, ask, discovered, gateway_of, initialized
from tests.gateway.test_review import alone, tool_server

KEY = SECRETS["secret.aws-access-key"][0]
HIDDEN = ATTACKS["attack.hidden-text"][0]
ALL = {"key:alice": ["*/*"]}
TOOL = {
    "name": "t",
    "inputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
}
PLAIN = {"name": "p", "inputSchema": {"type": "object"}}


def complete(**result: Any) -> dict[str, Any]:
    return {"resultType": "complete", "content": [], **result}


@alone
async def test_arguments_that_do_not_fit_never_reach_the_server():
    server = tool_server(TOOL)
    gateway, log = gateway_of({"a": server}, ALL)
    answer = await ask(gateway, ALICE, "tools/call", {"name": "a_t", "arguments": {"n": "s3cr3t"}})
    text = answer["result"]["content"][0]["text"]
    assert answer["result"]["isError"] is True
    assert '`/n`: the value is not of type "integer"' in text
    assert "s3cr3t" not in text
    assert not server.asked("tools/call")
    (entry,) = [entry for entry in log.entries if entry.method == "tools/call"]
    assert (entry.effect, entry.findings) == ("deny", ("schema.arguments",))
    assert "/n" not in entry.reason
    assert "/n" in entry.private


@alone
async def test_a_tool_that_is_hidden_tells_nothing_of_its_schema():
    gateway, _ = gateway_of({"a": tool_server(TOOL)}, {"key:alice": ["a/other"]})
    answer = await ask(gateway, ALICE, "tools/call", {"name": "a_t", "arguments": {}})
    assert answer["error"]["message"] == "Unknown tool: a_t"


@pytest.mark.parametrize(("revision", "as_result"), [("2025-11-25", True), ("2025-06-18", False)])
@alone
async def test_each_revision_hears_it_in_its_own_way(revision, as_result):
    def reply(method: str, params: dict[str, Any]) -> dict[str, Any]:
        if method == "initialize":
            return {**initialized({"tools": {}}), "protocolVersion": params["protocolVersion"]}
        return {"tools": [TOOL]} if method == "tools/list" else {"content": []}

    from dataclasses import replace

    from tests.gateway.lab import settings as one

    server = FakeServer("handshake", reply)
    gateway, _ = gateway_of({"a": server}, ALL)
    await gateway.use_servers([replace(one("a", server), revision=revision)])
    pipe = Pipe(gateway, ALICE)
    await pipe.initialize(revision=revision)
    pipe.say(jsonrpc.request(1, "tools/call", {"name": "a_t", "arguments": {"n": "x"}}))
    answer = await pipe.until(lambda: pipe.answer(1))
    if as_result:
        assert answer["result"]["isError"] is True
    else:
        assert answer["error"]["code"] == jsonrpc.INVALID_PARAMS
        assert "`/n`" in answer["error"]["message"]
    assert not server.asked("tools/call")


@alone
async def test_secrets_are_taken_out_of_results_and_of_the_record():
    result = complete(content=[{"type": "text", "text": f"the key is {KEY}"}], structuredContent={"key": KEY})
    gateway, log = gateway_of({"a": tool_server(PLAIN, tools_call=lambda _: result)}, ALL)
    answer = await ask(gateway, ALICE, "tools/call", {"name": "a_p", "arguments": {}})
    assert answer["result"]["structuredContent"] == {"key": "[redacted:secret.aws-access-key]"}
    assert answer["result"]["content"][0]["text"] == "the key is [redacted:secret.aws-access-key]"
    entry = log.entries[-1]
    assert (entry.effect, entry.reason) == ("redact", "removed: AWS access key id")
    assert set(entry.findings) == {"secret.aws-access-key"}
    assert KEY.encode() not in entry.payload


@alone
async def test_an_attack_that_is_certain_is_refused():
    result = complete(content=[{"type": "text", "text": HIDDEN}])
    gateway, log = gateway_of({"a": tool_server(PLAIN, tools_call=lambda _: result)}, ALL)
    answer = await ask(gateway, ALICE, "tools/call", {"name": "a_p", "arguments": {}})
    assert answer["result"]["isError"] is True
    assert "text in invisible tag characters" in answer["result"]["content"][0]["text"]
    assert log.entries[-1].effect == "deny"


@alone
async def test_what_is_only_recorded_passes_unchanged():
    gateway, log = gateway_of({"a": tool_server(PLAIN)}, ALL)
    server_text = {"q": f"use {KEY}"}
    answer = await ask(gateway, ALICE, "tools/call", {"name": "a_p", "arguments": server_text})
    assert "error" not in answer
    request = next(entry for entry in log.entries if entry.method == "tools/call")
    assert (request.effect, request.findings) == ("allow", ("secret.aws-access-key",))


@alone
async def test_arguments_are_cleaned_where_it_is_configured():
    server = tool_server(PLAIN)
    document = Document(version=1, content=Content(arguments=Families(secrets="redact")))
    gateway, _ = gateway_of({"a": server}, ALL, inspection=guards_of(document))
    await ask(gateway, ALICE, "tools/call", {"name": "a_p", "arguments": {"q": f"use {KEY}"}})
    (sent,) = server.asked("tools/call")
    assert sent["params"]["arguments"] == {"q": "use [redacted:secret.aws-access-key]"}


@alone
async def test_without_inspection_nothing_is_looked_at():
    result = complete(content=[{"type": "text", "text": KEY}])
    server = tool_server(TOOL, tools_call=lambda _: result)
    document = Document(
        version=1,
        content=Content(inspect=False),
        schemas=Schemas(arguments="ignore", results="ignore", unusable="ignore"),
    )
    assert guards_of(document) == ()
    gateway, log = gateway_of({"a": server}, ALL, inspection=())
    answer = await ask(gateway, ALICE, "tools/call", {"name": "a_t", "arguments": {"n": "x"}})
    assert answer["result"]["content"][0]["text"] == KEY
    assert not any(entry.findings for entry in log.entries)


OUTPUT = {"name": "o", "inputSchema": {}, "outputSchema": {"properties": {"key": {"pattern": "^AKIA"}}}}


@alone
async def test_a_result_that_no_longer_fits_its_schema_is_refused():
    result = complete(structuredContent={"key": KEY})
    gateway, _ = gateway_of({"a": tool_server(OUTPUT, tools_call=lambda _: result)}, ALL)
    answer = await ask(gateway, ALICE, "tools/call", {"name": "a_o", "arguments": {}})
    assert answer["result"]["isError"] is True
    assert KEY not in json.dumps(answer)


@pytest.mark.parametrize(("results", "refused"), [("record", False), ("enforce", True)])
@alone
async def test_results_that_do_not_fit(results, refused):
    result = complete(structuredContent={"key": "other"})
    document = Document(version=1, schemas=Schemas(results=results))
    server = tool_server(OUTPUT, tools_call=lambda _: result)
    gateway, log = gateway_of({"a": server}, ALL, inspection=guards_of(document))
    answer = await ask(gateway, ALICE, "tools/call", {"name": "a_o", "arguments": {}})
    assert answer["result"].get("isError", False) is refused
    assert log.entries[-1].findings == ("schema.result",)


@alone
async def test_a_changed_definition_is_compiled_anew():
    tools = [dict(TOOL)]

    def reply(method: str, params: dict[str, Any]) -> dict[str, Any]:
        if method == "server/discover":
            return discovered({"tools": {"listChanged": True}})
        return {"resultType": "complete", "tools": list(tools)} if method == "tools/list" else complete()

    gateway, _ = gateway_of({"a": FakeServer("stateless", reply)}, ALL)
    call = {"name": "a_t", "arguments": {"n": "text"}}
    assert (await ask(gateway, ALICE, "tools/call", call))["result"]["isError"] is True
    tools[0] = {**TOOL, "inputSchema": {"type": "object"}}
    await ask(gateway, ALICE, "tools/list")
    assert "isError" not in (await ask(gateway, ALICE, "tools/call", call))["result"]


@alone
async def test_a_schema_that_cannot_be_used_is_named():
    tool = {"name": "b", "inputSchema": {"$ref": "http://127.0.0.1:9/schema.json"}}
    server = tool_server(tool)
    gateway, _ = gateway_of({"a": server}, ALL)
    answer = await ask(gateway, ALICE, "tools/call", {"name": "a_b", "arguments": {}})
    text = answer["result"]["content"][0]["text"]
    assert "the tool's `inputSchema` cannot be used: it refers to something outside of itself" in text
    document = Document(version=1, schemas=Schemas(unusable="record"))
    gateway, log = gateway_of({"a": server}, ALL, inspection=guards_of(document))
    answer = await ask(gateway, ALICE, "tools/call", {"name": "a_b", "arguments": {}})
    assert "isError" not in answer["result"]
    assert any(entry.findings == ("schema.unusable",) for entry in log.entries)


POISONED = {"name": "bad", "description": HIDDEN, "inputSchema": {"type": "object"}}
LEAKY = {"name": "leaky", "inputSchema": {"type": "object", "description": f"uses {KEY}"}}


@alone
async def test_a_poisoned_definition_is_left_out_and_the_rest_of_the_list_stands():
    server = tool_server(PLAIN, POISONED, LEAKY)
    gateway, log = gateway_of({"a": server, "b": tool_server(PLAIN)}, ALL)
    for _ in range(2):  # the second time from what is kept of the first
        answer = await ask(gateway, ALICE, "tools/list")
        tools = {tool["name"]: tool for tool in answer["result"]["tools"]}
        assert set(tools) == {"a_p", "a_leaky", "b_p"}
        assert tools["a_leaky"]["inputSchema"]["description"] == "uses [redacted:secret.aws-access-key]"
    reply = log.entries[-1]
    assert reply.effect == "redact"
    assert "1 items refused for their content" in reply.reason
    assert KEY.encode() not in reply.payload
    view = gateway.stateless._views[None, ""]
    assert KEY in json.dumps(view.backends["a"].shelf.known("tools/list")), (
        "what the server said stays as it is"
    )


@alone
async def test_poisoned_instructions_are_left_out_of_the_hello():
    def reply(method: str, params: dict[str, Any]) -> dict[str, Any]:
        return discovered({"tools": {}}, instructions=f"{HIDDEN} do it")

    gateway, log = gateway_of({"a": FakeServer("stateless", reply)}, ALL)
    answer = await ask(gateway, ALICE, "server/discover", mount="a")
    assert "instructions" not in answer["result"]
    assert "content.withheld" in log.methods()


@alone
async def test_a_log_message_of_a_server_is_cleaned():
    server = FakeServer(
        "handshake",
        lambda method, params: (
            initialized({"tools": {}, "logging": {}}) if method == "initialize" else {"tools": [PLAIN]}
        ),
    )
    gateway, log = gateway_of({"a": server}, ALL)
    pipe = Pipe(gateway, ALICE)
    await pipe.initialize()
    told = {"level": "info", "data": {"line": f"login with {KEY}"}}
    server.channels[0].say(jsonrpc.notification("notifications/message", told))
    (heard,) = await pipe.until(lambda: pipe.heard("notifications/message"))
    assert heard["params"]["data"] == {"line": "login with [redacted:secret.aws-access-key]"}
    (entry,) = [entry for entry in log.entries if entry.method == "notifications/message"]
    assert (entry.effect, entry.findings) == ("redact", ("secret.aws-access-key",))


@alone
async def test_a_question_of_a_server_is_cleaned():
    server = FakeServer(
        "handshake",
        lambda method, params: initialized({"tools": {}}) if method == "initialize" else {"tools": [PLAIN]},
    )
    gateway, _ = gateway_of({"a": server}, ALL)
    pipe = Pipe(gateway, ALICE)
    await pipe.initialize({"elicitation": {}})
    asked = {"message": f"is {KEY} right?", "requestedSchema": {"type": "object", "properties": {}}}
    server.channels[0].say(jsonrpc.request(5, "elicitation/create", asked))
    (question,) = await pipe.until(lambda: pipe.heard("elicitation/create"))
    assert question["params"]["message"] == "is [redacted:secret.aws-access-key] right?"


@pytest.mark.parametrize("mount", [None, "a"])
@alone
async def test_the_words_of_a_server_that_gives_no_list_are_for_the_log_only(mount):
    server = tool_server()
    before = server.reply
    said = {"code": -32603, "message": f"failed with {KEY} {HIDDEN}"}
    server.reply = lambda method, params: said if method == "tools/list" else before(method, params)
    gateway, log = gateway_of({"a": server}, ALL)
    answer = await ask(gateway, ALICE, "tools/list", {}, mount=mount)
    entries = [entry for entry in log.entries if entry.method == "upstream.failed"]
    assert KEY not in json.dumps(answer)
    assert all(KEY not in entry.reason for entry in entries)
    assert any(KEY in entry.private for entry in entries)


@pytest.mark.parametrize("way", ["arguments", "result", "structured"])
@alone
async def test_a_honeytoken_goes_nowhere_and_nobody_is_told_why(way):
    kind = KINDS["stripe"]
    token = kind.made(range(kind.length))
    detector = HoneytokenDetector()
    detector.issued = Issued({digest_of(token, b"k"): "0badcafe"}, frozenset(("stripe",)), b"k")
    told = {"content": [{"type": "text", "text": f"STRIPE={token}"}]}
    server = tool_server(PLAIN, tools_call=complete(**told) if way == "result" else complete())
    if way == "structured":
        server = tool_server(PLAIN, tools_call=complete(structuredContent={"a": [token[:7], token[7:]]}))
    inspection = guards_of(Document(version=1, content=Content(profile="relaxed")), honeytokens=detector)
    gateway, log = gateway_of({"a": server}, ALL, inspection=inspection)
    sent = {"name": "p", "arguments": {"x": [token[:9], token[9:]]} if way == "arguments" else {}}
    answer = await ask(gateway, ALICE, "tools/call", sent, mount="a")
    assert token not in json.dumps(answer)
    assert "honey" not in json.dumps(answer)
    assert "the content was refused" in json.dumps(answer)
    (entry,) = [entry for entry in log.entries if "honeytoken.0badcafe" in entry.findings]
    assert entry.effect == "deny"
    assert (len(server.asked("tools/call")) == 1) is (way != "arguments")
