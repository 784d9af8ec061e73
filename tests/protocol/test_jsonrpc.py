"""The strict parser: a table of refusals, laws, and the invariant that bytes either parse or raise RemoteError."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.model.errors import RemoteError
from keepgate.model.message import Kind
from keepgate.protocol import jsonrpc
from keepgate.protocol.jsonrpc import JsonLimits, decode, decode_batch

CALL = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":%s}'

REFUSED = [
    # encoding
    ("not UTF-8", b'{"jsonrpc":"2.0","id":1,"method":"\xff"}', -32700),
    ("UTF-8 BOM", b'\xef\xbb\xbf{"jsonrpc":"2.0","id":1,"method":"ping"}', -32700),
    ("UTF-16", '{"jsonrpc":"2.0","id":1,"method":"ping"}'.encode("utf-16"), -32700),
    ("UTF-32", '{"jsonrpc":"2.0","id":1,"method":"ping"}'.encode("utf-32-le"), -32700),
    ("lone surrogate", CALL % b'{"a":"\\ud800"}', -32700),
    ("raw control character", CALL % b'{"a":"\x01"}', -32700),
    # one meaning only
    ("duplicate method", b'{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}', -32700),
    ("duplicate key deep inside", CALL % b'{"a":[{"b":{"c":1,"c":2}}]}', -32700),
    ("duplicate key by escape", CALL % b'{"a":1,"\\u0061":2}', -32700),
    # numbers
    ("NaN", CALL % b'{"a":NaN}', -32700),
    ("Infinity", CALL % b'{"a":-Infinity}', -32700),
    ("float that overflows", CALL % b'{"a":1e400}', -32600),
    ("float that overflows, plus and capital", CALL % b'{"a":[1.5E+999]}', -32600),
    ("integer beyond 64 bits", CALL % b'{"a":18446744073709551616}', -32600),
    ("integer below 64 bits", CALL % b'{"a":-9223372036854775809}', -32600),
    ("integer of 5000 digits", CALL % (b'{"a":' + b"9" * 5000 + b"}"), -32700),
    # structure
    ("trailing text", b'{"jsonrpc":"2.0","id":1,"method":"ping"} {}', -32700),
    ("trailing comma", b'{"jsonrpc":"2.0","id":1,"method":"ping",}', -32700),
    ("empty", b"", -32700),
    ("a string", b'"ping"', -32600),
    ("a batch", b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600),
    ("no version", b'{"id":1,"method":"ping"}', -32600),
    ("other version", b'{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600),
    ("depth 65", CALL % (b'{"a":' + b"[" * 64 + b"]" * 64 + b"}"), -32600),
    ("depth 100000", b"[" * 100_000, -32700),
    # ids
    ("id null", b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600),
    ("id float", b'{"jsonrpc":"2.0","id":1.0,"method":"ping"}', -32600),
    ("id bool", b'{"jsonrpc":"2.0","id":true,"method":"ping"}', -32600),
    ("id list", b'{"jsonrpc":"2.0","id":[1],"method":"ping"}', -32600),
    ("id too long", b'{"jsonrpc":"2.0","id":"' + b"x" * 257 + b'","method":"ping"}', -32600),
    # kinds
    ("method and result", b'{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}', -32600),
    ("result and error", b'{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}', -32600),
    ("neither", b'{"jsonrpc":"2.0","id":1}', -32600),
    ("result without id", b'{"jsonrpc":"2.0","result":{}}', -32600),
    ("result is a list", b'{"jsonrpc":"2.0","id":1,"result":[]}', -32600),
    ("params is a list", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', -32600),
    ("params is null", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":null}', -32600),
    ("_meta is a list", CALL % b'{"_meta":[]}', -32602),
    ("method is a number", b'{"jsonrpc":"2.0","id":1,"method":7}', -32600),
    ("method is empty", b'{"jsonrpc":"2.0","id":1,"method":""}', -32600),
    ("error without code", b'{"jsonrpc":"2.0","id":1,"error":{"message":"x"}}', -32600),
    ("error code is a bool", b'{"jsonrpc":"2.0","id":1,"error":{"code":true,"message":"x"}}', -32600),
]


@pytest.mark.parametrize(("raw", "code"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused(raw: bytes, code: int) -> None:
    with pytest.raises(RemoteError) as caught:
        decode(raw)
    assert caught.value.rpc_code == code


ACCEPTED = [
    ("request", b'{"jsonrpc":"2.0","id":1,"method":"ping"}', Kind.REQUEST),
    ("string id", b'{"jsonrpc":"2.0","id":"1","method":"ping"}', Kind.REQUEST),
    ("empty string id", b'{"jsonrpc":"2.0","id":"","method":"ping"}', Kind.REQUEST),
    ("notification", b'{"jsonrpc":"2.0","method":"notifications/initialized"}', Kind.NOTIFICATION),
    ("result", b'{"jsonrpc":"2.0","id":1,"result":{}}', Kind.RESULT),
    ("error", b'{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":""}}', Kind.ERROR),
    (
        "error that could not name its request",
        b'{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":""}}',
        Kind.ERROR,
    ),
    (
        "unknown fields survive",
        b'{"jsonrpc":"2.0","id":1,"method":"ping","x":{"y":[1,2.5,"z"]}}',
        Kind.REQUEST,
    ),
    ("largest integer", CALL % b'{"a":18446744073709551615,"b":-9223372036854775808}', Kind.REQUEST),
    ("long digits in a string", CALL % b'{"a":"99999999999999999999999999 1e999"}', Kind.REQUEST),
    ("depth 64", CALL % (b'{"a":' + b"[" * 62 + b"]" * 62 + b"}"), Kind.REQUEST),
    ("braces in a string", CALL % (b'{"a":"' + b"{" * 500 + b'"}'), Kind.REQUEST),
]


@pytest.mark.parametrize(("raw", "kind"), [row[1:] for row in ACCEPTED], ids=[row[0] for row in ACCEPTED])
def test_accepted_and_unchanged(raw: bytes, kind: Kind) -> None:
    message = decode(raw)
    assert message.kind is kind
    assert message.body == json.loads(raw)
    assert json.loads(jsonrpc.encode(message.body)) == json.loads(raw)


def test_ids_keep_their_type() -> None:
    assert decode(b'{"jsonrpc":"2.0","id":7,"method":"ping"}').id == 7
    assert decode(b'{"jsonrpc":"2.0","id":"7","method":"ping"}').id == "7"


def test_carriage_returns_do_not_survive_as_bytes() -> None:
    """CR smuggling: a nested object between raw CRs must not become a line of its own at the server."""
    raw = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":\r{"jsonrpc":"2.0","id":2,"method":"tools/call"}\r}'
    encoded = jsonrpc.encode(decode(raw).body)
    assert b"\r" not in encoded
    assert b"\n" not in encoded
    assert b"\r" not in jsonrpc.encode(decode(CALL % b'{"a":"x\\ry"}').body)


def test_size_and_member_limits() -> None:
    with pytest.raises(RemoteError) as caught:
        decode(b" " * 101, JsonLimits(size=100))
    assert caught.value.status == 413
    with pytest.raises(RemoteError):
        decode(CALL % (b'{"a":[' + b"1," * 200 + b"1]}"), JsonLimits(members=100))


def test_batches_only_where_asked_for() -> None:
    one = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
    assert [m.method for m in decode_batch(b"[" + one + b"," + one + b"]")] == ["ping", "ping"]
    assert len(decode_batch(one)) == 1
    for bad in (
        b"[]",
        b"[" + b",".join([one] * 51) + b"]",
        b"[1]",
        b'[{"jsonrpc":"2.0","id":1,"method":"initialize"}]',
    ):
        with pytest.raises(RemoteError):
            decode_batch(bad)


@given(st.binary(max_size=300))
def test_any_bytes_parse_or_raise_remote(raw: bytes) -> None:
    try:
        message = decode(raw)
    except RemoteError:
        return
    assert orjson.loads(jsonrpc.encode(message.body)) == message.body


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON_VALUES)
def test_what_is_parsed_is_what_is_sent(value: Any) -> None:
    raw = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "x", "params": {"v": value}})
    assert orjson.loads(jsonrpc.encode(decode(raw).body)) == orjson.loads(raw)


@given(st.data())
def test_mutated_messages_never_escape(data: st.DataObject) -> None:
    raw = bytearray(CALL % b'{"name":"x","arguments":{"a":[1,2,{"b":"c"}]},"_meta":{"progressToken":1}}')
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    codes = (-32700, -32600, -32602)
    try:
        decode(bytes(raw))
    except RemoteError as error:
        code = error.rpc_code
    else:
        return
    assert code in codes


def test_peek_id_answers_only_valid_ids() -> None:
    assert jsonrpc.peek_id(b'{"id":5}') == 5
    assert jsonrpc.peek_id(b'{"id":true}') is None
    assert jsonrpc.peek_id(b"[") is None
    assert jsonrpc.peek_id(b'{"id":1,"id":2}') is None
