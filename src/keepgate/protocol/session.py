"""The handshake era's session as a table of states: pure, no ids, no clock.

    NEW --initialize--> INITIALIZING --notifications/initialized or any other request--> READY --end--> CLOSED

The specification says a client SHOULD NOT send requests before `initialized`; over HTTP the two may overtake each
other on different connections, so another request counts as `initialized` (everything it may do is checked anyway).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from keepgate.model.errors import RemoteError
from keepgate.protocol import jsonrpc


class State(StrEnum):
    """Where a handshake session stands."""

    NEW = "new"
    INITIALIZING = "initializing"
    READY = "ready"
    CLOSED = "closed"


_NEXT: Final[dict[State, dict[str, State]]] = {
    State.NEW: {"initialize": State.INITIALIZING, "ping": State.NEW},
    State.INITIALIZING: {
        "notifications/initialized": State.READY,
        "ping": State.INITIALIZING,
        "*": State.READY,
    },
    State.READY: {"*": State.READY},
    State.CLOSED: {},
}


def advance(state: State, method: str) -> State:
    """The state after a client message. Raises RemoteError if it must not be sent now."""
    table = _NEXT[state]
    following = table.get(method, table.get("*"))
    if state is State.NEW and following is None:
        raise RemoteError("not-initialized", "send `initialize` first", rpc_code=jsonrpc.INVALID_REQUEST)
    if following is None or (method == "initialize" and state is not State.NEW):
        raise RemoteError(
            "initialized", "this session is already initialized", rpc_code=jsonrpc.INVALID_REQUEST
        )
    return following
