"""What may go into the head of a request to an upstream: origins, targets, header lines. Pure.

Every byte of a request line or header is checked here, so nothing a caller or a server chose can end a line early or
set what only the transport may set.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import urljoin, urlsplit

_PORTS: Final = {"http": 80, "https": 443}
_TOKEN: Final = frozenset("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_OURS: Final = frozenset(
    "accept accept-encoding connection content-encoding content-length content-type cookie cookie2 expect host "
    "keep-alive last-event-id mcp-session-id proxy-connection te trailer transfer-encoding upgrade".split()
)
_LONGEST_VALUE: Final = 16 << 10


class Origin(NamedTuple):
    """Scheme, host (lower case, IDNA, no brackets) and port: what a redirect or endpoint must not leave."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """As in the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


def parse_url(url: str) -> tuple[Origin, bytes]:
    """The origin of an http(s) URL and its request target (path and query). Raises ValueError with a public text."""
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("a URL must be printable ASCII without blanks")
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("a URL must be like `https://host/path`")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL must not carry credentials")
    origin = Origin(parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme])
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return origin, target.encode()


def resolve(origin: Origin, target: bytes, reference: bytes) -> bytes | None:
    """Where a Location or `endpoint` received from `target` leads; None if malformed or outside of `origin`."""
    try:
        given = reference.decode("ascii")
        found, there = parse_url(urljoin(f"{origin}{target.decode()}", given))
    except ValueError:
        return None
    return there if found == origin and given.isprintable() else None


def field_lines(headers: Mapping[str, str]) -> bytes:
    """Header lines, each ended by CRLF. Raises ValueError, never with a value in its text, for an unsafe one."""
    return _lines(tuple(headers.items()))


@lru_cache(256)  # requests of one kind have the same few headers
def _lines(headers: tuple[tuple[str, str], ...]) -> bytes:
    for name, _ in headers:
        if not 0 < len(name) <= 128 or not _TOKEN.issuperset(name) or name.lower() in _OURS:
            raise ValueError(f"the header {name[:40]!a} must not be sent")
    if not is_value("".join(value for _, value in headers)):
        raise ValueError("the values of headers must be printable ASCII, at most 16 KiB together")
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode("ascii")


def is_value(value: str) -> bool:
    """True if `value` may stand in a header line: printable ASCII of bounded length."""
    return value.isascii() and value.isprintable() and len(value) <= _LONGEST_VALUE
