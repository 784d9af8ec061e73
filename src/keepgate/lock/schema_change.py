"""How one JSON Schema differs from another, as far as its structure tells: what is taken now that was not before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from keepgate.model.message import Json

NEW, WIDER, NARROWER, OTHER, COSMETIC, TEXT = (
    "new parameter",
    "widened schema",
    "narrowed schema",
    "changed schema",
    "cosmetic",
    "changed text",
)
"""Names of the classes of `keepgate.lock.compare`."""

Found = tuple[str, str, Json, Json]
"""Class, JSON pointer below the schema, before, after."""

MAX_DEPTH = 32

_NOTES = frozenset(("title", "description", "examples", "$comment", "default", "deprecated"))
"""Keywords that allow and refuse nothing; a model reads them."""
_UPPER = frozenset(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"))
_LOWER = frozenset(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"))
_LIMITS = frozenset(("pattern", "format", "const", "uniqueItems", "multipleOf", "contentEncoding"))
_LISTS = frozenset(("anyOf", "oneOf"))


def schema_changes(was: Mapping[str, Json], is_: Mapping[str, Json]) -> Iterator[Found]:
    """Every difference. Two schemas that are equal as values have none."""
    yield from _walk(was, is_, "", 0)


def _walk(was: Mapping[str, Json], is_: Mapping[str, Json], place: str, depth: int) -> Iterator[Found]:
    for key in [*was, *(key for key in is_ if key not in was)]:
        one, other = was.get(key), is_.get(key)
        if key in was and key in is_ and one == other:
            continue
        here = f"{place}/{_token(key)}"
        if depth >= MAX_DEPTH:
            yield OTHER, here, one, other
        elif key in ("properties", "$defs", "definitions", "patternProperties"):
            yield from _members(one, other, here, depth, new=NEW if key == "properties" else OTHER)
        elif isinstance(one, dict) and isinstance(other, dict):
            yield from _walk(one, other, here, depth + 1)
        else:
            yield _keyword(key, one, other, present=(key in was, key in is_)), here, one, other


def _members(one: Json, other: Json, place: str, depth: int, *, new: str) -> Iterator[Found]:
    one = one if isinstance(one, dict) else {}
    other = other if isinstance(other, dict) else {}
    for name in [*one, *(name for name in other if name not in one)]:
        before, after = one.get(name), other.get(name)
        here = f"{place}/{_token(name)}"
        if name not in one:
            yield new, here, None, after
        elif name not in other:
            yield NARROWER, here, before, None
        elif isinstance(before, dict) and isinstance(after, dict):
            yield from _walk(before, after, here, depth + 1)
        elif before != after:
            yield OTHER, here, before, after


def _keyword(key: str, one: Json, other: Json, *, present: tuple[bool, bool]) -> str:
    if key in _NOTES:
        return TEXT
    if key == "required":
        return _sets(other, one)
    if key in ("enum", "type"):
        return _sets(one, other) if all(present) else (WIDER if present[0] else NARROWER)
    if key == "additionalProperties":
        return WIDER if other is not False else NARROWER
    if key in _LISTS and isinstance(one, list) and isinstance(other, list):
        return _subsets(one, other)
    if key in _UPPER or key in _LOWER:
        return _bound(one, other, upper=key in _UPPER)
    if key in _LIMITS and not all(present):
        return WIDER if present[0] else NARROWER
    return OTHER


def _bound(one: Json, other: Json, *, upper: bool) -> str:
    if other is None:
        return WIDER
    if one is None:
        return NARROWER
    if not isinstance(one, int | float) or not isinstance(other, int | float):
        return OTHER
    return WIDER if (other > one) == upper else NARROWER


def _sets(one: Json, other: Json) -> str:
    """From the values `one` to the values `other`: more is wider. A single value counts as a list of it."""
    first = one if isinstance(one, list) else [] if one is None else [one]
    second = other if isinstance(other, list) else [] if other is None else [other]
    return _subsets(first, second)


def _subsets(first: list[Json], second: list[Json]) -> str:
    more = any(value not in first for value in second)
    fewer = any(value not in second for value in first)
    return OTHER if more and fewer else WIDER if more else NARROWER if fewer else COSMETIC


def _token(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
