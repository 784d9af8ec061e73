"""Secrets, attacks and arguments that do not fit, over real connections: what leaves and what is on record."""

import contextlib
import json

import pytest

from tests.detect.corpus import ATTACKS, SECRETS
from tests.e2e.client import FRONTS, conversation
from tests.e2e.faults import records
from tests.e2e.gate import gate_before
from tests.e2e.upstreams.brain import Table
from tests.e2e.upstreams.start import over_http, over_stdio

KEY = SECRETS["secret.aws-access-key"][0]
PEM = SECRETS["secret.private-key"][0]
HIDDEN = ATTACKS["attack.hidden-text"][0]
GONE = "[redacted:secret.aws-access-key]"
eras = pytest.mark.parametrize("era", FRONTS)
servers = pytest.mark.parametrize("server", ["hs", "sl", "pipe"])

NUMBER = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}, "required": ["n"]}


def offering(era):
    tools = [
        {"name": name, "inputSchema": {"type": "object"}} for name in ("leak", "error", "attack", "clean")
    ]
    tools.append({"name": "number", "inputSchema": NUMBER})
    twice = json.dumps({"key": KEY, "pem": PEM})
    return Table(
        era=era,
        info={"name": "s", "version": "1"},
        capabilities={"tools": {}, "resources": {}, "prompts": {}},
        lists={
            "tools/list": tools,
            "prompts/list": [{"name": "p"}],
            "resources/list": [{"uri": "e2e://r", "name": "r"}],
            "resources/templates/list": [],
        },
        results={
            "tools/call": {
                "leak": {
                    "content": [{"type": "text", "text": twice}],
                    "structuredContent": {"key": KEY, "pem": PEM, "n": 7},
                },
                "attack": {"content": [{"type": "text", "text": f"weather: {HIDDEN}"}]},
                "clean": {"content": [{"type": "text", "text": "Grüße, 7 °C \U0001f600 \\u0041"}]},
                "number": {"content": []},
                "error": {"content": [{"type": "text", "text": f"login with {KEY} failed"}], "isError": True},
            },
            "prompts/get": {"p": {"messages": [{"role": "user", "content": {"type": "text", "text": KEY}}]}},
            "resources/read": {"e2e://r": {"contents": [{"uri": "e2e://r", "text": f"a {KEY} b"}]}},
        },
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    directory = tmp_path_factory.mktemp("inspection")
    with contextlib.ExitStack() as stack:
        upstreams = [
            stack.enter_context(over_http(directory, "hs", offering("handshake"))),
            stack.enter_context(over_http(directory, "sl", offering("stateless"))),
            over_stdio(directory, "pipe", offering("stateless")),
        ]
        yield stack.enter_context(gate_before(directory, upstreams))


async def enter(shop, era):
    return await FRONTS[era](f"{shop.origin}/mcp").initialize()


@eras
@servers
@conversation
async def test_secrets_leave_no_result(shop, era, server):
    client = await enter(shop, era)
    await client.call("tools/list")
    for _ in range(2):  # the second call takes the short way, where there is one
        reply = await client.call("tools/call", {"name": f"{server}_leak", "arguments": {}})
        assert KEY not in json.dumps(reply)
        result = reply["result"]
        assert result["structuredContent"] == {"key": GONE, "pem": "[redacted:secret.private-key]", "n": 7}
        assert json.loads(result["content"][0]["text"])["pem"] == "[redacted:secret.private-key]"
    prompt = await client.call("prompts/get", {"name": f"{server}_p"})
    assert prompt["result"]["messages"][0]["content"]["text"] == GONE
    failed = await client.call("tools/call", {"name": f"{server}_error", "arguments": {}})
    assert failed["result"]["content"][0]["text"] == f"login with {GONE} failed"


@eras
@conversation
async def test_a_resource_is_cleaned(shop, era):
    client = await enter(shop, era)
    listed = (await client.call("resources/list"))["result"]["resources"]
    for resource in listed:
        read = await client.call("resources/read", {"uri": resource["uri"]})
        assert read["result"]["contents"][0]["text"] == f"a {GONE} b"


@eras
@servers
@conversation
async def test_attacks_that_are_certain_are_refused_and_ordinary_text_is_not_touched(shop, era, server):
    client = await enter(shop, era)
    refused = await client.call("tools/call", {"name": f"{server}_attack", "arguments": {}})
    assert refused["result"]["isError"] is True
    assert "weather" not in json.dumps(refused)
    clean = await client.call("tools/call", {"name": f"{server}_clean", "arguments": {}})
    assert clean["result"]["content"][0]["text"] == "Grüße, 7 °C \U0001f600 \\u0041"


@eras
@servers
@conversation
async def test_arguments_that_do_not_fit_stay_here(shop, era, server):
    client = await enter(shop, era)
    await client.call("tools/list")
    since = shop.record(server).mark()
    wrong = await client.call("tools/call", {"name": f"{server}_number", "arguments": {"n": 10}})
    text = wrong["result"]["content"][0]["text"]
    assert wrong["result"]["isError"] is True
    assert "`/n`: the value is greater than the maximum of 9" in text
    fits = await client.call("tools/call", {"name": f"{server}_number", "arguments": {"n": 9}})
    assert fits["result"]["content"] == []
    calls = [each["params"]["arguments"] for each in shop.record(server).messages("tools/call", since)]
    assert calls == [{"n": 9}]


def test_the_log_names_what_was_found_and_holds_no_secret(shop):
    events = records(shop.directory)
    found = {rule for event in events for rule in event["findings"]}
    assert {"secret.aws-access-key", "secret.private-key", "attack.hidden-text", "schema.arguments"} <= found
    assert KEY not in json.dumps(events)
    effects = {event["verdict"]["effect"] for event in events if "secret.private-key" in event["findings"]}
    assert effects == {"redact"}
