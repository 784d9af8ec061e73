"""The suggested policy allows all that was used, and nothing of what was not."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepgate.model.access import Action, Request, Resource, ResourceKind
from keepgate.model.verdict import Effect
from keepgate.policy.engine import Engine
from keepgate.policy.recorded import Recorded
from keepgate.policy.roles import Grant, Role
from keepgate.policy.schema import ACTIONS
from keepgate.policy.suggest import Suggestion, common_beginnings, suggest
from keepgate.policy.usage import Usage
from tests.policy.day import ALICE, CAROL, CURSOR, LOCAL, NAMES, ROBOT, day, decisions, made


def used(recorded: list[Recorded]) -> Usage:
    usage = Usage()
    for each in recorded:
        usage.add(each)
    return usage


def engine(found: Suggestion) -> Engine:
    return Engine.compile(found.roles, found.grants)


PEOPLE = (CURSOR, LOCAL, ALICE, CAROL, ROBOT)


# --- a recorded day -------------------------------------------------------------------------------


def test_a_recorded_day_of_mixed_traffic_is_allowed_wholly_and_what_goes_beyond_it_is_not():
    recorded = day()
    found = suggest(used(recorded))
    decide = engine(found).decide
    for each in recorded:
        if not each.request.principal.grantees or each.effect is Effect.DENY:
            continue
        expected = Effect.ASK if each.effect is Effect.ASK else Effect.ALLOW
        assert decide(each.request).effect is expected, each
    beyond = [
        *(
            made(who, what)
            for who in PEOPLE
            for what in ("files/drop", "files/read_other", "crm/delete", "mail/x")
        ),
        made(CURSOR, "crm/search"),
        made(LOCAL, "files/list"),
        made(LOCAL, "files/oddXname\\x"),
        made(ROBOT, "crm/search"),
        made(CAROL, "crm/letter", kind=ResourceKind.PROMPT),
        made(LOCAL, "docs/file:///srv/a/5.md", kind=ResourceKind.RESOURCE),
        made(LOCAL, "docs/file:///srv/a/1.md"),
        made(CURSOR, "files/read_file", kind=ResourceKind.RESOURCE),
        made(CURSOR, "files/read_file", kind=ResourceKind.PROMPT),
    ]
    assert [decide(each.request).effect for each in beyond] == [Effect.DENY] * len(beyond)


def test_what_no_grant_can_name_is_told():
    recorded = [made(CURSOR, "files/"), *day()]
    found = suggest(used(recorded))
    assert [(use.principal.id, use.resource.name) for use in found.unnamed] == [
        ("key:cursor", ""),
        ("oauth:", "search"),
    ]


def test_patterns_name_kind_and_escape_what_would_be_a_wildcard():
    found = suggest(used(day()))
    assert found.roles["local-bob"].allow == (
        "resource:docs/file:///srv/a/1.md",
        "resource:docs/file:///srv/a/2.md",
        "resource:docs/file:///srv/a/3.md",
        "resource:docs/file:///srv/a/4.md",
        r"tool:files/odd\*name\\x",
        "tool:files/read_file",
    )


def test_who_used_the_same_shares_a_role_and_grants_say_why():
    found = suggest(used([made(LOCAL, "a/b"), made(CURSOR, "a/b"), made(CURSOR, "a/b"), made(ROBOT, "a/c")]))
    assert found.roles == {"client-robot": Role(allow=("tool:a/c",)), "shared": Role(allow=("tool:a/b",))}
    assert found.grants[1:] == (
        Grant("key:cursor", "shared", "used 2 times, 2026-11-20 to 2026-11-20"),
        Grant("local:bob", "shared", "used 1 times, 2026-11-20 to 2026-11-20"),
    )


def test_names_of_roles_are_such_and_not_taken():
    odd = type(ALICE)("oauth:i/x/", "oauth", user="Ärger@x*/..")
    found = suggest(used([made(odd, "a/b"), made(CURSOR, "a/c")]), keep={"key-cursor": Role()})
    assert sorted(found.roles) == ["key-cursor", "key-cursor-2", "user--rger-x----"]


def test_what_was_asked_for_once_and_let_through_once_is_allowed():
    recorded = [
        made(CURSOR, "a/b", effect=Effect.ASK),
        made(CURSOR, "a/b"),
        made(CURSOR, "a/c", effect=Effect.ASK),
    ]
    assert suggest(used(recorded)).roles["key-cursor"] == Role(allow=("tool:a/b",), ask=("tool:a/c",))


def test_what_is_kept_stays_as_it_is():
    keep, kept = {"auditor": Role(administer=("read_payloads",))}, [Grant("local:bob", "auditor", owner="x")]
    found = suggest(used(day()), keep=keep, kept=kept)
    assert found.roles["auditor"] == keep["auditor"]
    assert found.grants[0] == kept[0]


def test_of_nothing_comes_nothing():
    assert suggest(Usage()) == Suggestion({}, (), 0, ())


# --- groups ---------------------------------------------------------------------------------------


def test_groups_get_what_their_members_used_and_others_get_theirs():
    found = suggest(used(day()), groups=True)
    grants = {grant.to: found.roles[grant.role] for grant in found.grants}
    assert grants["group:devs"] == Role(allow=("prompt:crm/letter", "tool:crm/search", "tool:crm/send"))
    assert grants["user:alice"] == Role(ask=("tool:crm/send",))
    assert "user:carol" not in grants
    assert grants["client:robot"] == Role(allow=("tool:crm/export",))
    assert engine(found).decide(made(ALICE, "crm/send").request).effect is Effect.ASK


def test_a_group_that_a_user_has_only_at_times_does_not_carry_it():
    later = type(ALICE)("oauth:i/alice/app", "oauth", groups=(), user="alice", client="app")
    found = suggest(used([made(ALICE, "a/b"), made(later, "a/b")]), groups=True)
    assert [grant.to for grant in found.grants] == ["user:alice"]


# --- generalising ---------------------------------------------------------------------------------


def test_wildcards_stand_only_where_they_are_asked_for():
    assert not any("*" in each for each in suggest(used(day())).roles["key-cursor"].allow)
    found = suggest(used(day()), generalise=True)
    assert found.roles["key-cursor"].allow == ("tool:files/list", "tool:files/read_*")
    assert "resource:docs/file:///srv/a/*" in found.roles["local-bob"].allow
    assert engine(found).decide(made(CURSOR, "files/read_new").request).effect is Effect.ALLOW
    assert engine(found).decide(made(CURSOR, "files/drop").request).effect is Effect.DENY


@pytest.mark.parametrize(
    ("names", "others", "found"),
    [
        (("read_a", "read_b", "read_c"), (), {"read_"}),
        (("read_a", "read_b"), (), set()),
        (("read_a", "read_b", "read_c"), ("read_z",), set()),
        (("read_a_1", "read_a_2", "read_a_3", "read_x", "read_y", "read_z"), (), {"read_a_", "read_"}),
        (("ab", "ac", "ad"), (), set()),
        (("_a", "_b", "_c"), (), set()),
        (("file:///a", "file:///b", "file:///c"), (), set()),
        (("file:///s/a", "file:///s/b", "file:///s/c", "file:///t"), (), {"file:///s/"}),
        (("https://h/a", "https://h/b", "https://h/c"), (), {"https://h/"}),
        (("https://a/", "https://b/", "https://c/"), (), set()),
    ],
)
def test_what_a_wildcard_may_stand_for(names, others, found):
    assert common_beginnings(names, others) == found


# --- by brute force -------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(decisions())
def test_exactly_what_was_used_is_allowed_whatever_the_traffic(recorded):
    """Of each kind of thing the first action stands for all: that is as finely as roles can grant."""
    found = suggest(used(recorded))
    decide = engine(found).decide
    best: dict[object, Effect] = {}
    for each in recorded:
        if each.effect is not Effect.DENY:
            thing = each.request.principal.grantees[0], each.request.resource
            best[thing] = min(
                best.get(thing, Effect.ASK), Effect.ASK if each.effect is Effect.ASK else Effect.ALLOW
            )
    for who, kind, server, name in product(PEOPLE, ResourceKind, ("files", "crm"), (*NAMES, "aXb", "read_z")):
        thing = Resource(kind, server, name)
        for action in (*ACTIONS[kind], Action.CALL_TOOL):
            can = action in ACTIONS[kind]
            expected = best.get((who.grantees[0], thing), Effect.DENY) if can else Effect.DENY
            assert decide(Request(who, action, thing)).effect is expected


@settings(max_examples=60, deadline=None)
@given(decisions())
def test_however_it_is_put_together_all_that_was_used_passes(recorded):
    """And with wildcards nobody gets what was seen and he did not use."""
    usage = used(recorded)
    for groups, generalise in product((False, True), repeat=2):
        decide = engine(suggest(usage, groups=groups, generalise=generalise)).decide
        for each in recorded:
            effect = decide(each.request).effect
            if each.effect in (Effect.ALLOW, Effect.REDACT):
                assert effect is Effect.ALLOW
            elif each.effect is Effect.ASK:
                assert effect in (Effect.ALLOW, Effect.ASK)
    decide = engine(suggest(usage, generalise=True)).decide
    own = {(use.principal.grantees[0], use.resource) for use in usage.uses.values()}
    for who, thing in product(PEOPLE, usage.seen):
        if (who.grantees[0], thing) not in own:
            assert decide(Request(who, ACTIONS[thing.kind][0], thing)).effect is Effect.DENY


# --- conditions ------------------------------------------------------------------------------------


def called(who, what, **arguments):
    each = made(who, what)
    each.request.context["arguments"] = arguments
    return each


DIRECTORIES = ("/srv/a", "/srv/b/c", "/home/x")
texts = st.one_of(
    st.builds("{}/{}".format, st.sampled_from(DIRECTORIES), st.text("ab./%", max_size=6)),
    st.builds("https://{}.example.com/{}".format, st.sampled_from("abc"), st.text("ab", max_size=3)),
    st.text(max_size=5),
    st.integers(),
)
calls = st.lists(
    st.builds(
        called,
        st.sampled_from((CURSOR, ALICE)),
        st.sampled_from(("files/read", "web/get")),
        at=texts,
        to=texts | st.none(),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(calls)
def test_whatever_was_called_is_allowed_with_the_conditions_that_are_proposed(recorded):
    usage = Usage(arguments=True)
    for each in recorded:
        usage.add(each)
    decide = engine(suggest(usage)).decide
    for each in recorded:
        assert decide(each.request).effect is Effect.ALLOW, each


def test_what_goes_beyond_the_arguments_of_the_day_is_denied():
    usage = Usage(arguments=True)
    for number in range(4):
        usage.add(called(CURSOR, "files/read", path=f"/srv/data/{number}/x"))
        usage.add(called(CURSOR, "web/get", url=f"https://api.example.com/{number}"))
    found = suggest(usage)
    decide = engine(found).decide
    assert decide(called(CURSOR, "files/read", path="/srv/data/9/y").request).effect is Effect.ALLOW
    for beyond in (
        called(CURSOR, "files/read", path="/etc/passwd"),
        called(CURSOR, "files/read", path="/srv/data/../../etc/passwd"),
        called(CURSOR, "files/read"),
        called(CURSOR, "web/get", url="https://evil.example/"),
        called(CURSOR, "web/get", url="https://api.example.com@evil.example/"),
        called(CURSOR, "web/get", URL="https://evil.example/", url="https://api.example.com/1"),
    ):
        assert decide(beyond.request).effect is Effect.DENY, beyond


def test_without_being_asked_no_condition_is_proposed():
    usage = used([called(CURSOR, "files/read", path="/srv/x") for _ in range(5)])
    (role,) = suggest(usage).roles.values()
    assert role.allow == ("tool:files/read",)
