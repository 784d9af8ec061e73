"""Coverage-guided fuzzing of the strict JSON-RPC parser and of the header value codec. Run by `make fuzz`.

The invariants, for any bytes at all:

1. they either parse or raise RemoteError; nothing else comes out, and nothing hangs (libFuzzer's own timeout);
2. what parsed is sent on as one line, and parses again to the same value: what was checked is what is sent;
3. an independent reader that watches for duplicate keys, big integers and non-finite numbers finds none in it;
4. a header value survives encoding, and is plain printable ASCII on the wire.
"""

import json
import math

import atheris
from start import start

with atheris.instrument_imports(include=["keepgate"]):
    from keepgate.model.errors import RemoteError
    from keepgate.protocol import http, jsonrpc

LIMITS = jsonrpc.JsonLimits(size=64 * 1024, depth=16, members=2_000)

SEEDS = (
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"n":1.5e3},"_meta":{}}}',
    b'{"jsonrpc":"2.0","id":"7","result":{"content":[{"type":"text","text":"\\u00e9\\ud83d\\ude00"}]}}',
    b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}',
    b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":18446744073709551615}}',
    b'[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/initialized"}]',
)

# The parser is native code, so coverage cannot lead through it byte by byte: every input is also read as a list of
# these, one a byte, which gets the fuzzer to whole messages within seconds.
TOKENS = (
    b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b" ", b"\n", b"\r", b"\x00", b"\xef\xbb\xbf", b"\xff",
    b"-", b"0", b"1", b"9223372036854775807", b"18446744073709551615", b"18446744073709551616", b"1e400",
    b"1.0", b"NaN", b"Infinity",
    b"null", b"true", b"false", b'""', b'"\\ud800"', b'"\\u0000"', b'"\xe2\x80\xa8"', b'"a"', b'"2.0"',
    b'"jsonrpc":"2.0"', b'"jsonrpc"', b'"id":', b'"id":1', b'"id":"7"', b'"id":null', b'"method":', b'"method":"ping"',
    b'"method":"initialize"', b'"method":"tools/call"', b'"params":', b'"params":{}', b'"_meta":{}', b'"_meta":',
    b'"result":', b'"result":{}', b'"error":', b'"error":{"code":-32000,"message":""}', b'"code":1', b'"message":""',
    b'{"jsonrpc":"2.0",', b'{"jsonrpc":"2.0","id":1,"method":"ping"}', b'"x":', b'"\\u0078":', b'"x":1,"x":2', b"[[[[",
)  # fmt: skip


def unique(pairs):
    """An object, if no key occurs twice."""
    out = dict(pairs)
    assert len(out) == len(pairs), "a duplicate key was accepted"
    return out


def integer(text):
    value = int(text)
    assert jsonrpc.MIN_SAFE_INT <= value <= jsonrpc.MAX_SAFE_INT, "an integer beyond 64 bits was accepted"
    return value


def number(text):
    value = float(text)
    assert math.isfinite(value), "a number out of range was accepted"
    return value


def refuse(text):
    raise AssertionError(f"`{text}` was accepted")


def same(ours, theirs):
    """Equal as JSON values: 1 is not True, and nested containers are compared without recursion limits mattering."""
    return jsonrpc.canonical(ours) == jsonrpc.canonical(theirs)


def one_message(data):
    try:
        message = jsonrpc.decode(data, LIMITS)
    except RemoteError as error:
        assert error.public
        assert isinstance(error.rpc_code, int)
        jsonrpc.peek_id(data)
        return
    sent = jsonrpc.encode(message.body)
    assert b"\n" not in sent and b"\r" not in sent, "a framing character left the encoder"
    again = jsonrpc.decode(
        sent, jsonrpc.JsonLimits(size=16 * LIMITS.size, depth=LIMITS.depth, members=LIMITS.members)
    )
    assert again.kind is message.kind
    assert same(again.body, message.body), "the message changed on its way"
    oracle = json.loads(
        data.decode(), object_pairs_hook=unique, parse_int=integer, parse_float=number, parse_constant=refuse
    )
    assert same(oracle, message.body), "another reader sees another message"


def one_batch(data):
    try:
        messages = jsonrpc.decode_batch(data, LIMITS)
    except RemoteError:
        return
    assert messages


def one_header(data):
    text = data.decode("utf-8", "replace")
    wire = http.encode_value(text)
    assert wire.isascii() and (wire == "" or wire.isprintable()), "a header value carries control characters"
    assert wire == wire.strip(), "white space at the edge of a header value does not survive"
    assert http.decode_value(wire) == text
    http.decode_value(data.decode("latin-1"))


def one_input(data):
    one_header(data)
    for text in (data, b"".join(TOKENS[byte % len(TOKENS)] for byte in data)):
        one_message(text)
        one_batch(text)


if __name__ == "__main__":
    start(one_input, SEEDS)
