"""The format described for machines: its JSON Schema for editors, and the difference of two configurations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Final

from pydantic import ConfigDict, TypeAdapter

from keepgate.config.settings import Document

SCHEMA_URL: Final = "https://json-schema.org/draft/2020-12/schema"


@cache
def adapter(*, documented: bool = False) -> TypeAdapter[Document]:
    """The validator of the file. `documented` reads the descriptions from the source, which takes ten times as long."""
    # pydantic looks for this on the class it validates; setting it here keeps `settings` plain dataclasses.
    Document.__pydantic_config__ = ConfigDict(extra="forbid", use_attribute_docstrings=documented)  # type: ignore[attr-defined]
    return TypeAdapter(Document)


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the configuration file, as committed in `docs/keepgate.schema.json`."""
    schema = {"$schema": SCHEMA_URL, **adapter(documented=True).json_schema(), "title": "keepgate.yaml"}
    for each in (schema, *schema["$defs"].values()):
        _tidy(each)
    return schema


def _tidy(schema: dict[str, Any]) -> None:
    """Close mappings whose keys have a pattern, and drop the titles that pydantic derives from the names."""
    for each in schema.get("properties", {}).values():
        each.pop("title", None)
        if "patternProperties" in each:
            each["additionalProperties"] = False


def diff(old: object, new: object) -> tuple[str, ...]:
    """Dotted paths of what differs between two Settings, sorted: `access.roles.analyst.allow`, `servers.files`.

    Names only, never values. A whole entry is named when it was added or removed.
    """
    return tuple(sorted(_diff(old, new)))


def _diff(old: object, new: object, path: str = "") -> set[str]:
    if old == new:
        return set()
    before, after = _members(old), _members(new)
    if before is None or after is None:
        return {path}
    found: set[str] = set()
    for key in before.keys() | after.keys():
        below = f"{path}.{key}" if path else key
        both = key in before and key in after
        found |= _diff(before[key], after[key], below) if both else {below}
    return found


def _members(value: object) -> Mapping[str, object] | None:
    if isinstance(value, Mapping):
        return value
    if is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in fields(value) if each.compare}
    return None
