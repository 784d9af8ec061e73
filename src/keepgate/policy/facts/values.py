"""The values of one argument: a key, or a path of keys through objects and lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from keepgate.model.folding import folded

MOST: Final = 1000
"""Values of one argument that are looked at; of more nothing is said."""


class Unclear(Exception):  # noqa: N818 - control flow inside of this package: nothing can be said about these values
    """The values cannot be told for certain."""


def values_of(arguments: Mapping[str, Any], name: str) -> list[Any] | None:
    """The scalars at `name` (`amount`, `payment.amount`), those in lists included; None if there is no such argument.

    Null counts as not given. Raises Unclear for objects in the place of values, for more than `MOST` values, if only
    some of several objects have the key, if the whole `name` is a key as well as a path, and if there is a key that a
    server may take for it: some ignore case, and take the last of two.
    """
    head, dot, _ = name.partition(".")
    if resembled(arguments, name) or (dot and resembled(arguments, head)):
        raise Unclear
    if not dot or name in arguments:
        if dot and head in arguments:
            raise Unclear
        given = arguments.get(name)
        return None if given is None else _flat([given])
    level: list[Any] = [arguments]
    for part in name.split("."):
        found = [each.get(part) for each in level if isinstance(each, dict) and not resembled(each, part)]
        missing = sum(each is None for each in found)
        if len(found) != len(level) or (missing and missing != len(found)):
            raise Unclear
        if missing:
            return None
        level = _spread(found)
    return _flat(level)


def resembled(arguments: Mapping[str, Any], name: str) -> bool:
    """Whether there is another spelling of the key `name` among these, whether or not it is there itself."""
    plain = folded(name)
    return any(folded(key) == plain for key in arguments if key != name)


def _spread(values: list[Any]) -> list[Any]:
    """Each list replaced by its elements."""
    out: list[Any] = []
    for value in values:
        out.extend(value if isinstance(value, list) else (value,))
        if len(out) > MOST:
            raise Unclear
    return out


def _flat(values: list[Any]) -> list[Any]:
    values = _spread(values)
    if any(isinstance(each, dict | list) or each is None for each in values):
        raise Unclear
    return values
