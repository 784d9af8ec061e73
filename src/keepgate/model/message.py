"""One normalised JSON-RPC message and the direction it travels in.

`body` is the decoded JSON object and the only truth: unknown fields stay in it. The accessors read it; what is kept
beside it, the kind of message and the method that it names, no edit changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Json = Any
"""A JSON value: None, bool, int, float, str, list or dict of them."""

RequestId = int | str


class Kind(StrEnum):
    """What a JSON-RPC message is."""

    REQUEST = "request"
    NOTIFICATION = "notification"
    RESULT = "result"
    ERROR = "error"


class Direction(StrEnum):
    """Which way a message travels: from the client to the server or back."""

    TO_SERVER = "to_server"
    TO_CLIENT = "to_client"


_REPLIES = (Kind.RESULT, Kind.ERROR)  # a member taken from its class costs 0.1 µs, each message asks often


@dataclass(slots=True, init=False)
class Message:
    """A strictly parsed JSON-RPC message. Made by `protocol.jsonrpc` only."""

    kind: Kind
    body: dict[str, Json]
    size: int
    """Bytes on the wire, for limits and the record."""
    method: str
    """The method of a request or notification, else the empty string."""
    is_reply: bool
    """True for a result or an error."""
    seen: Any
    """What detectors saw in a large message before it is decided on; None for what was not looked at yet."""

    def __init__(self, kind: Kind, body: dict[str, Json], size: int = 0) -> None:
        self.kind = kind
        self.body = body
        self.size = size
        self.method = body.get("method", "")
        self.is_reply = kind in _REPLIES
        self.seen = None

    @property
    def id(self) -> RequestId | None:
        """The id as sent, type kept (`1` is not `"1"`); None for a notification or an error without id."""
        return self.body.get("id")

    @property
    def params(self) -> dict[str, Json]:
        """The params object; an empty one if the message has none."""
        return self.body.get("params") or {}
