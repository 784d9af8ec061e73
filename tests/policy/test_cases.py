import pytest

from keepgate.model.verdict import Effect
from keepgate.policy.cases import Case, failures
from keepgate.policy.engine import Engine
from keepgate.policy.question import question
from keepgate.policy.roles import Grant, Role

ENGINE = Engine.compile(
    {"r": Role(allow=("files/read",), ask=("files/write",), deny=("files/drop",))}, [Grant("key:k", "r")]
)


def case(name: str, expect: Effect) -> Case:
    return Case(question(["key:k"], "call_tool", f"files/{name}"), expect, f"f:{name}")


@pytest.mark.parametrize("expect", [Effect.ALLOW, Effect.ASK, Effect.DENY])
@pytest.mark.parametrize(
    ("name", "effect"),
    [("read", Effect.ALLOW), ("write", Effect.ASK), ("drop", Effect.DENY), ("x", Effect.DENY)],
)
def test_a_case_fails_where_the_answer_is_not_the_expected_one(name, effect, expect):
    found = [failure.decision.effect for failure in failures(ENGINE, [case(name, expect)])]
    assert found == ([] if effect is expect else [effect])


def test_failures_stand_in_the_order_of_the_cases():
    cases = [case("x", Effect.ALLOW), case("read", Effect.ALLOW), case("drop", Effect.ASK)]
    assert [failure.case.where for failure in failures(ENGINE, cases)] == ["f:x", "f:drop"]


def test_a_case_that_cannot_be_decided_fails_also_where_a_denial_is_expected():
    failing = Engine.compile(
        {"r": Role(allow=("*/*",))},
        [Grant("key:k", "r")],
        "forbid(principal, action, resource) when { 9223372036854775807 + 1 == 0 };",
    )
    (failure,) = failures(failing, [case("x", Effect.DENY)])
    assert failure.decision.errors
