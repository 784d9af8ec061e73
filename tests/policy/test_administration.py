"""Who may administer: only who was given it by name."""

import pytest

from keepgate.model.access import Administration, Principal
from keepgate.model.verdict import Effect
from keepgate.policy.administration import decide
from keepgate.policy.engine import Engine
from keepgate.policy.roles import Grant, Role

READ = Administration.READ_PAYLOADS
ALICE = Principal("local:alice", "local", groups=("auditors",))
AUDITOR = {"auditor": Role(administer=(READ,)), "all": Role(allow=("*/*",), ask=("*/*",))}


@pytest.mark.parametrize("to", ["local:alice", "group:auditors"])
def test_who_holds_the_role_may(to):
    decision = decide(AUDITOR, [Grant(to, "auditor")], ALICE, READ)
    assert decision.effect is Effect.ALLOW
    assert decision.rules == ("auditor:administer:read_payloads",)


@pytest.mark.parametrize(
    "grants",
    [[], [Grant("local:alice", "all")], [Grant("local:bob", "auditor")], [Grant("group:others", "auditor")]],
)
def test_nobody_else_may_however_wide_the_patterns(grants):
    assert decide(AUDITOR, grants, ALICE, READ).effect is Effect.DENY


def test_who_cannot_be_named_may_not():
    decision = decide(AUDITOR, [Grant("local:alice", "auditor")], Principal("nobody", "x"), READ)
    assert decision.effect is Effect.DENY
    assert decision.errors


def test_a_token_without_names_may_not():
    assert decide(AUDITOR, [], Principal("oauth:i/s/c", "oauth"), READ).effect is Effect.DENY


def test_the_policy_hash_covers_who_may_administer():
    roles = {"auditor": Role()}
    assert Engine.compile(roles, []).hash != Engine.compile({"auditor": Role(administer=(READ,))}, []).hash
