"""What was used, how often and when; and what was given and not used."""

from dataclasses import replace

from keepgate.model.verdict import Effect
from keepgate.policy.roles import Grant, Role
from keepgate.policy.usage import Usage, aged
from tests.policy.day import ALICE, CURSOR, LOCAL, made

OLD, NEW = "2026-10-01T00:00:00.0Z", "2026-11-20T00:00:00.0Z"


def usage(*recorded) -> Usage:
    found = Usage()
    for each in recorded:
        found.add(each)
    return found


def test_uses_are_counted_by_who_what_and_how():
    found = usage(
        made(CURSOR, "a/b", time=NEW),
        made(CURSOR, "a/b", time=OLD),
        made(CURSOR, "a/c", time=OLD, effect=Effect.DENY),
        made(LOCAL, "a/b", time=NEW, effect=Effect.ASK),
    )
    first, second = found.uses.values()
    assert (first.principal, first.count, first.last, first.asked) == (CURSOR, 2, NEW, False)
    assert (second.principal, second.count, second.asked) == (LOCAL, 1, True)
    assert {each.name for each in found.seen} == {"b", "c"}
    assert found.since == OLD


def test_permissions_and_grants_have_the_age_of_their_last_use():
    roles = {
        "reader": Role(allow=("files/read_*", "files/gone"), ask=("files/write_*",), deny=("*/secret",)),
        "other": Role(allow=("*/*",)),
        "auditor": Role(administer=("read_payloads",)),
    }
    grants = [
        Grant("key:cursor", "reader"),
        Grant("group:devs", "reader"),
        Grant("key:nobody", "other"),
        Grant("local:bob", "auditor"),
    ]
    found = usage(
        made(CURSOR, "files/read_a", time=OLD),
        made(CURSOR, "files/read_b", time=NEW),
        made(ALICE, "files/write_a", time=OLD, effect=Effect.ASK),
        made(LOCAL, "files/gone", time=NEW),
    )
    assert {each.what: each.last for each in aged(roles, grants, found)} == {
        "allow files/read_* of role reader": NEW,
        "allow files/gone of role reader": "",
        "ask files/write_* of role reader": OLD,
        "allow */* of role other": "",
        "role reader of key:cursor": NEW,
        "role reader of group:devs": OLD,
        "role other of key:nobody": "",
    }
    assert next(iter(aged(roles, grants, found))).path == ("access", "roles", "reader", "allow", 0)


def test_a_permission_that_was_only_refused_is_not_used():
    roles, grants = {"r": Role(allow=("a/*",))}, [Grant("key:cursor", "r")]
    found = usage(made(CURSOR, "a/b", effect=Effect.DENY))
    assert {each.last for each in aged(roles, grants, found)} == {""}


def test_what_was_asked_for_and_approved_is_still_asked_for():
    approved = replace(made(CURSOR, "a/b"), rules=("r:allow:a/*", "r:ask:a/b"))
    (use,) = usage(approved).uses.values()
    assert use.asked
    (use,) = usage(approved, made(CURSOR, "a/b")).uses.values()
    assert not use.asked
    (use,) = usage(replace(approved, rules=("ask:allow:*/ask:x", "limits.rate"))).uses.values()
    assert not use.asked
