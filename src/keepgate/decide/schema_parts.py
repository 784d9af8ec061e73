"""The parts of a JSON Schema: which keywords hold schemas, and what references lead to. Nothing is fetched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from keepgate.model.contract import SchemaError
from keepgate.model.message import Json

LISTS: Final = frozenset("allOf anyOf oneOf prefixItems items".split())
ONE: Final = frozenset(
    "additionalItems additionalProperties contains contentSchema else if items not propertyNames then "
    "unevaluatedItems unevaluatedProperties".split()
)
MAPS: Final = frozenset(
    "$defs definitions dependencies dependentSchemas patternProperties properties".split()
)
"""Keywords that hold a list of schemas, one schema, schemas by name. The values of all others are data."""

_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
_ANCHORS: Final = ("$anchor", "$dynamicAnchor")


def subschemas(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and all that are written in it, the unused ones too."""
    if not isinstance(schema, dict):
        return
    yield schema
    for keyword, value in schema.items():
        if keyword in MAPS and isinstance(value, dict):
            for sub in value.values():
                yield from subschemas(sub)
        elif keyword in LISTS and isinstance(value, list):
            for sub in value:
                yield from subschemas(sub)
        elif keyword in ONE:
            yield from subschemas(value)


def patterned(root: Any) -> tuple[dict[str, int], int]:
    """How many patterns a text of a value may be held against: by property of the root, and wherever it stands."""
    everywhere = _patterns(root)
    named: dict[str, int] = {}
    properties = root.get("properties") if isinstance(root, dict) else None
    if isinstance(properties, dict) and not targets(root):
        named = {name: _patterns(sub) for name, sub in properties.items()}
        everywhere -= sum(named.values())
    return named, everywhere


def _patterns(root: Any) -> int:
    return sum(
        ("pattern" in schema) + len(schema.get("patternProperties") or ()) for schema in subschemas(root)
    )


def targets(root: Any) -> dict[str, Any]:
    """Every reference in a schema to what it means. Raises SchemaError for one that leads out of it or nowhere."""
    anchors: dict[str, Any] = {}
    wanted: set[str] = set()
    for schema in subschemas(root):
        own = schema.get("$id", schema.get("id"))
        if schema is not root and isinstance(own, str) and not own.startswith("#"):
            raise SchemaError("a part of it has an `$id` of its own")
        if isinstance(own, str) and own.startswith("#"):
            anchors[own[1:]] = schema
        anchors |= {schema[key]: schema for key in _ANCHORS if isinstance(schema.get(key), str)}
        wanted |= {schema[key] for key in _REFERENCES if isinstance(schema.get(key), str)}
    base = root.get("$id", "") if isinstance(root, dict) else ""
    return {reference: _target(root, reference, base, anchors) for reference in wanted}


def _target(root: Any, reference: str, base: Any, anchors: dict[str, Any]) -> Any:
    start, _, fragment = reference.partition("#")
    if start and start != (base.partition("#")[0] if isinstance(base, str) else ""):
        raise SchemaError("it refers to something outside of itself, which is not fetched")
    fragment = _unquoted(fragment)
    if fragment.startswith("/"):
        return _pointed(root, fragment)
    if not fragment:
        return root
    if fragment not in anchors:
        raise SchemaError("it refers to a part that it does not have")
    return anchors[fragment]


def _pointed(root: Json, path: str) -> Json:
    value = root
    for step in path[1:].split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdecimal() and len(name) < 6 and int(name) < len(value):
            value = value[int(name)]
        else:
            raise SchemaError("it refers to a part that it does not have")
    return value


def _unquoted(fragment: str) -> str:
    """Percent-encoding of a URI fragment undone."""
    first, *rest = fragment.encode().split(b"%")
    try:
        return b"".join((first, *(bytes.fromhex(part[:2].decode()) + part[2:] for part in rest))).decode()
    except ValueError as error:
        raise SchemaError("it refers to a part that it does not have") from error
