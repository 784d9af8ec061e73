"""Only this guard opens the chain."""

from dataclasses import dataclass, replace

import pytest

from keepgate.decide.facts import Fact
from keepgate.decide.guards.authorize import Authorize
from keepgate.model.access import ANONYMOUS, Action, Request, Resource, ResourceKind
from keepgate.model.contract import Contract
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
    told: bytes = b""
    shown: bool = False
    open: object = None


class Policy:
    def __init__(self, effect: Effect, weighed: Answer | None = None, timed: bool = False) -> None:
        self.effect = effect
        self.weighed = weighed
        self.timed = timed
        self.flowing = False
        self.asked: list[Request] = []

    def static(self, who, action, resource) -> Answer:
        self.asked.append(Request(who, action, resource))
        return Answer(self.effect, open=self.weighed)

    def weigh(self, decision: Answer, request: Request) -> Answer:
        self.asked.append(request)
        return decision.open


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


def asking(method: str = "tools/call") -> Exchange:
    contract = Contract(definition={"inputSchema": {"type": "object"}})
    params = {"arguments": {"n": 1}}
    return exchange(method=method, params=params, action=Action.CALL_TOOL, resource=TOOL, contract=contract)


def test_an_open_question_is_weighed_with_arguments_schema_and_time():
    policy = Policy(Effect.ALLOW, Answer(Effect.DENY, shown=True, told=b"{}"), timed=True)
    guard = Authorize(policy)
    assert guard.needs == {Fact.REQUEST, Fact.TIME}
    verdict = guard.check(asking(), {Fact.TIME: 5.0, Fact.REQUEST: False})
    assert policy.asked[-1].context == {"arguments": {"n": 1}, "schema": {"type": "object"}, "time": 5.0}
    assert (verdict.effect, verdict.hidden, verdict.told) == (Effect.DENY, False, b"{}")


def test_without_the_time_an_open_question_that_needs_it_is_not_answered():
    guard = Authorize(Policy(Effect.ALLOW, Answer(Effect.ALLOW), timed=True))
    with pytest.raises(KeyError):  # which the chain turns into a denial
        guard.check(asking(), {Fact.REQUEST: False})


def test_time_is_not_asked_for_where_no_policy_reads_it():
    assert Authorize(Policy(Effect.ALLOW)).needs == {Fact.REQUEST}


@pytest.mark.parametrize("method", ["tasks/get", "tasks/result", "tasks/cancel", "tasks/update"])
def test_about_a_running_task_only_the_tool_counts(method):
    policy = Policy(Effect.ALLOW, Answer(Effect.DENY))
    assert Authorize(policy).check(asking(method), {}).effect is Effect.ALLOW


@pytest.mark.parametrize(
    "uri", ["file:///srv/../etc/passwd", "file:///srv/%2E%2e/etc", "file:///srv/..%5cetc"]
)
def test_a_uri_that_climbs_is_not_asked_about(uri):
    policy = Policy(Effect.ALLOW)
    asked = exchange(action=Action.READ_RESOURCE, resource=Resource(ResourceKind.RESOURCE, "docs", uri))
    verdict = Authorize(policy).check(asked, {})
    assert verdict is not None
    assert (verdict.effect, verdict.hidden, policy.asked) == (Effect.DENY, True, [])
