"""The facts that a policy reads about one argument, as Cedar's JSON form."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final

from keepgate.policy.facts import hosts, paths, sql
from keepgate.policy.facts.values import Unclear, values_of

TYPES: Final = {
    "path": "String",
    "within": "Set<String>",
    "around": "Set<String>",
    "hosts": "Set<String>",
    "domains": "Set<String>",
    "texts": "Set<String>",
    "statements": "Set<String>",
    "least": "decimal",
    "most": "decimal",
    "items": "Long",
    "length": "Long",
    "shortest": "Long",
}
"""Every fact, with its Cedar type."""

AROUND: Final = 1000
"""Directories above the paths of one argument."""
TEXTS: Final = 100
"""Different texts of one argument that are told apart."""
TEXT: Final = 1000
"""Characters of each."""
_QUANTUM: Final = Decimal("0.0001")
_LARGEST: Final = Decimal(2**63 - 1) / 10_000
"""What Cedar's decimal holds."""


def facts(arguments: Mapping[str, Any], name: str, wanted: Collection[str]) -> dict[str, Any] | None:
    """The `wanted` facts about the argument `name`; None if it is not given. What cannot be told is left out."""
    try:
        values = values_of(arguments, name)
    except Unclear:
        return {}
    if values is None:
        return None
    found = {}
    for fact in wanted:
        try:
            found[fact] = _DERIVE[fact](values)
        except Unclear:
            continue
    return found


def _texts(values: list[Any]) -> list[str]:
    if not all(isinstance(each, str) for each in values):
        raise Unclear
    return values


def _path(values: list[Any]) -> str:
    found = set[str]().union(*(paths.readings(text) for text in _texts(values)))
    if len(found) != 1:
        raise Unclear
    return found.pop()


def _within(values: list[Any]) -> list[str]:
    sets = [paths.within(text) for text in _texts(values)]
    if not sets:
        raise Unclear
    return sorted(sets[0].intersection(*sets[1:]))


def _around(values: list[Any]) -> list[str]:
    sets = [paths.around(text) for text in _texts(values)]
    if not sets:
        raise Unclear
    found = set[str]().union(*sets)
    if len(found) > AROUND:
        raise Unclear
    return sorted(found)


def _hosts(values: list[Any]) -> list[str]:
    found = set[str]().union(*(hosts.hosts(text) for text in _texts(values)))
    if not found:
        raise Unclear
    return sorted(found)


def _domains(values: list[Any]) -> list[str]:
    return sorted({hosts.domain(host) for host in _hosts(values)})


def _distinct(values: list[Any]) -> list[str]:
    found = set(_texts(values))
    if not found or len(found) > TEXTS or any(len(each) > TEXT for each in found):
        raise Unclear
    return sorted(found)


def _statements(values: list[Any]) -> list[str]:
    found = set[str]().union(*(sql.statements(text) for text in _texts(values)))
    if not found:
        raise Unclear
    return sorted(found)


def _numbers(values: list[Any]) -> list[Decimal]:
    if not values or not all(type(each) in (int, float) for each in values):
        raise Unclear
    found = [Decimal(repr(each)) if isinstance(each, float) else Decimal(each) for each in values]
    if not all(each.is_finite() and abs(each) < _LARGEST for each in found):
        raise Unclear
    return found


def decimal(number: Decimal) -> dict[str, Any]:
    """Cedar's JSON form of a number with at most four digits after the point."""
    return {"__extn": {"fn": "decimal", "arg": f"{number:.4f}"}}


def _least(values: list[Any]) -> dict[str, Any]:
    return decimal(min(_numbers(values)).quantize(_QUANTUM, ROUND_FLOOR))


def _most(values: list[Any]) -> dict[str, Any]:
    return decimal(max(_numbers(values)).quantize(_QUANTUM, ROUND_CEILING))


def _length(values: list[Any]) -> int:
    return max(map(len, _texts(values)), default=0)


def _shortest(values: list[Any]) -> int:
    return min(map(len, _texts(values)), default=0)


_DERIVE: Final[dict[str, Callable[[list[Any]], Any]]] = {
    "path": _path,
    "within": _within,
    "around": _around,
    "hosts": _hosts,
    "domains": _domains,
    "texts": _distinct,
    "statements": _statements,
    "least": _least,
    "most": _most,
    "items": len,
    "length": _length,
    "shortest": _shortest,
}
