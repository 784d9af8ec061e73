"""Only this guard opens the chain."""

from dataclasses import dataclass, replace

import pytest

from keepgate.decide.facts import Fact
from keepgate.decide.guards.authorize import Authorize
from keepgate.model.access import ANONYMOUS, Action, Request, Resource, ResourceKind
from keepgate.model.exchange import Exchange
from keepgate.model.message import Direction, Kind
from keepgate.model.verdict import Effect
from tests.decide.guards.exchanges import exchange


@dataclass
class Answer:
    effect: Effect
    rules: tuple[str, ...] = ("r1",)
    reason: str = "because"
    errors: tuple[str, ...] = ()
    observed: bool = False


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
def test_authorize_asks_the_policy_and_hides_what_it_denies(effect: Effect, hidden: bool) -> None:
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
def test_replies_pass_only_with_their_request(belongs: bool) -> None:
    reply = exchange(Kind.RESULT, direction=Direction.TO_CLIENT)
    verdict = Authorize(Policy(Effect.ALLOW)).check(reply, {Fact.REQUEST: belongs})
    assert verdict is not None
    assert verdict.effect is (Effect.ALLOW if belongs else Effect.DENY)


@pytest.mark.parametrize(
    ("kind", "method", "revision", "effect"),
    [
        (Kind.NOTIFICATION, "notifications/message", "2025-06-18", Effect.ALLOW),
        (Kind.REQUEST, "elicitation/create", "2025-06-18", Effect.ALLOW),
        (Kind.REQUEST, "elicitation/create", "2025-03-26", Effect.DENY),  # came with the next revision
        (Kind.REQUEST, "sampling/createMessage", "2026-07-28", Effect.DENY),  # its servers ask nothing
        (Kind.NOTIFICATION, "notifications/elicitation/complete", "2025-06-18", Effect.DENY),
        (Kind.NOTIFICATION, "tools/call", "2025-11-25", Effect.DENY),
    ],
)
def test_a_server_says_only_what_the_revision_of_the_client_has(kind, method, revision, effect) -> None:
    made = replace(exchange(kind, method, direction=Direction.TO_CLIENT), revision=revision)
    verdict = Authorize(Policy(Effect.ALLOW)).check(made, {Fact.REQUEST: True})
    assert verdict is not None
    assert verdict.effect is effect
