"""Each guard as a flat table."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from keepgate.decide.facts import Budget, Fact
from keepgate.decide.guards.authorize import Authorize
from keepgate.decide.guards.callbacks import Callbacks
from keepgate.decide.guards.identity import Identity
from keepgate.decide.guards.limits import Limits
from keepgate.model.access import ANONYMOUS, Action, Principal, Request, Resource, ResourceKind
from keepgate.model.exchange import Exchange
from keepgate.model.message import Direction, Kind, Message
from keepgate.model.verdict import Effect


def exchange(kind: Kind = Kind.REQUEST, method: str = "tools/call", params: Any = None, **changes: Any) -> Exchange:
    body: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params or {}}
    made = Exchange(Message(kind, body), Direction.TO_SERVER, ANONYMOUS, "2025-11-25")
    return replace(made, **changes)


def test_identity_needs_a_name_and_a_kind() -> None:
    assert Identity().check(exchange(), {}) is None
    for nobody in (Principal("", ""), Principal("x", ""), Principal("", "key")):
        verdict = Identity().check(exchange(principal=nobody), {})
        assert verdict is not None
        assert verdict.effect is Effect.DENY


@pytest.mark.parametrize(
    ("kind", "rate", "free", "denied"),
    [
        (Kind.REQUEST, 0, 0, False),
        (Kind.REQUEST, -0.5, 0, True),
        (Kind.REQUEST, 5, -1, True),
        (Kind.NOTIFICATION, 5, -1, False),
        (Kind.NOTIFICATION, -1, 5, True),
        (Kind.RESULT, -1, -1, False),
    ],
)
def test_limits(kind: Kind, rate: float, free: float, denied: bool) -> None:  # noqa: FBT001
    facts = {Fact.RATE: Budget(rate, 0.25), Fact.CONCURRENCY: Budget(free)}
    verdict = Limits().check(exchange(kind), facts)
    assert (verdict is not None) == denied
    if verdict is not None:
        assert verdict.effect is Effect.DENY
        assert verdict.retry_after
        assert not verdict.hidden


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
    method: str, params: dict[str, Any], declared: dict[str, Any], denied: bool  # noqa: FBT001
) -> None:
    asked = exchange(Kind.REQUEST, method, params, direction=Direction.TO_CLIENT, capabilities=declared)
    verdict = Callbacks().check(asked, {})
    assert (verdict is not None and verdict.effect is Effect.DENY) == denied


@dataclass
class Answer:
    effect: Effect
    rules: tuple[str, ...] = ("r1",)
    reason: str = "because"


class Policy:
    def __init__(self, effect: Effect) -> None:
        self.effect = effect
        self.asked: list[Request] = []

    def decide(self, request: Request) -> Answer:
        self.asked.append(request)
        return Answer(self.effect)


TOOL = Resource(ResourceKind.TOOL, "files", "read")


@pytest.mark.parametrize(
    ("effect", "hidden"), [(Effect.ALLOW, False), (Effect.ASK, False), (Effect.DENY, True)]
)
def test_authorize_asks_the_policy_and_hides_what_it_denies(effect: Effect, hidden: bool) -> None:  # noqa: FBT001
    policy = Policy(effect)
    verdict = Authorize(policy).check(exchange(action=Action.CALL_TOOL, resource=TOOL), {})
    assert verdict is not None
    assert (verdict.effect, verdict.hidden, verdict.rules) == (effect, hidden, ("r1",))
    assert policy.asked == [Request(ANONYMOUS, Action.CALL_TOOL, TOOL)]


@pytest.mark.parametrize(
    ("made", "effect"),
    [
        (exchange(method="tools/list"), Effect.ALLOW),
        (exchange(method="ping"), Effect.ALLOW),
        (exchange(method="unknown/method"), Effect.DENY),
        (exchange(method="tools/call"), Effect.DENY),  # names nothing that was resolved
        (exchange(Kind.NOTIFICATION, "notifications/initialized"), Effect.ALLOW),
        (exchange(Kind.NOTIFICATION, "tools/call"), Effect.DENY),  # a call without an id must never run
    ],
)
def test_authorize_without_a_resource(made: Exchange, effect: Effect) -> None:
    verdict = Authorize(Policy(Effect.ALLOW)).check(made, {})
    assert verdict is not None
    assert verdict.effect is effect


@pytest.mark.parametrize("belongs", [True, False])
def test_replies_pass_only_with_their_request(belongs: bool) -> None:  # noqa: FBT001
    reply = exchange(Kind.RESULT, direction=Direction.TO_CLIENT)
    verdict = Authorize(Policy(Effect.ALLOW)).check(reply, {Fact.REQUEST: belongs})
    assert verdict is not None
    assert verdict.effect is (Effect.ALLOW if belongs else Effect.DENY)
