"""Header/body agreement and `Mcp-Param-*`, against tables and the official SDK as oracle."""

from typing import Any

import mcp.shared.inbound as oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.model.errors import RemoteError
from keepgate.model.message import Kind, Message
from keepgate.protocol import http
from keepgate.protocol.envelope import CAPABILITIES_KEY, VERSION_KEY

GOOD = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "echo"}


def call(**params: Any) -> Message:
    meta = {VERSION_KEY: "2026-07-28", CAPABILITIES_KEY: {}}
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "echo", "_meta": meta, **params},
    }
    return Message(Kind.REQUEST, body)


def test_agreeing_headers_pass() -> None:
    http.check_agreement(call(), GOOD)
    http.check_agreement(call(name="später"), {**GOOD, "mcp-name": http.encode_value("später")})


@pytest.mark.parametrize(
    "change",
    [
        {"mcp-method": "tools/list"},
        {"mcp-method": "TOOLS/CALL"},
        {"mcp-method": None},
        {"mcp-name": "other"},
        {"mcp-name": "Echo"},
        {"mcp-name": None},
        {"mcp-name": "=?base64?ZWNob?="},
        {"mcp-name": "=?base64?ZWN!bw==?="},
        {"mcp-protocol-version": "2025-11-25"},
        {"mcp-protocol-version": None},
    ],
    ids=str,
)
def test_any_disagreement_is_refused(change: dict[str, str | None]) -> None:
    headers = {k: v for k, v in {**GOOD, **change}.items() if v is not None}
    with pytest.raises(RemoteError) as caught:
        http.check_agreement(call(), headers)
    assert (caught.value.rpc_code, caught.value.status) == (-32020, 400)


@given(st.text(max_size=40))
def test_header_values_round_trip_and_equal_the_sdk(value: str) -> None:
    encoded = http.encode_value(value)
    assert http.decode_value(encoded) == value
    assert encoded.isascii()
    assert encoded.isprintable()
    assert oracle.decode_header_value(encoded) == value


SCHEMAS = [
    {"type": "object", "properties": {"r": {"type": "string", "x-mcp-header": "Region"}}},
    {
        "type": "object",
        "properties": {
            "o": {"type": "object", "properties": {"n": {"type": "integer", "x-mcp-header": "N"}}}
        },
    },
    {"type": "object", "properties": {"r": {"type": "number", "x-mcp-header": "R"}}},
    {"type": "object", "properties": {"r": {"type": "string", "x-mcp-header": ""}}},
    {"type": "object", "properties": {"r": {"type": "string", "x-mcp-header": "a b"}}},
    {"type": "object", "properties": {"r": {"type": "string", "x-mcp-header": "a:b"}}},
    {"type": "object", "properties": {"r": {"type": "string", "x-mcp-header": 7}}},
    {"type": "object", "properties": {"r": {"type": ["string"], "x-mcp-header": "A"}}},
    {
        "type": "object",
        "properties": {
            "a": {"type": "string", "x-mcp-header": "A"},
            "b": {"type": "string", "x-mcp-header": "a"},
        },
    },
    {
        "type": "object",
        "properties": {"a": {"type": "array", "items": {"type": "string", "x-mcp-header": "A"}}},
    },
    {"anyOf": [{"properties": {"a": {"type": "string", "x-mcp-header": "A"}}}]},
    {"x-mcp-header": "Root"},
    {"type": "object", "properties": {"a": {"enum": [{"x-mcp-header": 1}]}}},
    {},
    None,
    7,
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_annotations_are_judged_as_the_sdk_does(schema: Any) -> None:
    ours = http.annotated(schema)
    assert (ours is None) == (oracle.find_invalid_x_mcp_header(schema) is not None)
    if ours is not None:
        assert ours == oracle.x_mcp_header_map(schema)


TOKENS = {("region",): "Region", ("n",): "N", ("flag",): "Flag"}


@pytest.mark.parametrize(
    ("arguments", "headers", "fine"),
    [
        ({"region": "eu"}, {"mcp-param-region": "eu"}, True),
        ({"region": "Hello"}, {"mcp-param-region": "=?base64?SGVsbG8=?="}, True),
        ({"region": "SGVsbG8="}, {"mcp-param-region": "SGVsbG8="}, True),
        ({"region": "=?base64?SGVsbG8="}, {"mcp-param-region": "=?base64?SGVsbG8="}, True),
        ({"n": 42}, {"mcp-param-n": "42"}, True),
        ({"n": 42}, {"mcp-param-n": "42.0"}, True),
        ({"flag": True}, {"mcp-param-flag": "true"}, True),
        ({"region": None}, {}, True),
        ({}, {"mcp-param-other": "x"}, True),
        ({"region": "eu"}, {"mcp-param-region": "us"}, False),
        ({"region": "eu"}, {}, False),
        ({}, {"mcp-param-region": "eu"}, False),
        ({"region": None}, {"mcp-param-region": "eu"}, False),
        ({"region": "Hello"}, {"mcp-param-region": "=?base64?SGVsbG8?="}, False),
        ({"region": "Hello"}, {"mcp-param-region": "=?base64?SGVs!!!bG8=?="}, False),
        ({"n": 42}, {"mcp-param-n": "4.2e1"}, False),
        ({"n": 42}, {"mcp-param-n": "42.5"}, False),
        ({"flag": True}, {"mcp-param-flag": "True"}, False),
    ],
)
def test_param_headers_must_agree(arguments: dict[str, Any], headers: dict[str, str], fine: bool) -> None:
    if fine:
        http.check_params(TOKENS, arguments, headers)
        return
    with pytest.raises(RemoteError) as caught:
        http.check_params(TOKENS, arguments, headers)
    assert caught.value.rpc_code == -32020


@given(
    st.dictionaries(
        st.sampled_from(["region", "n", "flag"]), st.text() | st.booleans() | st.integers(-(2**53), 2**53)
    )
)
def test_what_we_send_a_server_accepts(arguments: dict[str, Any]) -> None:
    sent = {name.lower(): value for name, value in http.param_headers(TOKENS, arguments).items()}
    http.check_params(TOKENS, arguments, sent)
