"""The arguments of a tool as Cedar types: what its `inputSchema` promises, as far as Cedar can say it.

Used when a policy reads `context.input`. Only what is declared reaches Cedar, in the declared type: so no key of a
caller is ever taken for one of Cedar's own (`__entity`, `__extn`), and a number is a number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from keepgate.policy.cedar import literal
from keepgate.policy.facts.derive import decimal
from keepgate.policy.facts.values import resembled

DEPTH: Final = 4
"""Records in each other."""
MEMBERS: Final = 100
"""Attributes of one record."""
ITEMS: Final = 1000
"""Elements of a set."""
_OURS: Final = frozenset(("__entity", "__extn", "__expr"))
_PLAIN: Final = {"string": "String", "integer": "Long", "boolean": "Bool", "number": "decimal"}


class MismatchError(ValueError):
    """An argument that is not of its declared type."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One type. `kind` is String, Long, Bool, decimal, Set or Record."""

    kind: str
    element: Shape | None = None
    """Of a set."""
    members: Mapping[str, Shape] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    left_out: tuple[str, ...] = ()
    """Paths of what Cedar cannot say, with the reason."""

    def cedar(self, *, only: Collection[str] | None = None) -> str:
        """As Cedar writes it; of a record, if given, `only` these attributes."""
        if self.element is not None:
            return f"Set<{self.element.cedar()}>"
        if self.kind != "Record":
            return self.kind
        told = (
            f"{literal(name)}{'' if name in self.required else '?'}: {shape.cedar()}"
            for name, shape in sorted(self.members.items())
            if only is None or name in only
        )
        return f"{{ {', '.join(told)} }}"

    def value(self, given: Any, *, only: Collection[str] | None = None) -> Any:
        """A value in Cedar's JSON form; what is not declared, and null, is left out. Raises MismatchError."""
        if self.kind == "Record":
            return self._record(given, only)
        if self.element is not None:
            if not isinstance(given, list) or len(given) > ITEMS:
                raise MismatchError("it is not a list, or too long")
            return [self.element.value(each) for each in given]
        return _scalar(self.kind, given)

    def _record(self, given: Any, only: Collection[str] | None) -> dict[str, Any]:
        if not isinstance(given, dict):
            raise MismatchError("it is not an object")
        out = {}
        for name, shape in self.members.items():
            if only is not None and name not in only:
                continue
            if resembled(given, name):
                raise MismatchError(f"`{name}` is there in another spelling")
            value = given.get(name)
            if value is not None:
                try:
                    out[name] = shape.value(value)
                except MismatchError as error:
                    raise MismatchError(f"`{name}`: {error}") from None
            elif name in self.required:
                raise MismatchError(f"`{name}` is missing")
        return out


def shape_of(schema: Any) -> Shape:
    """The type of `context.input` for a tool with this `inputSchema`. Never raises: what cannot be said is left out."""
    found, left_out = _record(schema, schema, (), 0)
    return Shape("Record", members=found.members, required=found.required, left_out=tuple(left_out))


def _record(root: Any, schema: Any, path: tuple[str, ...], depth: int) -> tuple[Shape, list[str]]:
    members: dict[str, Shape] = {}
    left_out: list[str] = []
    given = schema.get("properties") if isinstance(schema, dict) else None
    properties = given if isinstance(given, dict) else {}
    needed = schema.get("required") if isinstance(schema, dict) else None
    required = {each for each in needed if isinstance(each, str)} if isinstance(needed, list) else set()
    for number, (name, part) in enumerate(properties.items()):
        where = ".".join((*path, name))[:200]
        if name in _OURS or number >= MEMBERS:
            left_out.append(f"{where}: a key of Cedar's own" if name in _OURS else f"{where}: too many")
            continue
        shape, nullable, why = _shape(root, part, (*path, name), depth + 1)
        if shape is None:
            left_out.append(f"{where}: {why}")
            continue
        members[name] = shape
        left_out += shape.left_out
        if nullable:
            required.discard(name)
    return Shape("Record", members=members, required=frozenset(required & members.keys())), left_out


def _shape(root: Any, part: Any, path: tuple[str, ...], depth: int) -> tuple[Shape | None, bool, str]:
    """The type, whether null may stand for it, and why there is none."""
    part, nullable = _resolved(root, part)
    if not isinstance(part, dict) or depth > DEPTH:
        return None, False, "nested too deep" if isinstance(part, dict) else "no type"
    kinds = {each for each in _kinds(part) if each != "null"}
    nullable = nullable or "null" in _kinds(part)
    if len(kinds) != 1:
        return None, False, "several types" if kinds else "no type"
    kind = kinds.pop()
    if kind in _PLAIN:
        return Shape(_PLAIN[kind]), nullable, ""
    if kind == "object":
        found, left_out = _record(root, part, path, depth)
        return (
            Shape("Record", members=found.members, required=found.required, left_out=tuple(left_out)),
            nullable,
            "",
        )
    if kind == "array":
        element, inner_null, why = _shape(root, part.get("items"), path, depth + 1)
        if element is None or inner_null:
            return None, False, f"its elements: {why or 'null'}"
        return Shape("Set", element), nullable, ""
    return None, False, "no type"


def _resolved(root: Any, part: Any) -> tuple[Any, bool]:
    """What a local `$ref`, or a choice between null and one other, stands for."""
    nullable = False
    for _ in range(DEPTH * 2):
        if not isinstance(part, dict):
            break
        reference = part.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/"):
            part = _pointed(root, reference)
            continue
        choices = next((part[key] for key in ("anyOf", "oneOf") if isinstance(part.get(key), list)), None)
        if choices is None or "type" in part:
            return part, nullable
        others = [each for each in choices if not (isinstance(each, dict) and each.get("type") == "null")]
        if len(others) != 1:
            return {}, nullable
        nullable, part = nullable or len(others) < len(choices), others[0]
    return None, nullable


def _pointed(root: Any, reference: str) -> Any:
    for step in reference[2:].split("/"):
        if not isinstance(root, dict):
            return None
        root = root.get(step.replace("~1", "/").replace("~0", "~"))
    return root


def _kinds(part: dict[str, Any]) -> Iterator[str]:
    given = part.get("type")
    if isinstance(given, str):
        yield given
    elif isinstance(given, list):
        yield from (each for each in given if isinstance(each, str))
    else:  # a server that lists values without their type
        values = (
            part["enum"] if isinstance(part.get("enum"), list) else [part["const"]] if "const" in part else []
        )
        yield from (_KIND_OF.get(type(value), "other") for value in values)


_KIND_OF: Final = {str: "string", int: "integer", bool: "boolean", float: "number", type(None): "null"}


def _scalar(kind: str, given: Any) -> Any:
    if kind == "String" and isinstance(given, str):
        return given
    if kind == "Bool" and isinstance(given, bool):
        return given
    if kind == "Long" and type(given) in (int, float) and given == given // 1 and -(2**63) <= given < 2**63:
        return int(given)
    if kind == "decimal" and type(given) in (int, float):
        return _decimal(given)
    raise MismatchError(f"it is not {kind}")


def _decimal(given: float) -> dict[str, Any]:
    exact = Decimal(repr(given))
    if not exact.is_finite() or abs(exact) * 10_000 >= 2**63 or exact != round(exact, 4):
        raise MismatchError("it has more than four digits after the point, or is too large")
    return decimal(exact)
