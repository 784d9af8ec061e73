"""Only what the lock withholds is denied, and only on its way to the server."""

from dataclasses import replace

import pytest

from keepgate.decide.guards.pins import Pins
from keepgate.model.access import Action, Principal, Resource, ResourceKind
from keepgate.model.contract import Contract
from keepgate.model.exchange import Exchange
from keepgate.model.message import Direction, Kind, Message
from keepgate.model.verdict import Effect
from keepgate.protocol import jsonrpc

ASKED = Exchange(
    Message(Kind.REQUEST, jsonrpc.request(1, "tools/call", {"name": "t"})),
    Direction.TO_SERVER,
    Principal("key:a", "key"),
    "2026-07-28",
    "s",
    Action.CALL_TOOL,
    Resource(ResourceKind.TOOL, "s", "t"),
    contract=Contract(withheld="it changed"),
)


def test_a_withheld_thing_is_denied_with_the_reason():
    verdict = Pins().check(ASKED, {})
    assert verdict is not None
    assert (verdict.effect, verdict.reason, verdict.rules, verdict.hidden) == (
        Effect.DENY,
        "withheld: it changed",
        ("lock",),
        False,
    )


@pytest.mark.parametrize(
    "exchange",
    [
        replace(ASKED, contract=None),
        replace(ASKED, contract=Contract()),
        replace(ASKED, direction=Direction.TO_CLIENT),
    ],
)
def test_of_anything_else_it_has_no_opinion(exchange):
    assert Pins().check(exchange, {}) is None
