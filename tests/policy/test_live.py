"""Conditions that no listed tool can meet are found, and only those."""

import pytest

from keepgate.policy import rules
from keepgate.policy.conditions import Argument, When
from keepgate.policy.live import misread
from keepgate.policy.roles import Conditional, Role
from keepgate.policy.source import Source


def tool(**properties: str) -> dict:
    declared = {name: {"type": kind} for name, kind in properties.items()}
    return {"type": "object", "properties": declared, "required": list(properties)}


LISTED = {"db": {"query": tool(limit="integer", sql="string"), "list": tool(page="string"), "odd": {}}}


def about(pattern: str, argument: str) -> dict:
    when = When({argument: Argument(at_most=5)})
    return rules.of_roles({"r": Role(allow=(Conditional(pattern, when),))})


@pytest.mark.parametrize(
    ("pattern", "argument", "found"),
    [
        ("db/query", "limit", 0),
        ("db/query", "limt", 1),
        ("db/query", "limit.x", 0),
        ("db/*", "limit", 0),
        ("db/l*", "limit", 1),
        ("db/odd", "limit", 0),
        ("db/gone", "limit", 0),
        ("resource:db/*", "uri", 0),
        ("crm/*", "limit", 0),
    ],
)
def test_an_argument_that_no_tool_declares(pattern, argument, found):
    told = [text for _, text in misread(about(pattern, argument), LISTED)]
    assert len(told) == found
    assert all(f"`{argument}`" in text for text in told)


@pytest.mark.parametrize(
    ("scope", "condition", "found"),
    [
        ("resource", "context.input.limit > 3", 0),
        ('resource == Tool::"db/query"', "context.input.limit > 3", 0),
        ('resource == Tool::"db/list"', "context.input.limit > 3", 1),
        ('resource == Tool::"db/query"', 'context.input.limit == "x" && context.input.limit like "y"', 1),
        ('resource in Server::"crm"', "context.input.limit > 3", 0),
    ],
)
def test_types_that_fit_no_tool(scope, condition, found):
    text = f'permit (principal in Group::"g", action == Action::"call_tool", {scope}) when {{ {condition} }};'
    told = list(misread(rules.of_files([Source("f", text)]), LISTED))
    assert len(told) == found
    assert all(rule.where == "f:1" and "fits no tool" in text for rule, text in told)
