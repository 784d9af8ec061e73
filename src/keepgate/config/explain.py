"""Turns what the validator found into what a person can act on: file, line, column, cause, cure.

Values are not repeated here: the wrong one may be a secret that slipped into the wrong place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from pydantic_core import ErrorDetails

from keepgate.config.tree import Path, Tree
from keepgate.model.errors import ConfigError

LATER: Final = frozenset(
    """
    catalogue cedar checklist classification dashboard detect
    detectors egress identity_providers metrics mtls notify oauth observe otel packages
    policy quotas redis replicas retention seal telemetry tenants
    tracing valkey webhooks
    """.split()
)
"""Keys that later versions bring. Silently accepting one would be a promise that nothing keeps."""

_TEXTS: Final = {
    "missing": "is missing",
    "string_type": "must be text: put it in quotes",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be `true` or `false`",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping: `key: value` lines",
    "mapping_type": "must be a mapping: `key: value` lines",
    "dataclass_type": "must be a mapping: `key: value` lines",
    "path_type": "must be a path",
    "literal_error": "must be {expected}",
    "string_pattern_mismatch": "has a character that is not allowed here, or is too long: it must match {pattern}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "value_error": "{error}",
}

ENTRY_FORMS: Final = ("str", "Conditional")
_ENTRY: Final = 5
"""Where the form stands in `access.roles.<role>.allow.<number>.<form>`."""

Problem = tuple[str, str]
"""Where (`file:line:column`) and what."""


def raise_for(problems: Iterable[Problem]) -> None:
    """Raise one ConfigError with every problem, one a line in the order of the file; return if there is none."""
    ordered = sorted(dict.fromkeys(problems), key=lambda each: [int(n) for n in each[0].rsplit(":", 2)[1:]])
    if ordered:
        (where, what), *others = ordered
        raise ConfigError("\n".join((what, *(f"{place}: {text}" for place, text in others))), where=where)


def problem(error: ErrorDetails, tree: Tree, schema: Mapping[str, Any]) -> Problem:
    """One error of the validator, in words. `schema` is the JSON Schema of the file."""
    path = _plain(error["loc"])
    key = str(path[-1]) if path else ""
    if error["type"] == "unexpected_keyword_argument":
        return tree.where(path, key=True), _unknown(key, known_keys(schema, path[:-1]))
    if error["type"] == "missing":
        return tree.where(path[:-1]), f"`{_dotted(path)}` is missing"
    text = _TEXTS.get(error["type"], "is not valid here").format(**error.get("ctx", {}))
    return tree.where(
        path, key="[key]" in error["loc"]
    ), f"`{_dotted(path)}` {text}" if path else f"the file {text}"


def _plain(loc: tuple[int | str, ...]) -> Path:
    """The place in the file, without what the validator adds: `[key]`, and which form of an entry it tried."""
    return tuple(
        part
        for number, part in enumerate(loc)
        if part != "[key]" and not (part in ENTRY_FORMS and number == _ENTRY and loc[:1] == ("access",))
    )


def suggest(word: str, known: Iterable[str]) -> str:
    """`, did you mean ...` or the known words, for the end of a message."""
    names = sorted(known)
    if close := get_close_matches(word, names, n=1):
        return f": did you mean `{close[0]}`?"
    return f": known are {', '.join(f'`{each}`' for each in names)}" if names else ""


def known_keys(schema: Mapping[str, Any], path: Path) -> list[str]:
    """The keys that the JSON Schema knows at `path`."""
    node: Mapping[str, Any] = schema
    for part in path:
        node = _follow(schema, node)
        if isinstance(part, int):
            node = node.get("items", {})
        else:
            free = (*node.get("patternProperties", {}).values(), node.get("additionalProperties"))
            node = node.get("properties", {}).get(part) or next(filter(None, free), {})
    return list(_follow(schema, node).get("properties", {}))


def _follow(schema: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a `$ref`, alone or in an optional, stands for."""
    options = [node, *node.get("anyOf", ())]
    target = next((option["$ref"] for option in options if "$ref" in option), "")
    return schema["$defs"][target.removeprefix("#/$defs/")] if target else node


def _unknown(key: str, known: list[str]) -> str:
    if key in LATER:
        return f"this version does not honour `{key}` yet: remove it, so that nothing relies on it"
    return f"unknown key `{key}`{suggest(key, known)}"


def _dotted(path: Path) -> str:
    return ".".join(str(part) for part in path)
