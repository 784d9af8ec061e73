"""What is found is certain: each finding is held against the engine."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepgate.model.access import Action, Request, Resource, ResourceKind
from keepgate.policy.engine import Engine
from keepgate.policy.lint import findings, unmatched
from keepgate.policy.question import listed, subject
from keepgate.policy.roles import Grant, Role

GRANT = [Grant("key:k", "r")]


def said(role: Role, others: dict[str, Role] | None = None, grants: list[Grant] | None = None):
    return [(path[2:], why) for path, why in findings({"r": role, **(others or {})}, grants or GRANT)]


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (Role(allow=("a/read_*",), deny=("a/*secret*",)), []),
        (Role(allow=("a/*",), ask=("a/write_*",), deny=("a/drop",)), []),
        (Role(allow=("a/b",), deny=("a/*",)), [(("r", "allow", 0), "never allowed: `deny: a/*` wins")]),
        (Role(allow=("a/b",), ask=("*/b",)), [(("r", "allow", 0), "never allowed: `ask: */b` wins")]),
        (Role(ask=("a/b",), deny=("*/*",)), [(("r", "ask", 0), "never asked for: `deny: */*` wins")]),
        (Role(allow=("a/b", "a/c", "a/b")), [(("r", "allow", 2), "`a/b` stands here twice")]),
        (Role(allow=("a/b_c", "a/b_*")), [(("r", "allow", 0), "`a/b_c` is covered by `a/b_*` already")]),
        (Role(deny=("a/*", "a/**")), [(("r", "deny", 1), "`a/**` is covered by `a/*` already")]),
        (Role(allow=("tool:a/*",), deny=("prompt:a/*",)), []),
    ],
)
def test_what_one_role_says_in_vain(role, expected):
    assert said(role) == expected


def test_a_denial_of_another_role_shadows_only_what_nobody_has_without_it():
    role, other = Role(allow=("a/b",)), {"no": Role(deny=("a/*",))}
    both = [Grant("key:k", "r"), Grant("group:g", "r"), Grant("key:k", "no"), Grant("group:g", "no")]
    why = "never allowed: `deny: a/*` of role `no` wins, and all who have this role have that one"
    assert said(role, other, both) == [(("r", "allow", 0), why)]
    assert said(role, other, both[:3]) == []
    assert said(role, other, []) == []


def test_a_grant_given_twice_is_found_at_the_second():
    (found,) = findings(
        {"r": Role(allow=("a/b",))}, [*GRANT, Grant("key:l", "r"), Grant("key:k", "r", "again")]
    )
    assert found == (("access", "grants", 2), "`key:k` has role `r` already, by grant 1")


LISTED = {
    "files": {listed("files/read"), listed("prompt:files/hello")},
    "docs": {listed("resource:docs/file:///a"), listed("docs/find")},
}


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (Role(allow=("files/read", "*/hello", "docs/*", "tool:*/f*")), []),
        (Role(allow=("files/write",)), [("allow", 0)]),
        (Role(ask=("prompt:files/read", "prompt:files/*")), [("ask", 0)]),
        (Role(allow=("f*/find",)), [("allow", 0)]),
        (Role(deny=("*/*secret*", "files/drop")), [("deny", 1)]),
        (Role(allow=("resource:docs/file:///b", "docs/x", "tool:docs/x")), [("allow", 2)]),
        (Role(allow=("gone/x", "*/x", "g*/y")), []),
    ],
)
def test_patterns_that_match_nothing_listed(role, expected):
    found = unmatched({"r": role}, LISTED, unasked=["gone"], templates=["docs"])
    assert [path[3:] for path, _ in found] == expected


pattern = st.builds(
    "{}{}/{}".format,
    st.sampled_from(("", "tool:", "resource:")),
    st.sampled_from(("files", "*", "f*", "crm")),
    st.sampled_from(("*", "read", "read_*", "*a*", "r*d")),
)
patterns = st.lists(pattern, max_size=2).map(tuple)
roles = st.fixed_dictionaries({name: st.builds(Role, patterns, patterns, patterns) for name in "ab"})
grants = st.lists(st.builds(Grant, st.sampled_from(("key:k", "user:u")), st.sampled_from("ab")), max_size=4)
REQUESTS = [
    Request(subject(names), action, Resource(kind, server, name))
    for names in (["key:k"], ["user:u"], ["key:k", "user:u"])
    for kind, action in (
        (ResourceKind.TOOL, Action.CALL_TOOL),
        (ResourceKind.RESOURCE, Action.READ_RESOURCE),
        (ResourceKind.PROMPT, Action.GET_PROMPT),
    )
    for server in ("files", "crm")
    for name in ("read", "read_a", "x")
]


@settings(max_examples=60, deadline=None)
@given(roles, grants)
def test_without_what_was_found_every_decision_is_the_same(roles, grants):
    """One finding at a time: of two equal patterns only one can go."""
    before = Engine.compile(roles, grants)
    effects = [before.decide(request).effect for request in REQUESTS]
    for path, _ in list(findings(roles, grants))[:3]:
        if path[1] == "grants":
            changed = Engine.compile(roles, [grant for at, grant in enumerate(grants) if at != path[2]])
        else:
            _, _, name, verb, number = path
            kept = tuple(text for at, text in enumerate(getattr(roles[name], verb)) if at != number)
            changed = Engine.compile({**roles, name: replace(roles[name], **{verb: kept})}, grants)
        assert [changed.decide(request).effect for request in REQUESTS] == effects
