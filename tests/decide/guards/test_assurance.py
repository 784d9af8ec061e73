"""What a login has to reach, and that all of it is named at once."""

import pytest

from keepgate.decide.chain import decide
from keepgate.decide.facts import Fact
from keepgate.decide.guards.assurance import Assurance, Demand
from keepgate.model.access import Action, Authentication, Principal, Resource, ResourceKind
from keepgate.model.exchange import Exchange
from keepgate.model.message import Direction, Kind, Message
from keepgate.model.verdict import Effect, deny
from keepgate.policy.pattern import Pattern

NOW = 1_800_000_000.0
TOOL = Resource(ResourceKind.TOOL, "crm", "delete_all")
PROMPT = Resource(ResourceKind.PROMPT, "crm", "delete_all")


def demand(*uses, **more):
    return Demand(tuple(Pattern.parse(text) for text in uses), **more)


def caller(*scopes, acr="", age=None, token=True):
    auth = Authentication("corp", frozenset(scopes), acr, None if age is None else NOW - age)
    return Principal("oauth:corp/a/c", "oauth", user="a", auth=auth) if token else Principal("key:k", "key")


def check(guard, principal, resource=TOOL, direction=Direction.TO_SERVER, kind=Kind.REQUEST):
    message = Message(kind, {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {}})
    action = Action.CALL_TOOL if resource is not None else None
    exchange = Exchange(message, direction, principal, "2025-11-25", "crm", action, resource)
    return guard.check(exchange, {Fact.TIME: NOW})


MFA = demand("crm/delete_*", scopes=frozenset(["crm:write"]), acr=("urn:mfa", "urn:hw"), max_age=300.0)

MET = [
    (Assurance(), caller()),
    (Assurance(["mcp"]), caller("mcp", "more")),
    (Assurance(["mcp"]), caller(token=False)),
    (Assurance([], [MFA]), caller("crm:write", acr="urn:mfa", age=300)),
    (Assurance(["mcp"], [MFA]), caller("mcp", "crm:write", acr="urn:hw", age=0)),
    (Assurance([], [demand("crm/read_*", acr=("x",))]), caller()),
    (Assurance([], [demand("prompt:crm/*", acr=("x",))]), caller()),
    (Assurance([], [demand("files/*", acr=("x",))]), caller()),
]


@pytest.mark.parametrize(("guard", "principal"), MET)
def test_no_opinion_where_nothing_is_missing(guard, principal):
    assert check(guard, principal) is None


ALL = ("scope:crm:write", "acr:urn:mfa", "acr:urn:hw", "max_age:300")
MISSING = [
    (Assurance(["mcp"]), caller(), ("scope:mcp",)),
    (Assurance(["mcp"], [MFA]), caller("mcp"), ("scope:crm:write", "scope:mcp", *ALL[1:])),
    (Assurance([], [MFA]), caller("crm:write", acr="urn:password", age=10), ALL[:3]),
    (Assurance([], [MFA]), caller("crm:write", acr="urn:mfa", age=301), ("scope:crm:write", "max_age:300")),
    (Assurance([], [MFA]), caller("crm:write", acr="urn:mfa"), ("scope:crm:write", "max_age:300")),
    (Assurance([], [MFA]), caller(acr="urn:mfa", age=1), ("scope:crm:write",)),
    (
        Assurance([], [MFA, demand("*/*", max_age=60.0, acr=("urn:mfa",))]),
        caller("crm:write"),
        ("scope:crm:write", "acr:urn:mfa", "acr:urn:hw", "max_age:60"),
    ),
    (Assurance([], [MFA]), caller(token=False), ALL),
    (Assurance([], [demand("tool:crm/delete_all", acr=("x",))]), caller(), ("acr:x",)),
]  # fmt: skip


@pytest.mark.parametrize(("guard", "principal", "obligations"), MISSING)
def test_all_that_is_needed_is_named(guard, principal, obligations):
    verdict = check(guard, principal)
    assert verdict.effect is Effect.DENY
    assert not verdict.hidden
    assert verdict.obligations == obligations
    assert verdict.reason


def test_what_names_nothing_needs_the_scopes_of_every_token_only():
    guard = Assurance(["mcp"], [demand("*/*", acr=("x",))])
    assert check(guard, caller("mcp"), resource=None) is None
    assert check(guard, caller(), resource=None).obligations == ("scope:mcp",)


def test_what_a_server_says_and_what_a_client_answers_is_not_its_business():
    guard = Assurance(["mcp"], [MFA])
    assert check(guard, caller(), direction=Direction.TO_CLIENT) is None
    assert check(guard, caller(), kind=Kind.RESULT) is None


def test_a_prompt_of_the_same_name_is_another_thing():
    guard = Assurance([], [demand("tool:crm/delete_*", acr=("x",))])
    assert check(guard, caller(), PROMPT) is None


class Hidden:
    """An authorizer that lets nobody know."""

    id = "authorize"
    needs = frozenset()

    def check(self, exchange, facts):
        return deny("no policy allows it", guard=self.id, hidden=True)


def test_what_policy_hides_is_not_told_of_by_a_demand():
    message = Message(Kind.REQUEST, {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {}})
    exchange = Exchange(message, Direction.TO_SERVER, caller(), "2025-11-25", "crm", Action.CALL_TOOL, TOOL)
    for guards in ((Hidden(), Assurance(["mcp"], [MFA])), (Assurance(["mcp"], [MFA]), Hidden())):
        verdict = decide(guards, exchange, {Fact.TIME: NOW})
        assert verdict.hidden
        assert verdict.guard == "authorize"
