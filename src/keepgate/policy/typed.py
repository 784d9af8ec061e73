"""Strict checks of policies that read arguments as they are, against what tools declare.

Which tools there are is known only when their servers have been asked. So such a policy is checked twice: when it is
loaded, whether any types would do, and for each tool that it can reach, when the tool is called or `policy check
--live` lists it. One that does not validate for a tool denies every call of that tool it could have decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any, Final

from keepgate.model.access import Request
from keepgate.model.errors import ConfigError
from keepgate.policy import rules, schema
from keepgate.policy.arguments import shape_of
from keepgate.policy.cedar import literal
from keepgate.policy.rules import Rule

_TRIED: Final = ("String", "Long", "Bool", "decimal", "Set<String>", "Set<Long>", "Set<Bool>")
"""Types of an argument that nobody declared yet."""
_GUESSED: Final = 3
"""Arguments of one policy for which all combinations of types are tried."""
_KEPT: Final = 4096


class Types:
    """What has been checked against which tool."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._checked: dict[tuple[tuple[Rule, ...], str, str], tuple[Any, str]] = {}

    def check(self, found: Mapping[str, Rule]) -> None:
        """At loading. Raises ConfigError (code `policy`)."""
        plain = {name: rule for name, rule in found.items() if not rules.inputs_read((rule,))}
        rules.validate(plain, self._base)
        for name in found.keys() - plain.keys():
            self._check_guessing(name, found[name])

    def _check_guessing(self, name: str, rule: Rule) -> None:
        arguments = sorted(rules.inputs_read((rule,)))
        about = rules.arguments_read((rule,))
        if len(arguments) > _GUESSED:
            return
        first: ConfigError | None = None
        for kinds in product(_TRIED, repeat=len(arguments)):
            told = ", ".join(
                f"{literal(argument)}: {kind}" for argument, kind in zip(arguments, kinds, strict=True)
            )
            try:
                rules.validate({name: rule}, schema.text(about, f"{{ {told} }}"))
                return
            except ConfigError as error:
                first = first or error
        if first is not None and not _reads_records(rule):
            raise first

    def check_tool(self, sliced: tuple[Rule, ...], request: Request) -> None:
        """For the tool of a call. Raises ConfigError, also if no list says what its arguments are."""
        declared = request.context.get("schema")
        if declared is None:
            raise ConfigError("the tool is not listed, so its arguments have no types", code="policy")
        key = (sliced, request.resource.server, request.resource.name)
        known = self._checked.get(key)
        if known is None or known[0] is not declared:
            if len(self._checked) >= _KEPT:
                self._checked.clear()
            known = self._checked[key] = declared, self._fault(sliced, declared)
        if known[1]:
            raise ConfigError(known[1], code="policy")

    def _fault(self, sliced: Iterable[Rule], declared: Any) -> str:
        reading = {rule.id: rule for rule in sliced if rules.inputs_read((rule,))}
        try:
            rules.validate(reading, tool_schema(reading.values(), declared))
        except ConfigError as error:
            return error.public
        return ""


def tool_schema(reading: Iterable[Rule], declared: Any) -> str:
    """The schema for policies that decide on a tool with this `inputSchema`."""
    listed = list(reading)
    return schema.text(rules.arguments_read(listed), shape_of(declared).cedar())


def _reads_records(rule: Rule) -> bool:
    """Whether it reads into an argument, whose type is then not among those that are tried."""
    return any(path[0] == "input" and len(path) > 2 for path in rule.reads)
