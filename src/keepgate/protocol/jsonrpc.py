"""Strict, bounded JSON-RPC 2.0: bytes to `Message`, `Message` to bytes.

What is parsed here is what is decided on, and only its re-serialisation is ever sent on (DESIGN.md, rule 2). Refused:
anything but UTF-8 without BOM, duplicate keys at any depth, NaN and infinities, lone surrogates, integers beyond 64
bits, nesting and size beyond the limits, batches where the revision has none, ids that are not strings or integers.
The parser is jiter: the only fast one that detects duplicate keys. It bounds recursion itself (200).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import jiter
import orjson

from keepgate.model.errors import RemoteError
from keepgate.model.message import Kind, Message
from keepgate.protocol.lookalike import ENVELOPE, check_names, check_params

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
RESOURCE_NOT_FOUND: Final = -32002
"""Handshake era only; 2026-07-28 says -32602."""
URL_ELICITATION_REQUIRED: Final = -32042
"""2025-11-25 only; 2026-07-28 has `input_required`."""
HEADER_MISMATCH: Final = -32020
MISSING_CAPABILITY: Final = -32021
UNSUPPORTED_VERSION: Final = -32022

DENIED: Final = -31001
"""Our own codes lie outside -32768…-32000, which JSON-RPC and MCP reserve."""
RATE_LIMITED: Final = -31002
UNAVAILABLE: Final = -31010
UNDECIDED: Final = -31011

MAX_ID_CHARS: Final = 256
MAX_METHOD_CHARS: Final = 128
MAX_SAFE_INT: Final = (1 << 64) - 1
MIN_SAFE_INT: Final = -(1 << 63)

# Maps digits to `0` and `E` to `e`, everything else to a blank, and drops `+`: a long number or a large exponent then
# shows up as a fixed substring, found at memory speed. Only texts that show one are walked.
_NUMBER_SHAPE: Final = bytes(0x30 if 0x30 <= c <= 0x39 else 0x65 if c in b"eE" else 0x20 for c in range(256))
_LONG: Final = b"0" * 19
_NO_OPENING: Final = bytes(c for c in range(256) if c not in b"{[")
_NO_MEMBER: Final = bytes(c for c in range(256) if c not in b"{[,")
# Taking everything else out and looking at the length is four times as fast as `bytes.count`.
_SHORT: Final = 2048
"""Bytes of a text that is searched without trying to walk it first: a walk costs by member, the search by byte."""


_REQUEST: Final = Kind.REQUEST
_RESULT: Final = Kind.RESULT


@dataclass(frozen=True, slots=True)
class JsonLimits:
    """Bounds on one message. `size` in bytes, `depth` in nested containers, `members` in values and keys."""

    size: int = 4 * 1024 * 1024
    depth: int = 64
    members: int = 200_000


DEFAULT_LIMITS: Final = JsonLimits()


def encode(body: Any) -> bytes:
    """Compact UTF-8 JSON of a decoded value; control characters are escaped, so no raw CR or LF can occur."""
    return orjson.dumps(body)


def canonical(value: Any) -> bytes:
    """JSON with sorted keys: equal values give equal bytes. For digests and the record."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def decode(raw: bytes, limits: JsonLimits = DEFAULT_LIMITS) -> Message:
    """Parse one message. Raises RemoteError with the JSON-RPC code to answer."""
    value = parse(raw, limits)
    if isinstance(value, list):
        raise _invalid("a batch is not allowed in this protocol revision: send one message a request")
    return classify(value, len(raw))


def decode_batch(raw: bytes, limits: JsonLimits = DEFAULT_LIMITS, *, most: int = 50) -> list[Message]:
    """Parse a 2025-03-26 batch (or one message) of at most `most` messages. Raises RemoteError."""
    value = parse(raw, limits)
    if not isinstance(value, list):
        return [classify(value, len(raw))]
    if not value or len(value) > most:
        raise _invalid(f"a batch needs 1 to {most} messages")
    share = len(raw) // len(value)
    messages = [classify(item, share) for item in value]
    if any(message.method == "initialize" for message in messages):
        raise _invalid("`initialize` must not be part of a batch")
    return messages


def parse(raw: bytes, limits: JsonLimits = DEFAULT_LIMITS) -> Any:
    """Parse any JSON text under the rules of this module. Raises RemoteError (`parse` or `too-large`)."""
    if len(raw) > limits.size:
        raise RemoteError(
            "too-large", f"message is larger than {limits.size} bytes", rpc_code=INVALID_REQUEST, status=413
        )
    try:
        value = jiter.from_json(raw, allow_inf_nan=False, catch_duplicate_keys=True, partial_mode=False)
    except ValueError as error:
        raise RemoteError("parse", "not a valid JSON text", str(error)[:200], rpc_code=PARSE_ERROR) from None
    size = len(raw)
    if (size <= _SHORT or not _walk(value, limits, size >> 8)) and _must_walk(raw, limits):
        _walk(value, limits, limits.members)
    return value


def _must_walk(raw: bytes, limits: JsonLimits) -> bool:
    """Whether the text could go beyond a limit on depth, members or numbers.

    What stands inside strings is counted too, so True says nothing yet.
    """
    if len(raw.translate(None, _NO_OPENING)) > limits.depth:
        return True
    if len(raw) > limits.members and len(raw.translate(None, _NO_MEMBER)) > limits.members:
        return True
    shape = raw.translate(_NUMBER_SHAPE, b"+")
    return b"0e000" in shape or _LONG in shape


def _walk(root: Any, limits: JsonLimits, most: int) -> bool:
    """Check depth, member count and numbers of a decoded value without recursion. Raises RemoteError.

    False if it has more than `most` members, and that is less than it may have: then nothing is known of the rest.
    """
    stack: list[tuple[Any, int]] = [(root, 0)]
    members = 0
    while stack:
        value, depth = stack.pop()
        members += 1
        if members > limits.members:
            raise _invalid(f"message has more than {limits.members} members")
        if members > most:
            return False
        if isinstance(value, dict):
            children: Any = value.values()
        elif isinstance(value, list):
            children = value
        else:
            _check_number(value)
            continue
        if depth >= limits.depth:
            raise _invalid(f"message is nested deeper than {limits.depth}")
        stack.extend((child, depth + 1) for child in children)
    return True


def _check_number(value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise _invalid("message contains a number out of range")
    if isinstance(value, int) and not MIN_SAFE_INT <= value <= MAX_SAFE_INT:
        raise _invalid("message contains an integer beyond 64 bits")


def classify(value: Any, size: int) -> Message:
    """Decide what a decoded value is as JSON-RPC 2.0. Raises RemoteError (-32600)."""
    if not isinstance(value, dict):
        raise _invalid("a message must be a JSON object")
    if value.get("jsonrpc") != "2.0":
        raise _invalid("`jsonrpc` must be `2.0`")
    check_names(value, ENVELOPE)
    if "id" in value and not _valid_id(value["id"]) and not ("error" in value and value["id"] is None):
        raise _invalid("`id` must be a string or an integer")
    if "method" in value:
        return Message(_request_kind(value), value, size)
    has_result, has_error = "result" in value, "error" in value
    if has_result == has_error:
        raise _invalid("a message needs exactly one of `method`, `result` and `error`")
    if "id" not in value:
        raise _invalid("a response needs an `id`")
    if has_error:
        _check_error(value["error"])
        return Message(Kind.ERROR, value, size)
    if not isinstance(value["result"], dict):
        raise _invalid("`result` must be an object")
    return Message(_RESULT, value, size)


def _request_kind(value: dict[str, Any]) -> Kind:
    method = value["method"]
    if not isinstance(method, str) or not 0 < len(method) <= MAX_METHOD_CHARS:
        raise _invalid(f"`method` must be a string of 1 to {MAX_METHOD_CHARS} characters")
    if "result" in value or "error" in value:
        raise _invalid("a message with `method` must not have `result` or `error`")
    params = value.get("params")
    if not isinstance(params, dict) and ("params" in value):
        raise _invalid("`params` must be an object")
    if params is not None:
        if not isinstance(params.get("_meta", {}), dict):
            raise RemoteError("meta", "`params._meta` must be an object", rpc_code=INVALID_PARAMS)
        check_params(params)
    return _REQUEST if "id" in value else Kind.NOTIFICATION


def _valid_id(value: Any) -> bool:
    if type(value) is int:  # a bool is none here
        return MIN_SAFE_INT <= value <= MAX_SAFE_INT
    return type(value) is str and len(value) <= MAX_ID_CHARS


def _check_error(error: Any) -> None:
    if (
        not isinstance(error, dict)
        or type(error.get("code")) is not int
        or not isinstance(error.get("message"), str)
    ):
        raise _invalid("`error` must be an object with an integer `code` and a string `message`")


def _invalid(text: str) -> RemoteError:
    return RemoteError("invalid-request", text, rpc_code=INVALID_REQUEST)


def peek_id(raw: bytes) -> int | str | None:
    """The id of a JSON text that `decode` refused as a request, if it can be had safely, else None. Never raises."""
    try:
        value = jiter.from_json(raw, allow_inf_nan=False, catch_duplicate_keys=True)
    except ValueError:
        return None
    found = value.get("id") if isinstance(value, dict) else None
    return found if _valid_id(found) else None


def encode_result(request_id: int | str | None, result: bytes) -> bytes:
    """A result message, its `result` encoded already."""
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (orjson.dumps(request_id), result)


def result(request_id: Any, value: Any) -> dict[str, Any]:
    """A result message body."""
    return {"jsonrpc": "2.0", "id": request_id, "result": value}


def error(request_id: Any, code: int, message: str, data: Any = None) -> dict[str, Any]:
    """An error message body; `data` is left out if None."""
    body: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        body["data"] = data
    return {"jsonrpc": "2.0", "id": request_id, "error": body}


def request(request_id: Any, method: str, params: dict[str, Any] | None) -> dict[str, Any]:
    """A request message body."""
    body: dict[str, Any] = {"jsonrpc": "2.0", "id": request_id, "method": method}
    if params is not None:
        body["params"] = params
    return body


def notification(method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    """A notification message body."""
    body: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    if params is not None:
        body["params"] = params
    return body
