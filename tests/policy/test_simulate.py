"""A replay says what would change; `simulate` and `diff` are held against cedarpy itself, without slices and memo."""

from collections import Counter

import cedarpy
import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from keepgate.model.access import Principal, Request
from keepgate.model.verdict import Effect
from keepgate.policy import schema
from keepgate.policy.diff import changes
from keepgate.policy.engine import Engine
from keepgate.policy.observe import Observing
from keepgate.policy.roles import Grant, Role, cedar_text, roles_of
from keepgate.policy.simulate import CHANGES, SAMPLES, simulate
from tests.policy.day import ALICE, CAROL, CURSOR, LOCAL, ROBOT, day, decisions, made, things


def engine(*allow: str, to: str = "key:cursor", **more: tuple[str, ...]) -> Engine:
    return Engine.compile({"r": Role(allow=allow, **more)}, [Grant(to, "r")])


def test_what_would_change_for_whom_how_often_and_in_which_decisions():
    recorded = [
        *(made(CURSOR, "a/b", trace=f"d{n}", time=f"2026-11-2{n}") for n in range(5)),
        made(CURSOR, "a/c", trace="e1"),
        made(LOCAL, "a/b", trace="e2", effect=Effect.DENY),
    ]
    found = simulate(engine("a/b"), engine("a/c", ask=("a/b",)), recorded)
    lost, gained = found.shifts
    assert (found.requests, found.others, found.earlier) == (7, 0, 1)
    assert (lost.change.before, lost.change.after, lost.change.gains) == (Effect.ALLOW, Effect.ASK, False)
    assert (lost.count, lost.first, lost.last, lost.samples) == (
        5,
        "2026-11-20",
        "2026-11-24",
        ["d0", "d1", "d2"],
    )
    assert (gained.change.resource.name, gained.change.gains, gained.count) == ("c", True, 1)


def test_the_same_policy_changes_nothing():
    found = simulate(engine("a/b"), engine("a/b"), day())
    assert (found.requests, found.shifts) == (len(day()), [])


def test_an_end_of_observe_mode_is_a_change():
    roles, grants = {"r": Role(allow=("a/b",))}, [Grant("key:cursor", "r")]
    plain = Engine.compile(roles, grants)
    found = simulate(
        Observing(plain, roles, grants, ["a"]), plain, [made(CURSOR, "a/x"), made(CURSOR, "a/b")]
    )
    (shift,) = found.shifts
    assert (shift.change.observed, shift.change.gains, found.earlier) == ((True, False), False, 0)


def test_changes_that_are_told_apart_are_bounded():
    recorded = (made(CURSOR, f"a/{n}") for n in range(CHANGES + 7))
    found = simulate(engine("a/*"), engine(), recorded)
    assert (len(found.shifts), found.others, found.requests) == (CHANGES, 7, CHANGES + 7)


# --- against cedarpy ------------------------------------------------------------------------------


def directly(roles: dict[str, Role], grants: list[Grant], request: Request) -> Effect:
    """One evaluation of all policies by cedarpy, from the text that roles compile to."""
    text = cedar_text(roles)
    held = roles_of(grants)
    grantees = request.principal.grantees
    uid, *parents = [dict(zip(("type", "id"), schema.entity(each), strict=True)) for each in grantees]
    parents += [{"type": "Role", "id": role} for each in grantees for role in held.get(each, ())]
    thing = {"type": schema.RESOURCE_TYPES[request.resource.kind], "id": request.resource.id}
    server = {"type": "Server", "id": request.resource.server}
    attrs = {"server": request.resource.server, "name": request.resource.name}
    entities = [
        {"uid": uid, "attrs": {}, "parents": parents},
        {"uid": thing, "attrs": attrs, "parents": [server]},
    ]
    action = {"type": "Action", "id": str(request.action)}
    answer = cedarpy.is_authorized(
        {"principal": uid, "action": action, "resource": thing}, text, orjson.dumps(entities).decode()
    )
    assert not answer.diagnostics.errors
    if not answer.allowed:
        return Effect.DENY
    notes = orjson.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
    asks = [notes[each]["annotations"].get("obligation") == "ask" for each in answer.diagnostics.reasons]
    return Effect.ASK if any(asks) else Effect.ALLOW


pattern = st.builds(
    "{}{}/{}".format,
    st.sampled_from(("", "tool:", "resource:", "prompt:")),
    st.sampled_from(("files", "*", "f*", "crm")),
    st.sampled_from(("*", "read", "read_*", "*a*", r"a\*b", "x://h/*")),
)
patterns = st.lists(pattern, max_size=2).map(tuple)
roles = st.fixed_dictionaries({name: st.builds(Role, patterns, patterns, patterns) for name in "ab"})
to = st.sampled_from(("key:cursor", "local:bob", "user:alice", "client:web", "group:devs", "tenant:acme"))
grants = st.lists(st.builds(Grant, to, st.sampled_from("ab")), max_size=4)


@settings(max_examples=30, deadline=None)
@given(roles, grants, roles, grants, decisions(least=5))
def test_a_simulation_is_what_cedar_says_of_each_request(old, old_grants, new, new_grants, recorded):
    expected: Counter[object] = Counter()
    for each in recorded:
        before, after = directly(old, old_grants, each.request), directly(new, new_grants, each.request)
        if before is not after:
            request = each.request
            expected[request.principal.grantees, request.action, request.resource, before, after] += 1
    found = simulate(Engine.compile(old, old_grants), Engine.compile(new, new_grants), recorded)
    told = {
        (s.change.principal.grantees, s.change.action, s.change.resource, s.change.before, s.change.after): s
        for s in found.shifts
    }
    assert {key: shift.count for key, shift in told.items()} == expected
    assert [shift.change.gains for shift in found.shifts] == sorted(s.change.gains for s in found.shifts)
    traces = {each.trace: each for each in recorded}
    for key, shift in told.items():
        assert 0 < len(shift.samples) <= min(SAMPLES, shift.count)
        assert {traces[trace].request.resource for trace in shift.samples} == {key[2]}


@settings(max_examples=20, deadline=None)
@given(roles, grants, roles, grants, st.lists(things, min_size=1, max_size=4, unique=True))
def test_a_difference_is_what_cedar_says_of_each_request(old, old_grants, new, new_grants, compared):
    people: list[Principal] = [CURSOR, LOCAL, ALICE, CAROL, ROBOT]
    found = {
        (change.principal, change.action, change.resource): (change.before, change.after)
        for change in changes(
            Engine.compile(old, old_grants), Engine.compile(new, new_grants), people, compared
        )
    }
    for who in people:
        for thing in compared:
            for action in schema.ACTIONS[thing.kind]:
                request = Request(who, action, thing)
                before, after = directly(old, old_grants, request), directly(new, new_grants, request)
                expected = (before, after) if before is not after else None
                assert found.get((who, action, thing)) == expected
