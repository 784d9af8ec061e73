"""Server-initiated requests need the client's own declaration."""

from typing import Any

import pytest

from keepgate.decide.guards.callbacks import Callbacks
from keepgate.model.message import Direction, Kind
from keepgate.model.verdict import Effect
from tests.decide.guards.exchanges import exchange

CALLBACKS = [
    ("roots/list", {}, {}, True),
    ("roots/list", {}, {"roots": {}}, False),
    ("roots/list", {}, {"roots": True}, True),
    ("sampling/createMessage", {}, {"elicitation": {}}, True),
    ("sampling/createMessage", {}, {"sampling": {}}, False),
    ("sampling/createMessage", {"tools": []}, {"sampling": {}}, True),
    ("sampling/createMessage", {"tools": []}, {"sampling": {"tools": {}}}, False),
    ("elicitation/create", {}, {"elicitation": {}}, False),
    ("elicitation/create", {"mode": "form"}, {"elicitation": {"form": {}}}, False),
    ("elicitation/create", {"mode": "url"}, {"elicitation": {}}, True),
    ("elicitation/create", {"mode": "url"}, {"elicitation": {"url": {}}}, False),
    ("elicitation/create", {"mode": "form"}, {"elicitation": {"url": {}}}, True),
    ("elicitation/create", {"mode": 7}, {"elicitation": {"url": {}, "7": {}}}, True),
    ("ping", {}, {}, False),
]


@pytest.mark.parametrize(("method", "params", "declared", "denied"), CALLBACKS)
def test_callbacks_need_the_clients_own_declaration(
    method: str,
    params: dict[str, Any],
    declared: dict[str, Any],
    denied: bool,
) -> None:
    asked = exchange(Kind.REQUEST, method, params, direction=Direction.TO_CLIENT, capabilities=declared)
    verdict = Callbacks().check(asked, {})
    assert (verdict is not None and verdict.effect is Effect.DENY) == denied
