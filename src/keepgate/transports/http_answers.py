"""What the answers of an MCP endpoint over HTTP mean: media types, session ids, failures. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from keepgate.model.errors import RemoteError, UpstreamError
from keepgate.protocol.framing import Event, SseParser

ERROR_BODY: Final = 64 << 10
"""Bytes of a body that comes with an error status."""
_LONGEST_SESSION: Final = 1024


@lru_cache(64)
def media_type(content_type: bytes) -> bytes:
    """The media type in lower case, without parameters."""
    return content_type.partition(b";")[0].strip().lower()


def session_id(headers: Mapping[bytes, bytes]) -> str:
    """The session id of an initialize answer, empty if it has none. Raises UpstreamError if it is malformed."""
    given = headers.get(b"mcp-session-id", b"")
    if len(given) > _LONGEST_SESSION or any(not 0x21 <= byte <= 0x7E for byte in given):
        raise UpstreamError(
            "protocol", "the server's session id is not visible ASCII of at most 1024 characters"
        )
    return given.decode("ascii")


def is_rpc(media: bytes, body: bytes) -> bool:
    """True if the body that came with an error status looks like a JSON-RPC message; the caller parses it."""
    return media == b"application/json" and body.lstrip()[:1] == b"{" and b'"jsonrpc"' in body


def failure(status: int, body: bytes = b"", *, session: bool = False) -> UpstreamError:
    """What a status other than success means for the request it answers. `session`: it was sent within one.

    A lost session is 404; the examples of the TypeScript SDK and those built after them, and the Python SDK before
    1.25, say 400 and "No valid session ID provided". Either way the request was refused before it was run.
    """
    if session and (status == 404 or (status == 400 and b"session" in body.lower())):
        return UpstreamError(
            "session-lost", "the server no longer knows the session", status=status, retryable=True
        )
    if status in (401, 403):
        text = f"the server refused the credentials it was given (HTTP status {status})"
        return UpstreamError("auth", text, status=status, body=body)
    if status < 300:
        return UpstreamError(
            "protocol", f"the server answered a request with HTTP status {status}", status=status
        )
    return UpstreamError("status", f"the server answered with HTTP status {status}", status=status, body=body)


def events(parser: SseParser, data: bytes) -> Iterator[Event]:
    """The events that are complete now. Raises UpstreamError for one that is too large."""
    try:
        yield from parser.feed(data)
    except RemoteError as error:
        raise UpstreamError("too-large", f"the server sent an {error.public}") from None
