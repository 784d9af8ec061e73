"""Coverage-guided fuzzing of what a stateless request says twice: in its headers and in its body. Run by `make fuzz`.

The invariants, for any message that the strict parser took and any headers that a client can send:

1. headers and body are taken as they are or refused with RemoteError; nothing else comes out;
2. who routes by the headers and who reads the body are told the same: a taken request names one version, one method,
   one tool (resource, prompt) and one value for each `Mcp-Param-*`, read here with other code;
3. the headers that keepgate computes for what it sends are taken by the same check, and a changed one is not;
4. a taken envelope names a revision that is served, and capabilities that are an object;
5. a request target has one spelling: what was taken is not taken with any byte of its path percent-encoded.
"""

import base64
import json
from urllib.parse import quote

import atheris
from start import start

with atheris.instrument_imports(include=["keepgate"]):
    from keepgate.model.errors import RemoteError
    from keepgate.protocol import envelope, http, jsonrpc
    from keepgate.protocol.eras import R2026_07
    from keepgate.transports import http_rules

META = "io.modelcontextprotocol/"
NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""Written down here once more: the method's row in the specification."""

NAMES = ("name", "uri", "ref", "arguments", "x", META + "protocolVersion", "_meta", "", "\u00e9")
VALUES = (
    "echo", "server_echo", "file:///a", "", " echo", "echo ", "\u00e9", "=?base64?ZWNobw==?=", "=?base64??=", "a\nb",
    "\x00", "=?base64?ZWNobx==?=",
    "=?BASE64?ZWNobw==?=", "\ud83d\ude00", "1", "true", "1e3", "42.0", "a,b", "tools/call",
    R2026_07, "2025-11-25", 0, 1, -1, 42, 1.5, 42.0, 1e300, 2**53, 2**63, True, False, None, {}, [], ["echo"], {"a": 1},
)  # fmt: skip
METHODS = (
    "tools/call",
    "prompts/get",
    "resources/read",
    "tools/list",
    "completion/complete",
    "x",
    "Tools/Call",
)
KEYS = ("mcp-protocol-version", "mcp-method", "mcp-name", "mcp-param-x", "mcp-param-region", "mcp-session-id")
TOKENS = ("Region", "region", "X", "a b", "", "\u00e9", 1, None, "Mcp:", "R" * 70)
TYPES = ("string", "integer", "boolean", "number", "object", None, ["string"])

SEEDS = (bytes(range(64)), b"\x00" * 40, bytes([7] * 80), b"tools/call" * 8)


class Source:
    """Decisions drawn from the fuzzer's bytes; zeros when they are used up."""

    def __init__(self, data: bytes):
        self.data = data
        self.at = 0

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1] if self.at <= len(self.data) else 0

    def one(self, choices):
        return choices[self.byte() % len(choices)]

    def text(self) -> str:
        size = self.byte() % 12
        return bytes(self.byte() for _ in range(size)).decode("utf-8", "replace")

    def value(self):
        return self.text() if self.byte() % 4 == 0 else self.one(VALUES)

    def message(self):
        meta = {}
        for key in (
            "protocolVersion",
            "clientCapabilities",
            "clientInfo",
        ):
            if self.byte() % 4:
                meta[META + key] = self.one((R2026_07, {}, *VALUES))
        params = {self.one(NAMES): self.value() for _ in range(self.byte() % 4)}
        if self.byte() % 8:
            params["_meta"] = meta
        if self.byte() % 2:
            params["arguments"] = {self.one(("x", "y", "z")): self.value() for _ in range(self.byte() % 3)}
        return {"jsonrpc": "2.0", "id": 1, "method": self.one(METHODS), "params": params}

    def headers(self, method):
        given = {"mcp-protocol-version": R2026_07, "mcp-method": method} if self.byte() % 4 else {}
        for _ in range(self.byte() % 4):
            value = self.value()
            given[self.one(KEYS)] = value if isinstance(value, str) else json.dumps(value)
        return given

    def schema(self, depth=0):
        out = {}
        if self.byte() % 2:
            out["type"] = self.one(TYPES)
        if depth and self.byte() % 2:
            out["x-mcp-header"] = self.one(TOKENS)
        keyword = self.one(("properties", "", "items", "allOf", "$defs", "if"))
        if depth < 4 and keyword == "properties":
            out[keyword] = {self.one(("x", "y", "z")): self.schema(depth + 1) for _ in range(self.byte() % 3)}
        elif depth < 4 and keyword:
            inner = self.schema(depth + 1)
            out[keyword] = [inner] if keyword == "allOf" else {"x": inner} if keyword == "$defs" else inner
        return out


def unwrapped(wire):
    """A header value as an intermediary that knows the encoding reads it."""
    if wire is None or not (wire.startswith("=?base64?") and wire.endswith("?=")):
        return wire
    try:
        return base64.b64decode(wire[9:-2], validate=True).decode()
    except ValueError:
        return None


def refused(check, *arguments):
    try:
        check(*arguments)
    except RemoteError as error:
        assert error.public
        return error
    return None


def agreement(message, headers):
    if refused(http.check_agreement, message, headers):
        return
    assert headers["mcp-method"] == message.method
    inside = (message.params.get("_meta") or {}).get(META + "protocolVersion")
    assert inside is None or headers["mcp-protocol-version"] == inside
    named = message.params.get(NAMED.get(message.method))
    if isinstance(named, str):
        assert unwrapped(headers["mcp-name"]) == named, "the header names something else than the body"


def own_headers(message, source):
    sent = http.routing_headers(message.method, message.params, R2026_07)
    lower = {name.lower(): value for name, value in sent.items()}
    assert all(value.isascii() and value.isprintable() and value == value.strip() for value in lower.values())
    meta = message.params.get("_meta") or {}
    if meta.get(META + "protocolVersion") in (None, R2026_07):
        assert not refused(http.check_agreement, message, lower), "our own headers are refused"
    if "mcp-name" in lower:
        other = source.text()
        if unwrapped(other) != message.params[NAMED[message.method]]:
            assert refused(http.check_agreement, message, {**lower, "mcp-name": other})


def one_envelope(message):
    try:
        found = envelope.read_envelope(message)
    except RemoteError as error:
        assert error.rpc_code in (jsonrpc.INVALID_PARAMS, jsonrpc.UNSUPPORTED_VERSION)
        return
    assert envelope.has_envelope(message)
    assert found.version == R2026_07
    assert isinstance(found.capabilities, dict)
    assert isinstance(found.client_info, dict)
    assert len(envelope.display(found.client_info)) <= 128


def at(arguments, path):
    for key in path:
        arguments = arguments.get(key) if isinstance(arguments, dict) else None
    return arguments


def parameters(message, source):
    tokens = http.annotated(source.schema())
    if not tokens:
        return
    assert len({token.lower() for token in tokens.values()}) == len(tokens)
    arguments = message.params.get("arguments", {})
    sent = {name.lower(): value for name, value in http.param_headers(tokens, arguments).items()}
    assert all(value.isascii() and (value == "" or value.isprintable()) for value in sent.values())
    assert not refused(http.check_params, tokens, arguments, sent), "our own headers are refused"
    given = source.headers(message.method)
    if refused(http.check_params, tokens, arguments, given):
        return
    for path, token in tokens.items():
        value, wire = at(arguments, path), unwrapped(given.get(f"mcp-param-{token.lower()}"))
        if isinstance(value, str):
            assert wire == value
        elif isinstance(value, bool):
            assert wire == ("true" if value else "false")
        elif isinstance(value, int | float):
            assert wire is None or float(wire) == value
        else:
            assert wire is None


def target(data: bytes):
    try:
        path, _ = http_rules.parse_target(data)
    except RemoteError:
        return
    assert path.startswith("/")
    assert not any(part in (".", "..") for part in path.split("/"))
    assert path.isprintable()
    assert "\\" not in path
    assert data.decode().partition("?")[0] == quote(path, safe="/:@!$&'()*+,;=")
    raw = data.partition(b"?")[0]
    for index in range(1, min(len(raw), 8)):
        if raw[index : index + 1] != b"%":
            other = raw[:index] + b"%%%02X" % raw[index] + raw[index + 1 :]
            assert refused(http_rules.parse_target, other), "two spellings of one path are taken"


def fields(source):
    raw = [
        (source.one(KEYS).encode(), source.text().encode("latin-1", "replace"))
        for _ in range(source.byte() % 4)
    ]
    try:
        found = http_rules.read_fields(raw, http_rules.DEFAULTS)
    except RemoteError:
        return
    assert len(found) == len(raw)
    assert all(value.isascii() for value in found.values())


def one_input(data: bytes):
    source = Source(data)
    try:
        message = jsonrpc.decode(json.dumps(source.message()).encode())
    except RemoteError:
        return
    agreement(message, source.headers(message.method))
    own_headers(message, source)
    one_envelope(message)
    parameters(message, source)
    fields(source)
    target(b"/" + data)
    target(b"/" + source.text().encode())


if __name__ == "__main__":
    start(one_input, SEEDS)
