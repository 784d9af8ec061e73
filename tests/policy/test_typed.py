"""Policies that read arguments as they are: checked when loaded, and for each tool."""

import pytest

from keepgate.model.access import Action, Principal, Request, Resource, ResourceKind
from keepgate.model.errors import ConfigError
from keepgate.model.verdict import Effect
from keepgate.policy.engine import Engine

KEY = Principal("key:k", "key")
CALLS = 'principal, action == Action::"call_tool", resource'


def engine(condition: str, effect: str = "permit") -> Engine:
    return Engine.compile({}, [], f"{effect} ({CALLS}) when {{ {condition} }};")


def call(arguments: dict, declared: object) -> Request:
    tool = Resource(ResourceKind.TOOL, "s", "t")
    return Request(KEY, Action.CALL_TOOL, tool, {"arguments": arguments, "schema": declared})


def declared(kind: str, *required: str) -> dict:
    return {"type": "object", "properties": {"n": {"type": kind}}, "required": list(required)}


@pytest.mark.parametrize(
    "condition",
    [
        "context.input.n > 3",
        'context.input.n == "x" && context.input.m < 5',
        'context.input.n.lessThan(decimal("1.0"))',
        'context.input.n.contains("x")',
        "context.input.n.m > 3",
        "context.input.a > 1 && context.input.b > 1 && context.input.c > 1 && context.input.d > 1",
    ],
)
def test_what_some_types_make_right_is_loaded(condition):
    engine(condition)


@pytest.mark.parametrize(
    "condition",
    [
        'context.input.n > "x"',
        'context.input.n > 3 && context.input.n like "x"',
        "context.input.n > resource.name",
    ],
)
def test_what_no_types_make_right_is_refused(condition):
    with pytest.raises(ConfigError, match="does not validate"):
        engine(condition)


@pytest.mark.parametrize(
    ("condition", "kind", "required", "n", "effect"),
    [
        ("context.input.n > 3", "integer", ("n",), 4, Effect.ALLOW),
        ("context.input.n > 3", "integer", ("n",), 3, Effect.DENY),
        ("context.input has n && context.input.n > 3", "integer", (), 4, Effect.ALLOW),
        ('context.input.n like "a*"', "string", ("n",), "abc", Effect.ALLOW),
        ('context.input.n.lessThan(decimal("1.5"))', "number", ("n",), 1.25, Effect.ALLOW),
    ],
)
def test_a_call_is_decided_by_its_typed_arguments(condition, kind, required, n, effect):
    decision = engine(condition).decide(call({"n": n}, declared(kind, *required)))
    assert (decision.effect, decision.errors) == (effect, ())


@pytest.mark.parametrize(
    ("given", "n", "why"),
    [
        (declared("string", "n"), "x", "unexpected type"),
        (declared("integer"), 4, "optional attribute"),
        ({"type": "object"}, 4, "not found"),
        (None, 4, "not listed"),
        (declared("integer", "n"), "4", "`n`: it is not Long"),
        (declared("integer", "n"), 2**70, "`n`: it is not Long"),
    ],
)
@pytest.mark.parametrize("effect", ["permit", "forbid"])
def test_for_a_tool_that_does_not_fit_nothing_is_allowed(given, n, why, effect):
    wide = f"permit ({CALLS}); {effect} ({CALLS}) when {{ context.input.n > 3 }};"
    decision = Engine.compile({}, [], wide).decide(call({"n": n}, given))
    assert decision.effect is Effect.DENY
    assert why in decision.errors[0]
    assert decision.reason == "policy could not decide"


def test_a_changed_definition_is_checked_anew():
    made = engine("context.input.n > 3")
    assert made.decide(call({"n": 4}, declared("integer", "n"))).effect is Effect.ALLOW
    assert made.decide(call({"n": 4}, declared("string", "n"))).effect is Effect.DENY
    assert made.decide(call({"n": 4}, declared("integer", "n"))).effect is Effect.ALLOW
