"""Conditions against the tools there are: arguments that no tool declares, types that fit none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from keepgate.model.access import Action
from keepgate.model.errors import ConfigError
from keepgate.policy import rules
from keepgate.policy.arguments import shape_of
from keepgate.policy.rules import Rule
from keepgate.policy.typed import tool_schema

Declared = Mapping[str, Mapping[str, Any]]
"""The `inputSchema` of each listed tool, by server and name."""


def misread(found: Mapping[str, Rule], listed: Declared) -> Iterator[tuple[Rule, str]]:
    """Rules whose condition can never be told, for any tool that is listed and that they can reach.

    A rule that reaches no listed tool is passed over: that is said elsewhere, or it is not about tools.
    """
    for rule in found.values():
        reached = {
            f"{server}/{name}": declared
            for server, tools in listed.items()
            for name, declared in tools.items()
            if _reaches(rule, server, name)
        }
        if not (rule.reads and reached):
            continue
        for argument in sorted(rules.arguments_read((rule,)) - {"uri"}):
            if not any(_declares(declared, argument) for declared in reached.values()):
                yield rule, f"no tool that it can reach declares the argument `{argument}`"
        if rules.inputs_read((rule,)):
            faults = {name: _fault(rule, declared) for name, declared in reached.items()}
            if all(faults.values()):
                name, fault = next(iter(faults.items()))
                yield rule, f"it fits no tool that it can reach; for `{name}`: {fault}"


def _reaches(rule: Rule, server: str, name: str) -> bool:
    scope = rule.body["resource"]
    exact = scope["entity"]["id"] if scope.get("op") == "==" else None
    everybody = frozenset() if rule.who is None else frozenset((rule.who,))
    return (
        rule.applies(everybody, Action.CALL_TOOL, "Tool", server)
        and rule.names(name)
        and exact in (None, f"{server}/{name}")
    )


def _declares(declared: Any, argument: str) -> bool:
    """Whether a schema has this argument. One that Cedar cannot say, or leads through lists, is given the benefit."""
    properties = declared.get("properties") if isinstance(declared, dict) else None
    if not isinstance(properties, dict):
        return True
    return argument in properties or ("." in argument and argument.partition(".")[0] in properties)


def _fault(rule: Rule, declared: Any) -> str:
    try:
        rules.validate({rule.id: rule}, tool_schema((rule,), declared))
    except ConfigError as error:
        left_out = "; ".join(shape_of(declared).left_out[:3])
        return error.public + (f" (not said in Cedar: {left_out})" if left_out else "")
    return ""
