"""What a policy reads, and what is left of it when that is taken away."""

import cedarpy
import orjson
import pytest

from keepgate.policy.mentions import WholeError, at_best, leading, reads


def body(conditions: str, effect: str = "permit") -> dict:
    text = f"{effect} (principal, action, resource) {conditions};"
    return orjson.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]["policy0"]


def when(condition: str, effect: str = "permit") -> dict:
    return body(f"when {{ {condition} }}", effect)


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ('resource.name == "x" && principal in Group::"g"', set()),
        ("context.time.hour < 9", {("time", "hour")}),
        ('context.flow.labels.contains("x")', {("flow", "labels")}),
        ("context.input.n > 1", {("input", "n")}),
        ("context.input.a.b > 1", {("input", "a", "b")}),
        ('context.input["a b"] like "x*"', {("input", "a b")}),
        ("context.input has x", {("input", "x")}),
        ("context.facts has p", {("facts", "p")}),
        (
            "context.facts has p.within && context.facts.p.within.isEmpty()",
            {("facts", "p"), ("facts", "p", "within")},
        ),
        ("context has time", set()),
        ('{a: context.auth.acr}.a == "x"', {("auth", "acr")}),
        ("[1, context.input.z].contains(2)", {("input", "z")}),
        ("if context.time.minute < 3 then true else false", {("time", "minute")}),
        ('decimal("1.0").lessThan(context.facts.a.most)', {("facts", "a", "most")}),
    ],
)
def test_reads(condition, found):
    assert reads(when(condition)) == found


@pytest.mark.parametrize(
    "condition",
    [
        "context == context",
        "context.input == context.input",
        "context.facts == context.facts",
        "[context.facts.path].isEmpty()",
        "[context.time].isEmpty()",
        "[context].isEmpty()",
    ],
)
def test_a_record_is_not_read_as_a_whole(condition):
    with pytest.raises(WholeError, match="as a whole"):
        reads(when(condition))


def static(name: str) -> str:
    return f'resource.name == "{name}"'


def test_at_best_keeps_what_reads_nothing():
    assert at_best(when(static("a"))) == when(static("a"))
    assert at_best(when(static("a"), "forbid")) == when(static("a"), "forbid")


def test_at_best_a_permit_loses_what_it_reads_and_a_denial_is_gone():
    assert at_best(when(f"{static('a')} && context.input.n > 1 && {static('b')}")) == when(
        f"{static('a')} && {static('b')}"
    )
    assert at_best(when("context.input.n > 1"))["conditions"] == []
    both = body(f"when {{ {static('a')} }} unless {{ {static('b')} || context.flow.labels.isEmpty() }}")
    assert at_best(both) == body(f"when {{ {static('a')} }} unless {{ {static('b')} }}")
    assert at_best(when("context.input.n > 1", "forbid")) is None


def test_leading_is_what_stands_before_the_first_reading():
    assert leading(when(f"{static('a')} && context.input.n > 1 && {static('b')}", "forbid")) == when(
        static("a")
    )
    assert leading(when(f"context.input.n > 1 && {static('b')}"))["conditions"] == []
    later = body(f"when {{ context.flow.labels.isEmpty() }} when {{ {static('b')} }}")
    assert leading(later)["conditions"] == []
    assert leading(body(f"unless {{ {static('a')} || context.flow.labels.isEmpty() }}")) == body(
        f"unless {{ {static('a')} }}"
    )
