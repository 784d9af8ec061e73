"""Observe mode: which refusals are let through, which are not, held against a page of plain Python."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepgate.model.access import Action, Principal, Request, Resource, ResourceKind
from keepgate.model.verdict import Effect
from keepgate.policy.engine import Engine
from keepgate.policy.observe import Observing
from keepgate.policy.question import question, subject
from keepgate.policy.roles import Grant, Role
from tests.policy.test_diff import PEOPLE, THINGS, grants, patterns
from tests.spec import policy_spec

ROLES = {
    "new": Role(allow=("files/read",), ask=("files/write",), deny=("files/drop",), mode="observe"),
    "old": Role(allow=("crm/*",), ask=("crm/send",), deny=("*/*secret*",)),
}
GRANTS = (
    Grant("key:new", "new"),
    Grant("key:both", "new"),
    Grant("key:both", "old"),
    Grant("key:old", "old"),
)


def observing(*servers: str, roles=ROLES, given=GRANTS, extra: str = "") -> Observing:
    return Observing(Engine.compile(roles, given, extra), roles, given, servers)


def asked(policy: Observing, who: str, what: str):
    decision = policy.decide(question([who], "call_tool", what))
    return decision.effect, decision.observed


@pytest.mark.parametrize(
    ("who", "what", "answer"),
    [
        ("key:new", "files/read", (Effect.ALLOW, False)),
        ("key:new", "files/write", (Effect.ASK, True)),
        ("key:new", "files/drop", (Effect.DENY, True)),
        ("key:new", "crm/x", (Effect.DENY, True)),
        ("key:both", "files/my_secret", (Effect.DENY, False)),
        ("key:both", "crm/send", (Effect.ASK, False)),
        ("key:both", "files/write", (Effect.ASK, True)),
        ("key:old", "files/read", (Effect.DENY, False)),
        ("key:nobody", "files/read", (Effect.DENY, False)),
    ],
)
def test_a_role_observes_its_holders_but_not_what_another_role_demands(who, what, answer):
    assert asked(observing(), who, what) == answer


@pytest.mark.parametrize(
    ("who", "what", "answer"),
    [
        ("key:old", "files/x", (Effect.DENY, True)),
        ("key:old", "files/my_secret", (Effect.DENY, True)),
        ("key:nobody", "files/read", (Effect.DENY, True)),
        ("key:nobody", "crm/x", (Effect.DENY, False)),
        ("key:old", "crm/send", (Effect.ASK, False)),
    ],
)
def test_a_server_is_observed_whoever_asks_and_no_other_server(who, what, answer):
    assert asked(observing("files"), who, what) == answer


def test_what_a_policy_written_by_hand_forbids_is_not_let_through_by_a_role():
    extra = '@id("hand") forbid (principal, action, resource in Server::"files");'
    assert asked(observing(extra=extra), "key:new", "files/read") == (Effect.DENY, False)


def test_what_cannot_be_decided_is_never_let_through():
    policy = observing("files")
    decision = policy.decide(
        Request(Principal("role:x", "key"), Action.CALL_TOOL, Resource(ResourceKind.TOOL, "files", "x"))
    )
    assert (decision.effect, decision.observed) == (Effect.DENY, False)
    assert decision.errors


def test_what_is_observed_exists():
    policy = observing("files")
    hidden, other = Resource(ResourceKind.TOOL, "files", "x"), Resource(ResourceKind.TOOL, "crm", "x")
    nobody = subject(["key:nobody"])
    assert policy.visible(nobody, hidden)
    assert policy.observed(nobody, hidden)
    assert policy.may_use(nobody, "files")
    assert not policy.visible(nobody, other)
    assert not policy.may_use(nobody, "crm")
    assert policy.may_use(subject(["key:new"]), "crm")


def test_the_hash_covers_what_is_observed_and_words_say_it():
    engine = Engine.compile(ROLES, GRANTS)
    assert len({engine.hash, observing().hash, observing("files").hash}) == 3
    assert observing("files").said == "server `files`, role `new`"


def test_equal_decisions_are_one_so_that_verdicts_on_them_can_be_kept():
    policy, request = observing("files"), question(["key:nobody"], "call_tool", "files/x")
    assert policy.decide(request) is policy.decide(request)


modes = st.sampled_from(("enforce", "observe"))
roles = st.fixed_dictionaries(
    {name: st.builds(Role, patterns, patterns, patterns, mode=modes) for name in "ab"}
)


@settings(max_examples=40, deadline=None)
@given(roles, grants, st.sets(st.sampled_from(("files", "crm"))))
def test_it_is_as_the_page_says(given_roles, given_grants, servers):
    policy = observing(*servers, roles=given_roles, given=given_grants)
    for who in PEOPLE:
        for thing in THINGS:
            request = Request(who, policy_action(thing.kind), thing)
            effect = policy_spec.decide(given_roles, given_grants, request)
            decision = policy.decide(request)
            assert decision.effect is effect
            assert decision.observed is policy_spec.observed(given_roles, given_grants, servers, request)


def policy_action(kind: ResourceKind) -> Action:
    return {"tool": Action.CALL_TOOL, "resource": Action.READ_RESOURCE, "prompt": Action.GET_PROMPT}[kind]
