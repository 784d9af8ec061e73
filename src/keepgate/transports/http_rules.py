"""What the head of an HTTP request must look like before anything else looks at it. Pure: no I/O, no clock.

The parser (llhttp, strict) refuses what is malformed; here is refused what is well-formed and still ambiguous or not
meant for us: foreign Host (DNS rebinding), unlisted Origin, two framings, repeated fields, targets with two spellings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

from keepgate.model.errors import ConfigError, RemoteError


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on everything a client controls: bytes, counts and seconds."""

    body: int = 4 << 20
    head: int = 32 << 10
    fields: int = 100
    arriving: int = 256 << 20
    """Bodies that are not complete yet, over all connections."""
    connections: int = 4096
    pipelined: int = 16
    head_timeout: float = 10
    body_timeout: float = 60
    keep_alive: float = 75
    drain_timeout: float = 300
    """How long a client may leave an answer unread."""
    stream_bytes: int = 4 << 20
    stream_events: int = 1000
    """What may wait for a slow reader of a stream, beyond the transport's own buffer."""
    heartbeat: float = 15
    sweep: float = 1
    """How often deadlines and heartbeats are looked at."""


DEFAULTS: Final = Limits()


class Route(NamedTuple):
    """Where a request target leads. `path` is decoded and has exactly one spelling."""

    path: str
    query: str
    fast: bool


def bad(code: str, public: str, status: int = 400) -> RemoteError:
    """A refusal on the HTTP level."""
    return RemoteError(code, public, status=status)


# Fields whose values may be joined (RFC 9110 section 5.3). Any other field must not be repeated: two readers could
# disagree on which one counts.
_LISTS: Final = frozenset(
    "accept accept-charset accept-encoding accept-language access-control-request-headers baggage cache-control "
    "connection forwarded if-match if-none-match keep-alive pragma prefer te tracestate via warning x-forwarded-for "
    "x-forwarded-host x-forwarded-proto".split()
)
_ASCII_ONLY: Final = ("mcp-", "authorization", "host", "origin", "content-type")
_COMMON: Final = (
    "accept accept-encoding accept-language authorization cache-control connection content-length content-type host "
    "last-event-id mcp-method mcp-name mcp-protocol-version mcp-session-id origin traceparent user-agent".split()
)
_KNOWN: Final = {case(name).encode(): name for name in _COMMON for case in (str, str.title)}


def read_fields(raw: list[tuple[bytes, bytes]], limits: Limits) -> dict[str, str]:
    """Header fields by lower-case name; refuses a repeated one unless it is a list."""
    if len(raw) > limits.fields:
        raise bad("head-too-large", "too many header fields", 431)
    known = _KNOWN.get
    try:
        fields = {known(name) or name.decode().lower(): value.rstrip().decode("ascii") for name, value in raw}
    except UnicodeDecodeError:
        pass
    else:
        if len(fields) == len(raw):
            return fields
    fields = {}
    for name, value in raw:
        _add_field(fields, name.decode().lower(), value.rstrip().decode("latin-1"))
    return fields


def _add_field(fields: dict[str, str], name: str, value: str) -> None:
    if not value.isascii() and name.startswith(_ASCII_ONLY):
        raise bad("bad-header", f"the `{name}` header must be ASCII")
    if name in fields:
        if name != "cookie" and name not in _LISTS:
            raise bad("repeated-header", f"the `{name}` header must not be repeated")
        value = f"{fields[name]}{'; ' if name == 'cookie' else ', '}{value}"
    fields[name] = value


_PATH_SAFE: Final = "/:@!$&'()*+,;="
_PATH_PLAIN: Final = frozenset(
    _PATH_SAFE + "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)
"""What stands for itself in a path (RFC 3986); anything else must be percent-encoded."""


def parse_target(raw: bytes) -> tuple[str, str]:
    """The decoded path and the query of a request target.

    Only origin-form in its one canonical spelling is taken: no authority, fragment, dot segment, empty segment,
    backslash, encoded separator or needless percent-encoding. So whoever compares the path later sees what a file
    system or another server would see.
    """
    refusal = bad("bad-target", "the request target must be a plain absolute path")
    target = raw.decode("latin-1")
    if (
        not target.startswith("/")
        or not target.isascii()
        or not target.isprintable()
        or "#" in target
        or " " in target
    ):
        raise refusal
    path, _, query = target.partition("?")
    if not _PATH_PLAIN.issuperset(path):
        try:
            decoded = unquote(path, errors="strict")
        except UnicodeDecodeError:
            raise refusal from None
        if quote(decoded, safe=_PATH_SAFE) != path or not decoded.isprintable() or "%" in decoded:
            raise refusal
        path = decoded
    if "\\" in path or "//" in path or any(segment in (".", "..") for segment in path.split("/")):
        raise refusal
    return path, query


@dataclass(frozen=True, slots=True)
class Names:
    """The Host and Origin values that are ours, lower case."""

    hosts: frozenset[str]
    origins: frozenset[str]


def is_loopback(host: str) -> bool:
    """True for `localhost` and loopback addresses."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def own_names(
    bound: str, port: int, scheme: str, hosts: Iterable[str] = (), origins: Iterable[str] = ()
) -> Names:
    """Names for a server bound to `bound`:`port`, further `hosts` (with or without port) and browser `origins`.

    On loopback its usual names are allowed with exactly this port. An unspecified address has no name of its own.
    """
    literal = f"[{bound}]" if ":" in bound else bound
    own = ["localhost", "127.0.0.1", "[::1]"] if is_loopback(bound) else [literal]
    if bound in ("", "0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        own = []
    named = {f"{name}:{port}" for name in own}
    if port == (443 if scheme == "https" else 80):
        named.update(own)
    given = {host.lower() for host in hosts}
    given.update([f"{host}:{port}" for host in given if host.endswith("]") or ":" not in host])
    if not named | given:
        raise ConfigError(f"listening on `{bound}` needs the names clients use: set the allowed hosts")
    allowed = {origin.lower().rstrip("/") for origin in origins}
    if "*" in allowed:
        raise ConfigError("an allowed origin must be named; `*` would let any web page in")
    allowed |= {f"{scheme}://{host}" for host in named | given} | {f"https://{host}" for host in given}
    return Names(frozenset(named | given), frozenset(allowed))


def check_head(fields: Mapping[str, str], version: str, names: Names, limits: Limits) -> None:
    """Refuse a head that is not for us, not framed in one way, or asks for what we do not do. Raises RemoteError."""
    host = fields.get("host")
    if host is None:
        raise bad("no-host", "the `host` header is missing")
    if host.lower() not in names.hosts:
        raise bad("foreign-host", f"the host `{host}` is not served here", 403)
    origin = fields.get("origin")
    if origin is not None and origin.lower() not in names.origins:
        raise bad("foreign-origin", f"the origin `{origin}` is not allowed", 403)
    if version not in ("1.1", "1.0"):
        raise bad("bad-version", "only HTTP/1.1 is spoken here", 505)
    coding = fields.get("transfer-encoding")
    if coding is not None:
        if version == "1.0" or "content-length" in fields or coding.lower() != "chunked":
            raise bad(
                "bad-framing",
                "the only transfer coding taken is `chunked`, on HTTP/1.1, without content-length",
            )
    elif int(fields.get("content-length", 0)) > limits.body:
        raise too_large(limits)
    if fields.get("content-encoding", "identity").lower() != "identity":
        raise bad("encoded-body", "compressed request bodies are not accepted", 415)
    if fields.get("expect", "100-continue").lower() != "100-continue":
        raise bad("bad-expect", "only `expect: 100-continue` is understood", 417)


def check_head_size(size: int, limits: Limits) -> None:
    """Refuse a request line and header fields of more bytes than allowed."""
    if size > limits.head:
        raise bad("head-too-large", "the request head is too large", 431)


def too_large(limits: Limits) -> RemoteError:
    """The refusal of a body over the limit."""
    return bad("too-large", f"the request body is larger than {limits.body} bytes", 413)


_CORS_FIELDS: Final = frozenset(("accept", "authorization", "content-type", "last-event-id"))


def is_preflight(fields: Mapping[str, str]) -> bool:
    """Whether an OPTIONS request is a CORS preflight; its origin has passed `check_head`."""
    return "origin" in fields and "access-control-request-method" in fields


def preflight(fields: Mapping[str, str]) -> dict[str, str]:
    """The answer to a preflight from an allowed origin."""
    asked = (name.strip().lower() for name in fields.get("access-control-request-headers", "").split(","))
    return {
        "access-control-allow-methods": "GET, POST, DELETE",
        "access-control-allow-headers": ", ".join(
            n for n in asked if n in _CORS_FIELDS or n.startswith("mcp-")
        ),
        "access-control-max-age": "600",
    }


def cors(origin: str) -> str:
    """Header lines that let a page of an allowed origin read the answer."""
    return (
        f"access-control-allow-origin: {origin}\r\nvary: origin\r\n"
        "access-control-expose-headers: mcp-session-id, mcp-protocol-version, retry-after, www-authenticate\r\n"
    )
