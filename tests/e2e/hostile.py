"""Hostile byte strings and mutated real messages, the same for the same seed. No project imports: servers use it."""

import json
import random
from collections.abc import Iterator
from typing import Any

META = "io.modelcontextprotocol/"
ENVELOPE = {
    META + "protocolVersion": "2026-07-28",
    META + "clientCapabilities": {},
    META + "clientInfo": {"name": "h"},
}

REQUESTS: list[dict[str, Any]] = [
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "act", "arguments": {"n": 1.5, "t": "é😀"}},
    },
    {
        "jsonrpc": "2.0",
        "id": "7",
        "method": "tools/call",
        "params": {"name": "act", "arguments": {"deep": [[{"a": None}]]}, "_meta": {"progressToken": 7}},
    },
    {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {"cursor": "x"}},
    {"jsonrpc": "2.0", "id": 3, "method": "ping"},
    {"jsonrpc": "2.0", "id": 4, "method": "resources/read", "params": {"uri": "file:///a%2e"}},
    {
        "jsonrpc": "2.0",
        "id": 5,
        "method": "completion/complete",
        "params": {"ref": {"type": "ref/prompt", "name": "p"}},
    },
    {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1, "reason": "r"}},
    {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 0.5}},
    {"jsonrpc": "2.0", "id": 6, "result": {"roots": [{"uri": "file:///"}]}},
    {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "x"}},
    {
        "jsonrpc": "2.0",
        "id": 8,
        "method": "tools/call",
        "params": {"name": "act", "arguments": {}, "_meta": ENVELOPE},
    },
]
"""What clients say. `subscriptions/listen` is left out: its answer does not end."""

MODERN: dict[str, dict[str, Any]] = {
    method: {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": ENVELOPE}}
    for method, params in {
        "tools/call": {"name": "act", "arguments": {"n": 1.5, "t": "é"}},
        "tools/list": {},
        "server/discover": {},
    }.items()
}
"""Requests of the stateless era, by method, because their headers name it."""

REPLIES: list[dict[str, Any]] = [
    {
        "jsonrpc": "2.0",
        "id": "$id",
        "result": {"content": [{"type": "text", "text": "é😀"}], "isError": False},
    },
    {
        "jsonrpc": "2.0",
        "id": "$id",
        "result": {"content": [], "structuredContent": {"n": 1e3}, "_meta": {"a/b": 1}},
    },
    {"jsonrpc": "2.0", "id": "$id", "error": {"code": -32602, "message": "no", "data": [1]}},
    {"jsonrpc": "2.0", "id": 999_999, "result": {"content": []}},
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "sampling/createMessage",
        "params": {"messages": [], "maxTokens": 1},
    },
    {
        "jsonrpc": "2.0",
        "id": "r",
        "method": "elicitation/create",
        "params": {"message": "?", "requestedSchema": {}},
    },
    {"jsonrpc": "2.0", "id": 2, "method": "roots/list"},
    {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": "$id", "progress": 1}},
    {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": {"x": [1]}}},
    {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"},
    {
        "jsonrpc": "2.0",
        "id": "$id",
        "result": {"resultType": "input_required", "inputRequests": {}, "requestState": "s"},
    },
]
"""What servers say; `$id` is the id of the request."""

TOKENS = [
    *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u0000", b"\\ud800", b"//c\n", b"/**/", b",,"),
    *(
        b"\r",
        b"\n",
        b"\r\n",
        b"\x00",
        b"\x1b[31m",
        b"\x7f",
        b"\xa0",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xc0\xaf",
    ),
    *(
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        "\u2028".encode(),
        b"null",
        b"true",
        b"NaN",
        b"Infinity",
        b"-0",
        b"1e999",
    ),
    *(b"18446744073709551616", b"-9223372036854775809", b"0x1", b"01", b"1."),
    *(b'"id":1,', b'"id":null,', b'"id":{},', b'"id":1e3,', b'"method":"tools/call",', b'"jsonrpc":"1.0",'),
    *(
        b'"result":{},',
        b'"error":{},',
        b'"params":[],',
        b'"params":{"_meta":7},',
        b'"name":"act","name":"secret"',
    ),
    *(b"data: ", b"\n\n", b"id: 1\n", b"event: x\n", b"retry: 0\n"),
    *(b"HTTP/1.1 200 OK\r\n\r\n", b"Content-Length: 0\r\n", b"0\r\n\r\n"),
]


def mutate(rng: random.Random, text: bytes, other: bytes) -> bytes:
    """The text with one to four things done to it."""
    out = bytearray(text)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(out) + 1)
        end = min(len(out), at + rng.randint(1, 12))
        kind = rng.randrange(8)
        if kind == 0 and at < len(out):
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del out[at:end]
        elif kind == 2:
            out[at:at] = out[at:end]
        elif kind == 3:
            out[at:at] = rng.choice(TOKENS)
        elif kind == 4:
            out[at:end] = rng.choice(TOKENS)
        elif kind == 5:
            out[at:] = other[rng.randrange(len(other)) :]
        elif kind == 6:
            del out[at:]
        else:
            out[at:end] = bytes(rng.randrange(256) for _ in range(end - at))
    return bytes(out)


def shapes(rng: random.Random, text: bytes) -> bytes:
    """Valid or nearly, but of a hostile shape."""
    number = rng.randrange(12)
    if number == 0:
        depth = rng.choice([50, 70, 300, 5000])
        return b"[" * depth + b"]" * depth
    if number == 1:
        return b'{"a":' * rng.choice([50, 200, 3000]) + b"1" + b"}"
    if number == 2:
        return text[:-1] + b',"x":[' + b",".join([b"0"] * rng.choice([100, 20_000])) + b"]}"
    if number == 3:
        return text[:-1] + b',"x":"' + b"A" * rng.choice([100, 100_000]) + b'"}'
    if number == 4:
        return text.decode().encode(rng.choice(["utf-16", "utf-32", "utf-16-le"]))
    if number == 5:
        return b"\xef\xbb\xbf" + text
    if number == 6:
        return b"[" + b",".join([text] * rng.choice([1, 2, 60])) + b"]"
    if number == 7:
        return text[:-1] + b',"x":' + b"9" * rng.choice([18, 20, 4000]) + b"}"
    if number == 8:
        return text.replace(b'"', b'"\\u0000', 1)
    if number == 9:
        return text.replace(b":", b":\r", 2)
    if number == 10:
        return text.replace(b'"jsonrpc":"2.0"', b'"jsonrpc":"2.0","jsonrpc":"2.0"')
    return rng.choice([b"", b" ", b"\n", b"null", b"1", b'"x"', b"true", b"{}", b"[]", b'{"jsonrpc":"2.0"}'])


def strings(seed: int, count: int, real: list[dict[str, Any]]) -> Iterator[bytes]:
    """Byte strings: half are mutated real messages, the others hostile shapes, noise, and real messages untouched."""
    rng = random.Random(seed)
    texts = [json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() for message in real]
    for _ in range(count):
        text, chance = rng.choice(texts), rng.random()
        if chance < 0.6:
            yield mutate(rng, text, rng.choice(texts))
        elif chance < 0.8:
            yield shapes(rng, text)
        elif chance < 0.95:
            size = rng.choice([1, 8, 64, 400])
            yield rng.randbytes(size) if chance < 0.87 else b"".join(rng.choices(TOKENS, k=1 + size // 8))
        else:
            yield text


def strict(raw: bytes) -> Any:
    """A reader that takes nothing but one plain JSON text on one line. Raises ValueError."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key occurs twice")
        return dict(pairs)

    def refuse(text: str) -> None:
        raise ValueError(f"{text} is no JSON")

    def whole(text: str) -> int:
        value = int(text)
        if not -(1 << 63) <= value < 1 << 64:
            raise ValueError("an integer beyond 64 bits")
        return value

    if b"\n" in raw.removesuffix(b"\n") or b"\r" in raw:
        raise ValueError("more than one line")
    text = raw.decode()  # strict: raises UnicodeDecodeError, a ValueError
    value = json.loads(text, object_pairs_hook=unique, parse_constant=refuse, parse_int=whole)
    json.dumps(value, ensure_ascii=False).encode()  # no lone surrogates
    return value
