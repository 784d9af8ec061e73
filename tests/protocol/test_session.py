"""The handshake session machine, as a table."""

import pytest

from keepgate.model.errors import RemoteError
from keepgate.protocol.session import State, advance

ALLOWED = [
    (State.NEW, "initialize", State.INITIALIZING),
    (State.NEW, "ping", State.NEW),
    (State.INITIALIZING, "ping", State.INITIALIZING),
    (State.INITIALIZING, "notifications/initialized", State.READY),
    (State.INITIALIZING, "tools/list", State.READY),
    (State.READY, "tools/call", State.READY),
    (State.READY, "notifications/initialized", State.READY),
]
REFUSED = [
    (State.NEW, "tools/list"),
    (State.NEW, "notifications/initialized"),
    (State.INITIALIZING, "initialize"),
    (State.READY, "initialize"),
    (State.CLOSED, "ping"),
    (State.CLOSED, "initialize"),
]


@pytest.mark.parametrize(("state", "method", "after"), ALLOWED)
def test_allowed(state: State, method: str, after: State) -> None:
    assert advance(state, method) is after


@pytest.mark.parametrize(("state", "method"), REFUSED)
def test_refused(state: State, method: str) -> None:
    with pytest.raises(RemoteError) as caught:
        advance(state, method)
    assert caught.value.rpc_code == -32600
