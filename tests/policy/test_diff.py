"""The difference of two policies, against brute force with the engine and with the specification."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepgate.model.access import Action, Principal, Request, Resource, ResourceKind
from keepgate.model.verdict import Effect
from keepgate.policy.conditions import Argument, When
from keepgate.policy.diff import Change, Kind, changes, named, spelled_out
from keepgate.policy.engine import Engine
from keepgate.policy.question import listed, shown, subject
from keepgate.policy.roles import Conditional, Grant, Role
from tests.spec import policy_spec

K = subject(["key:k"])


def engine(**lists: tuple[str, ...]) -> Engine:
    return Engine.compile({"r": Role(**lists)}, [Grant("key:k", "r")])


@pytest.mark.parametrize(
    ("old", "new", "before", "after", "gains"),
    [
        ({}, {"allow": ("a/b",)}, Effect.DENY, Effect.ALLOW, True),
        ({}, {"ask": ("a/b",)}, Effect.DENY, Effect.ASK, True),
        ({"ask": ("a/b",)}, {"allow": ("a/*",)}, Effect.ASK, Effect.ALLOW, True),
        ({"allow": ("a/b",)}, {"allow": ("a/b",), "ask": ("*/b",)}, Effect.ALLOW, Effect.ASK, False),
        ({"allow": ("a/b",)}, {"allow": ("a/b",), "deny": ("*/b",)}, Effect.ALLOW, Effect.DENY, False),
        ({"ask": ("a/b",)}, {}, Effect.ASK, Effect.DENY, False),
    ],
)
def test_who_gains_and_who_loses(old, new, before, after, gains):
    (change,) = changes(engine(**old), engine(**new), [K], [listed("a/b")])
    assert change == Change(K, Action.CALL_TOOL, listed("a/b"), before, after)
    assert change.gains is gains


def test_every_action_of_a_kind_is_compared():
    found = changes(engine(), engine(allow=("resource:a/*",)), [K], [listed("resource:a/b"), listed("a/b")])
    assert [change.action for change in found] == ["read_resource", "subscribe_resource", "complete"]


def test_what_is_spelled_out_is_what_has_no_wildcard():
    roles = [Role(allow=("a/b", "a/c*"), ask=("prompt:a/d",), deny=("*/e", r"tool:a/f\*"))]
    expected = ["a/b", "a/f*", "prompt:a/b", "prompt:a/d", "resource:a/b"]
    assert sorted(map(shown, spelled_out(roles))) == expected


def test_principals_are_named_once():
    grants = [Grant("key:k", "a"), Grant("anonymous", "a"), Grant("key:k", "b")]
    assert named(grants) == ["anonymous", "key:k"]


pattern = st.builds(
    "{}{}/{}".format,
    st.sampled_from(("", "tool:", "resource:", "prompt:")),
    st.sampled_from(("files", "*", "f*", "crm")),
    st.sampled_from(("*", "read", "read_*", "*a*")),
)
patterns = st.lists(pattern, max_size=2).map(tuple)
roles = st.fixed_dictionaries({name: st.builds(Role, patterns, patterns, patterns) for name in "ab"})
to = st.sampled_from(("anonymous", "key:k", "user:u", "group:g"))
grants = st.lists(st.builds(Grant, to, st.sampled_from("ab")), max_size=4)
PEOPLE = [
    subject(names) for names in (["anonymous"], ["key:k"], ["user:u"], ["group:g"], ["user:u", "group:g"])
]
THINGS = [
    Resource(kind, server, name)
    for kind in ResourceKind
    for server in ("files", "crm")
    for name in ("read", "read_a")
]


@settings(max_examples=25, deadline=None)
@given(roles, grants, roles, grants)
def test_it_is_every_request_that_is_answered_otherwise_and_no_other(old, old_grants, new, new_grants):
    """By brute force: each action with each thing, by the specification and by engines that decide nothing else."""
    found = {
        (change.principal.grantees, change.action, change.resource): (change.before, change.after)
        for change in changes(
            Engine.compile(old, old_grants), Engine.compile(new, new_grants), PEOPLE, THINGS
        )
    }
    expected = {}
    old_engine, new_engine = Engine.compile(old, old_grants), Engine.compile(new, new_grants)
    for who in PEOPLE:
        for thing in THINGS:
            for action in Action:
                request = Request(Principal(who.id, who.kind, who.groups, user=who.user), action, thing)
                before = policy_spec.decide(old, old_grants, request)
                after = policy_spec.decide(new, new_grants, request)
                assert (old_engine.decide(request).effect, new_engine.decide(request).effect) == (
                    before,
                    after,
                )
                if before is not after:
                    expected[who.grantees, action, thing] = (before, after)
    assert found == expected


BELOW = Conditional("a/b", When(arguments={"path": Argument(below="/srv")}))
ELSEWHERE = Conditional("a/b", When(arguments={"path": Argument(below="/srv/data")}))


@pytest.mark.parametrize(
    ("old", "new", "kind", "depends"),
    [
        ({"allow": (BELOW,)}, {"allow": (ELSEWHERE,)}, Kind.DIFFERS, (True, True)),
        ({"allow": (BELOW,)}, {"allow": ("a/b",)}, Kind.GAINS, (True, False)),
        ({"allow": ("a/b",)}, {"allow": (BELOW,)}, Kind.LOSES, (False, True)),
        ({"allow": ("a/b",)}, {"allow": ("a/b",), "deny": (BELOW,)}, Kind.LOSES, (False, True)),
        (
            {"allow": ("a/b",), "deny": (BELOW,)},
            {"allow": ("a/b",), "deny": (ELSEWHERE,)},
            Kind.DIFFERS,
            (True, True),
        ),
        ({"allow": (BELOW,)}, {"ask": (BELOW,)}, Kind.LOSES, (False, False)),
        ({}, {"allow": (BELOW,)}, Kind.GAINS, (False, False)),
    ],
)
def test_a_change_of_a_condition_alone_is_a_change(old, new, kind, depends):
    (change,) = changes(engine(**old), engine(**new), [K], [listed("a/b")])
    assert (change.kind, change.open) == (kind, depends)


def test_the_same_condition_in_another_role_is_no_change():
    other = Engine.compile({"renamed": Role(allow=(BELOW,))}, [Grant("key:k", "renamed")])
    assert not list(changes(engine(allow=(BELOW,)), other, [K], [listed("a/b")]))
