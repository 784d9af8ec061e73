"""Headers that say something else than the body (2026-07-28), and what a session's headers may not do.

A naive forwarder decides on headers, or leaves the comparison to the server; whoever reads the other one is misled.
"""

import base64

import pytest

from tests.e2e.client import STATELESS, Exchange, Handshake, Modern, conversation, encode, header_value
from tests.e2e.naive import naive_proxy
from tests.e2e.talk import connect, nothing_came, said, texts


def b64(text):
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


MISMATCHES = {
    "other method": {"Mcp-Method": "tools/list"},
    "method in other case": {"Mcp-Method": "Tools/Call"},
    "no method": {"Mcp-Method": None},
    "empty method": {"Mcp-Method": ""},
    "other name": {"Mcp-Name": "visible"},
    "name in other case": {"Mcp-Name": "Act"},
    "no name": {"Mcp-Name": None},
    "empty name": {"Mcp-Name": ""},
    "other name encoded": {"Mcp-Name": b64("visible")},
    "name encoded, not base64": {"Mcp-Name": "=?base64?***?="},
    "name encoded, not utf-8": {"Mcp-Name": "=?base64?/w==?="},
    "name encoded twice": {"Mcp-Name": b64(b64("act"))},
    "two methods": {"Mcp-Method": ["tools/call", "tools/list"]},
    "two methods joined": {"Mcp-Method": "tools/call, tools/list"},
    "the same method twice": {"Mcp-Method": ["tools/call", "tools/call"]},
    "two names": {"Mcp-Name": ["act", "visible"]},
    "two versions": {"MCP-Protocol-Version": [STATELESS, "2025-11-25"]},
    "the same version twice": {"MCP-Protocol-Version": [STATELESS, STATELESS]},
    "no version": {"MCP-Protocol-Version": None},
    "handshake version": {"MCP-Protocol-Version": "2025-11-25"},
    "unknown version": {"MCP-Protocol-Version": "2027-01-01"},
    "name with a raw byte": {"Mcp-Name": "act\xff"},
}


@pytest.mark.parametrize("case", MISMATCHES)
@conversation
async def test_headers_that_differ_from_the_body_are_refused(everything, case, unique):
    client = await connect(everything, "stateless", "sl-http")
    params = {"name": "act", "arguments": {"steps": [{"note": unique}]}}
    exchange = await client.start("tools/call", params, extra=MISMATCHES[case])
    assert await exchange.head() == 400
    if exchange.headers["content-type"] == "application/json":
        reply = await exchange.reply()
        assert reply["error"]["code"] == -32020
        assert reply["id"] == 1
    await nothing_came(client, everything.record("sl-http"), unique)


@pytest.mark.parametrize(
    "encoded", ["ZnVsbB==", "ZnVsbA", "ZnVs bA==", "ZnVsbA==ZnVsbA==", "ZnVsbA===", "Zn-sbA=="]
)
@conversation
async def test_a_name_has_one_encoding(everything, encoded):
    """Lenient decoders read `full` from most of these, strict ones nothing."""
    client, record = await connect(everything, "stateless", "sl-http"), everything.record("sl-http")
    since = record.mark()
    extra = {"Mcp-Name": f"=?base64?{encoded}?="}
    exchange = await client.start("tools/call", {"name": "full"}, extra=extra)
    reply = await exchange.reply()
    assert (exchange.status, reply["error"]["code"]) == (400, -32020)
    await nothing_came(client, record, since=since)
    assert "full" not in [m["params"]["name"] for m in record.messages("tools/call", since)]


AGREEMENTS = {
    "plain": {"Mcp-Name": "act"},
    "encoded": {"Mcp-Name": b64("act")},
    "names in other case": {
        "mcp-name": "act",
        "Mcp-Name": None,
        "MCP-METHOD": "tools/call",
        "Mcp-Method": None,
    },
    "white space around": {"Mcp-Name": "  act\t"},
}


@pytest.mark.parametrize("case", AGREEMENTS)
@conversation
async def test_headers_that_mean_the_body_are_taken(everything, case):
    client = await connect(everything, "stateless", "sl-http")
    params = {"name": "act", "arguments": {"steps": [said("taken")]}}
    exchange = await client.start("tools/call", params, extra=AGREEMENTS[case])
    assert texts(await exchange.reply()) == ["taken"]


NAMED = [
    ("prompts/get", {"name": "full"}, "bare"),
    ("resources/read", {"uri": "e2e://bare"}, "e2e://full"),
]


@pytest.mark.parametrize(("method", "params", "other"), NAMED)
@conversation
async def test_every_method_that_names_something_is_compared(everything, method, params, other):
    client, record = await connect(everything, "stateless", "sl-http"), everything.record("sl-http")
    since = record.mark()
    for value in (other, None):
        exchange = await client.start(method, params, extra={"Mcp-Name": value})
        reply = await exchange.reply()
        assert (exchange.status, reply["error"]["code"]) == (400, -32020)
    await nothing_came(client, record, since=since)
    assert not record.messages(method, since)


@conversation
async def test_a_naive_forwarder_believes_the_header(tmp_path, everything, unique):
    """Its rule is on `Mcp-Name`; the server reads the body."""
    upstream = everything.upstreams["sl-http"]
    async with naive_proxy(upstream.entry["url"]) as url:
        client = Modern(url)
        steps = {"steps": [{"note": unique}]}
        params = client.enveloped({"name": "secret", "arguments": steps})
        body = encode({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
        refused = await Exchange.open(url, "POST", client.headers("tools/call", {"name": "secret"}), body)
        assert await refused.head() == 403
        passed = await Exchange.open(url, "POST", client.headers("tools/call", {"name": "open"}), body)
        assert await passed.head() == 200
        await upstream.record.wait_note(unique)


# Mcp-Param-*: `regional` mirrors `region` as Region and `near.zone` as Zone

PARAMS = {
    "other value": ({"region": "eu"}, {"Mcp-Param-Region": "us"}),
    "other case": ({"region": "eu"}, {"Mcp-Param-Region": "EU"}),
    "missing": ({"region": "eu"}, {}),
    "too much": ({}, {"Mcp-Param-Region": "eu"}),
    "null argument": ({"region": None}, {"Mcp-Param-Region": "null"}),
    "twice": ({"region": "eu"}, {"Mcp-Param-Region": ["eu", "us"]}),
    "deep, other value": ({"near": {"zone": 1}}, {"Mcp-Param-Zone": "2"}),
    "deep, missing": ({"near": {"zone": 1}}, {}),
    "deep, scientific": ({"near": {"zone": 1}}, {"Mcp-Param-Zone": "1e0"}),
    "deep, leading plus": ({"near": {"zone": 1}}, {"Mcp-Param-Zone": "+1"}),
    "bad base64": ({"region": "ü"}, {"Mcp-Param-Region": "=?base64?w7w?="}),
}


@pytest.mark.parametrize("case", PARAMS)
@conversation
async def test_parameter_headers_that_differ_from_the_arguments_are_refused(everything, case):
    client, record = await connect(everything, "stateless", "sl-http"), everything.record("sl-http")
    await client.call("tools/list")
    arguments, extra = PARAMS[case]
    since = record.mark()
    exchange = await client.start("tools/call", {"name": "regional", "arguments": arguments}, extra=extra)
    assert await exchange.head() == 400
    await nothing_came(client, record, since=since)
    assert "regional" not in [m["params"]["name"] for m in record.messages("tools/call", since)]


@conversation
async def test_parameter_headers_upstream_are_computed_from_what_is_sent(everything):
    """Not copied: what the caller says in other `Mcp-Param-*` headers stays behind."""
    client, record = await connect(everything, "stateless", "sl-http"), everything.record("sl-http")
    arguments = {"region": " ünï\r\n", "near": {"zone": 7, "other": 1}}
    extra = {
        "Mcp-Param-Region": header_value(arguments["region"]),
        "Mcp-Param-Zone": "7",
        "Mcp-Param-Else": "x",
    }
    since = record.mark()
    exchange = await client.start("tools/call", {"name": "regional", "arguments": arguments}, extra=extra)
    assert "result" in await exchange.reply()
    sent = next(
        dict(event["headers"])
        for event in record.all()[since:]
        if event["event"] == "http" and '"regional"' in event["body"]
    )
    assert sent["mcp-param-region"] == header_value(arguments["region"])
    assert sent["mcp-param-zone"] == "7"
    assert "mcp-param-else" not in sent
    assert (sent["mcp-method"], sent["mcp-name"], sent["mcp-protocol-version"]) == (
        "tools/call",
        "regional",
        STATELESS,
    )


# The handshake era

SESSIONS = {
    "no session": ({"Mcp-Session-Id": None}, 400),
    "empty session": ({"Mcp-Session-Id": ""}, 404),
    "unknown session": ({"Mcp-Session-Id": "x" * 43}, 404),
    "two sessions": ({"Mcp-Session-Id": ["a", "b"]}, 400),
    "unknown version": ({"MCP-Protocol-Version": "2024-01-01"}, 400),
    "two versions": ({"MCP-Protocol-Version": ["2025-11-25", "2025-06-18"]}, 400),
    "stateless version": ({"MCP-Protocol-Version": STATELESS}, 400),
}


@pytest.mark.parametrize("case", SESSIONS)
@conversation
async def test_a_session_is_named_once_and_rightly(everything, case, unique):
    client = await Handshake(everything.mount("hs-http")).initialize()
    headers, status = SESSIONS[case]
    params = {"name": "act", "arguments": {"steps": [{"note": unique}]}}
    exchange = await client.start("tools/call", params, extra=headers)
    assert await exchange.head() == status
    await exchange.close()
    await nothing_came(client, everything.record("hs-http"), unique)


@conversation
async def test_a_session_is_initialized_once(everything):
    client = await Handshake(everything.mount("hs-http")).initialize()
    params = {"protocolVersion": "2025-11-25", "capabilities": {"sampling": {}}, "clientInfo": {"name": "x"}}
    exchange = await client.start("initialize", params)
    assert await exchange.head() == 400
    await exchange.close()
    assert "result" in await client.call("ping")
