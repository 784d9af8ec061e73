"""An explanation is held against the engine: what it says would happen does happen."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepgate.model.access import Action, Principal, Request, Resource, ResourceKind
from keepgate.model.verdict import Effect
from keepgate.policy.engine import Engine
from keepgate.policy.explain import Source, explain, sources, without
from keepgate.policy.question import question
from keepgate.policy.roles import Grant, Role

ROLES = {
    "reader": Role(allow=("files/read_*", "files/*"), ask=("files/write_*",), deny=("*/*secret*",)),
    "writer": Role(allow=("files/write_*",)),
    "auditor": Role(deny=("files/read_log",)),
}
GRANTS = (Grant("group:devs", "reader"), Grant("key:k", "reader"), Grant("key:k", "auditor"))


def said(name: str, *who: str):
    return explain(ROLES, GRANTS, question(who or ("key:k",), "call_tool", f"files/{name}"))


@pytest.mark.parametrize(
    ("name", "effect", "written", "otherwise"),
    [
        ("read_x", Effect.ALLOW, ["reader:allow:files/read_*", "reader:allow:files/*"], Effect.DENY),
        ("write_x", Effect.ASK, ["reader:ask:files/write_*"], Effect.ALLOW),
        ("read_log", Effect.DENY, ["auditor:deny:files/read_log"], Effect.ALLOW),
        ("read_secret", Effect.DENY, ["reader:deny:*/*secret*"], Effect.ALLOW),
        ("write_secret", Effect.DENY, ["reader:deny:*/*secret*"], Effect.ASK),
    ],
)
def test_what_decides_and_what_would_be_without_it(name, effect, written, otherwise):
    found = said(name)
    assert found.decision.effect is effect
    assert [source.rule for source in found.deciding] == written
    assert found.otherwise.effect is otherwise
    assert not found.helpful


def test_what_allows_stands_behind_what_asks():
    assert [source.verb for source in said("write_x").sources] == ["ask", "allow"]


def test_the_grants_that_reach_it_are_told_with_their_places():
    assert said("read_x").held == ((1, GRANTS[1]), (2, GRANTS[2]))
    assert said("read_x", "key:other", "group:devs").held == ((0, GRANTS[0]),)


def test_where_nothing_allows_the_roles_that_would_are_named():
    found = said("write_x", "key:other")
    assert (found.sources, found.deciding, found.otherwise) == ((), (), None)
    assert found.helpful == (("reader", Effect.ASK), ("writer", Effect.ALLOW))


def test_a_pattern_written_twice_stands_in_both_places():
    twice = sources({"r": Role(allow=("a/b", "a/c", "a/b"))})
    assert twice["r:allow:a/b"] == (Source("r", "allow", 0, "a/b"), Source("r", "allow", 2, "a/b"))
    assert twice["r:allow:a/b"][1].path == ("access", "roles", "r", "allow", 2)
    assert without({"r": Role(allow=("a/b", "a/c", "a/b"))}, twice["r:allow:a/b"])["r"].allow == ("a/c",)


pattern = st.builds(
    "{}{}/{}".format,
    st.sampled_from(("", "tool:", "resource:")),
    st.sampled_from(("files", "*", "f*")),
    st.sampled_from(("*", "read", "read_*", "*a*")),
)
patterns = st.lists(pattern, max_size=2).map(tuple)
roles = st.fixed_dictionaries({name: st.builds(Role, patterns, patterns, patterns) for name in "abc"})
to = st.sampled_from(("key:k", "key:l", "group:g"))
grants = st.lists(st.builds(Grant, to, st.sampled_from("abc")), max_size=4)
requests = st.builds(
    Request,
    st.sampled_from((Principal("key:k", "key"), Principal("key:k", "key", groups=("g",)))),
    st.sampled_from((Action.CALL_TOOL, Action.READ_RESOURCE)),
    st.builds(Resource, st.sampled_from(ResourceKind), st.just("files"), st.sampled_from(("read", "read_a"))),
)


@settings(max_examples=60, deadline=None)
@given(roles, grants, requests)
def test_what_is_said_to_change_the_answer_changes_it_so(roles, grants, request_):
    found = explain(roles, grants, request_)
    effect = Engine.compile(roles, grants).decide(request_).effect
    assert found.decision.effect is effect
    assert {source.rule for source in found.sources} == set(found.decision.rules)
    rest = without(roles, found.deciding)
    if found.deciding:
        assert found.otherwise.effect is Engine.compile(rest, grants).decide(
            request_
        ).effect is not effect or (effect is found.otherwise.effect is Effect.DENY)
    for role, promised in found.helpful:
        changed = [*grants, Grant(request_.principal.grantees[0], role)]
        assert Engine.compile(rest, changed).decide(request_).effect is promised is not Effect.DENY
