"""The kill switch denies what is named, in both directions, and nothing else."""

from dataclasses import replace

import pytest

from keepgate.decide.guards.quarantine import Quarantine
from keepgate.model.access import Action, Principal, Resource, ResourceKind
from keepgate.model.exchange import Exchange
from keepgate.model.message import Direction, Kind, Message
from keepgate.model.quarantine import Held, Hold
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
)
ANSWERED = replace(ASKED, direction=Direction.TO_CLIENT, message=Message(Kind.RESULT, jsonrpc.result(1, {})))
OURS = replace(ASKED, server="", action=None, resource=None)


def check(exchange, *targets):
    return Quarantine(Held(tuple(Hold(target, "x", 0.0) for target in targets))).check(exchange, {})


@pytest.mark.parametrize("exchange", [ASKED, ANSWERED])
@pytest.mark.parametrize("target", ["server:s", "tool:s/t", "principal:key:a", "all"])
def test_what_is_named_is_denied(exchange, target):
    verdict = check(exchange, "server:other", target)
    assert verdict is not None
    assert verdict.effect is Effect.DENY
    assert "quarantined" in verdict.reason


@pytest.mark.parametrize("target", ["server:other", "tool:s/other", "tool:other/t", "principal:key:b"])
def test_nothing_else_is(target):
    assert check(ASKED, target) is None


def test_what_keepgate_answers_itself_ends_with_the_principal_or_with_everything():
    assert check(OURS, "server:s") is None
    assert check(OURS, "principal:key:a") is not None
    assert check(OURS, "all") is not None
