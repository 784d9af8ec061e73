"""Header rules of Streamable HTTP: header/body agreement, `Mcp-Param-*`, status codes (2026-07-28, Transports).

Header values are caller-controlled. Whoever parses the body must refuse a request whose headers say something else, or
an intermediary that routes by header and a server that reads the body would disagree on what was asked.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from keepgate.model.errors import RemoteError
from keepgate.model.message import Direction, Message
from keepgate.protocol import jsonrpc
from keepgate.protocol.envelope import VERSION_KEY
from keepgate.protocol.eras import R2026_07, TABLE

VERSION_HEADER: Final = "mcp-protocol-version"
METHOD_HEADER: Final = "mcp-method"
NAME_HEADER: Final = "mcp-name"
PARAM_PREFIX: Final = "mcp-param-"
SESSION_HEADER: Final = "mcp-session-id"

ANNOTATION: Final = "x-mcp-header"
_B64_OPEN: Final = "=?base64?"
_B64_CLOSE: Final = "?="
_TOKEN: Final = frozenset("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_SAFE_INT: Final = (1 << 53) - 1

# JSON Schema 2020-12 keywords that hold schemas; `properties` is the only one an annotation may be reached through.
_ONE: Final = (
    "items contains unevaluatedItems additionalProperties propertyNames unevaluatedProperties not if then else "
    "contentSchema"
).split()
_MANY: Final = ("allOf", "anyOf", "oneOf", "prefixItems")
_NAMED: Final = ("patternProperties", "dependentSchemas", "$defs", "definitions")

STATUS: Final = {
    jsonrpc.PARSE_ERROR: 400,
    jsonrpc.INVALID_REQUEST: 400,
    jsonrpc.INVALID_PARAMS: 400,
    jsonrpc.METHOD_NOT_FOUND: 404,
    jsonrpc.HEADER_MISMATCH: 400,
    jsonrpc.MISSING_CAPABILITY: 400,
    jsonrpc.UNSUPPORTED_VERSION: 400,
}
"""Stateless era: HTTP status of a JSON-RPC error; 200 for any other code."""


_NAME_KEY: Final = {
    row.method: row.name
    for row in TABLE
    if row.name and row.direction is Direction.TO_SERVER and R2026_07 in row.revisions
}
"""Stateless era: method to the params key that `Mcp-Name` mirrors."""


def mismatch(text: str) -> RemoteError:
    """A HeaderMismatch error (400, -32020)."""
    return RemoteError("header-mismatch", text, rpc_code=jsonrpc.HEADER_MISMATCH, status=400)


def check_agreement(message: Message, headers: Mapping[str, str]) -> None:
    """Refuse a stateless request or notification whose version, method or name header differs from its body.

    `headers` has lower-case names. Raises RemoteError (-32020).
    """
    method, params = message.method, message.params
    meta = params.get("_meta")
    version = meta.get(VERSION_KEY) if isinstance(meta, dict) else None
    if version is not None and headers.get(VERSION_HEADER) != version:
        raise mismatch("the `MCP-Protocol-Version` header does not match the version in `params._meta`")
    if headers.get(METHOD_HEADER) != method:
        raise mismatch("the `Mcp-Method` header does not match the method in the body")
    key = _NAME_KEY.get(method)
    if key is None:
        return
    value = params.get(key)
    if isinstance(value, str) and decode_value(headers.get(NAME_HEADER)) != value:
        raise mismatch(f"the `Mcp-Name` header does not match `params.{key}` in the body")


def routing_headers(method: str, params: Mapping[str, Any], revision: str) -> Mapping[str, str]:
    """The headers an upstream request at a stateless revision needs, computed from what is really sent."""
    key = _NAME_KEY.get(method)
    value = params.get(key) if key is not None else None
    if not isinstance(value, str):
        value = None
    elif len(value) > _KNOWN_CHARS:
        return _routing(method, value, revision)
    return _known_routing(method, value, revision)


def _routing(method: str, name: str | None, revision: str) -> Mapping[str, str]:
    headers = {"MCP-Protocol-Version": revision, "Mcp-Method": method}
    if name is not None:
        headers["Mcp-Name"] = encode_value(name)
    return MappingProxyType(headers)


_known_routing = lru_cache(4096)(_routing)
_KNOWN_CHARS: Final = 256
"""Characters of the longest name whose headers are remembered: callers choose names, memory must stay bounded."""


def encode_value(value: str) -> str:
    """A header value that survives transport: plain printable ASCII as it is, all else as `=?base64?…?=`."""
    plain = value.isascii() and value.isprintable() and value == value.strip()
    if plain and not (value.startswith(_B64_OPEN) and value.endswith(_B64_CLOSE)):
        return value
    return f"{_B64_OPEN}{base64.b64encode(value.encode()).decode()}{_B64_CLOSE}"


def decode_value(value: str | None) -> str | None:
    """Inverse of `encode_value`; None for a malformed or non-canonical encoding, which then equals nothing."""
    if value is None or not (value.startswith(_B64_OPEN) and value.endswith(_B64_CLOSE)):
        return value
    payload = value[len(_B64_OPEN) : -len(_B64_CLOSE)]
    try:
        raw = base64.b64decode(payload, validate=True)
        return raw.decode() if base64.b64encode(raw).decode() == payload else None
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None


def _positions(root: Any) -> Iterator[tuple[tuple[str, ...] | None, dict[str, Any]]]:
    """Every schema position with its path of pure `properties` keys, or None once another keyword was crossed."""
    stack: list[tuple[tuple[str, ...] | None, Any]] = [((), root)]
    while stack:
        path, node = stack.pop()
        if not isinstance(node, dict):
            continue
        yield path, node
        properties = node.get("properties")
        if isinstance(properties, dict):
            stack.extend(((*path, key) if path is not None else None, sub) for key, sub in properties.items())
        stack.extend((None, node[key]) for key in _ONE if key in node)
        stack.extend((None, sub) for key in _MANY if isinstance(node.get(key), list) for sub in node[key])
        stack.extend(
            (None, sub) for key in _NAMED if isinstance(node.get(key), dict) for sub in node[key].values()
        )


def annotated(schema: Any) -> dict[tuple[str, ...], str] | None:
    """Argument path to `Mcp-Param-*` token of a tool's inputSchema; None if any annotation is invalid.

    HTTP clients must drop a tool with an invalid annotation.
    """
    found: dict[tuple[str, ...], str] = {}
    seen: set[str] = set()
    for path, node in _positions(schema):
        if ANNOTATION not in node:
            continue
        token, kind = node[ANNOTATION], node.get("type")
        valid = (
            bool(path)
            and isinstance(token, str)
            and token != ""
            and _TOKEN.issuperset(token)
            and kind in ("string", "integer", "boolean")
            and token.lower() not in seen
        )
        if not valid or path is None:
            return None
        seen.add(token.lower())
        found[path] = token
    return found


def _at(arguments: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if not isinstance(arguments, dict):
            return None
        arguments = arguments.get(key)
    return arguments


def _render(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if -_SAFE_INT <= value <= _SAFE_INT else None
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) <= _SAFE_INT else repr(value)
    return value if isinstance(value, str) else None


def param_headers(tokens: Mapping[tuple[str, ...], str], arguments: Any) -> dict[str, str]:
    """The `Mcp-Param-*` headers for these arguments; an absent or null argument has none."""
    headers = {}
    for path, token in tokens.items():
        rendered = _render(_at(arguments, path))
        if rendered is not None:
            headers[f"Mcp-Param-{token}"] = encode_value(rendered)
    return headers


def check_params(tokens: Mapping[tuple[str, ...], str], arguments: Any, headers: Mapping[str, str]) -> None:
    """Refuse a call whose `Mcp-Param-*` headers differ from its arguments. Raises RemoteError (-32020)."""
    for path, token in tokens.items():
        raw = headers.get(PARAM_PREFIX + token.lower())
        rendered = _render(_at(arguments, path))
        where = ".".join(path)
        if (raw is None) != (rendered is None):
            raise mismatch(
                f"the `Mcp-Param-{token}` header and the argument `{where}` must be present together"
            )
        if raw is None or rendered is None:
            continue
        decoded = decode_value(raw)
        if decoded != rendered and not (decoded is not None and _same_integer(decoded, _at(arguments, path))):
            raise mismatch(f"the `Mcp-Param-{token}` header does not match the argument `{where}`")


def _same_integer(text: str, value: Any) -> bool:
    """`42.0` and 42 are the same integer (the specification's SHOULD); scientific notation never compares."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    whole, dot, fraction = text.partition(".")
    digits = whole.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 20) or (dot and set(fraction) != {"0"}):
        return False
    return int(whole) == value
