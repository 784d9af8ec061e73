"""Compiles the schemas of a tool definition. They are a server's words, so all about them is bounded.

JSON Schema 2020-12 unless `$schema` says 4, 6, 7 or 2019-09. Nothing is fetched: a `$ref` that leads out of the schema
makes it unusable. How long a check may take is known before it is begun (`schema_cost`). Patterns run on an engine that
is linear in the text; one that needs look-around or backreferences is left out of the check (generated schemas are
full of them), and the rest of the schema counts. `format` is not checked, as the specification leaves it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import islice
from typing import Any, Final

import jsonschema_rs

from keepgate.decide.schema_cost import cost_of
from keepgate.decide.schema_parts import LISTS, MAPS, ONE, patterned
from keepgate.model.contract import Contract, SchemaError
from keepgate.model.message import Json

VALUES: Final = 10_000
"""Keys and values in one schema."""
DEPTH: Final = 64
PATTERNS: Final = 200
LONGEST: Final = 1000
"""Characters of one pattern."""
_REGEX: Final = jsonschema_rs.RegexOptions(size_limit=256 * 1024, dfa_size_limit=256 * 1024)
PATTERN_TEXT: Final = 4000
"""Characters of a result, times the patterns of its schema, up to which they are held against each other. Linear is
not fast: a server that writes both can have a character take 20 µs."""
ARGUMENT_TEXT: Final = 20_000
"""The same for arguments, where only the patterns count that a text can meet. Beyond it the check is refused: to leave
patterns out would let through what they forbid."""
_SHOWN: Final = 5
"""Faults that are named."""
_WIDE: Final = 200


def contract_of(tool: dict[str, Any]) -> Contract:
    """The compiled schemas of a listed tool. Never raises: what cannot be used says why."""
    given, why = _compiled(tool.get("inputSchema"))
    result, why_not = _compiled(tool.get("outputSchema"), wary=True)
    return Contract(given, result, why, why_not, definition=tool)


def _compiled(schema: Json, *, wary: bool = False) -> tuple[Validator | None, str]:
    if schema is None:
        return None, ""
    try:
        return Validator(schema, wary=wary), ""
    except SchemaError as error:
        return None, error.public


class Validator:
    """model.contract.Schema over jsonschema-rs. Raises SchemaError for a schema that cannot be used.

    `wary`: who wrote the schema writes the values too, so long ones are checked without its patterns.
    """

    __slots__ = (
        "_cost",
        "_everywhere",
        "_is_valid",
        "_named",
        "_patterns",
        "_small",
        "_validator",
        "_without",
        "left_out",
    )

    def __init__(self, schema: Json, *, wary: bool = False) -> None:
        self.left_out: list[str] = []
        """Patterns that the linear engine does not know."""
        if not isinstance(schema, dict | bool):
            raise SchemaError("it is not an object")
        patterns = _check_size(schema)
        self._patterns = patterns if wary else 0
        self._named, self._everywhere = patterned(schema) if patterns and not wary else ({}, 0)
        self._cost = cost_of(schema)
        self._small = self._cost.small
        try:
            self._validator = _compile(schema)
        except SchemaError:
            usable = self._without_patterns(schema, _is_linear)
            if not self.left_out:
                raise
            self._validator = _compile(usable)
        self._is_valid = self._validator.is_valid
        self._without = None
        if self._patterns:
            left_out, self.left_out = self.left_out, []
            self._without = _compile(self._without_patterns(schema, lambda _: False))
            self.left_out = left_out

    def faults(self, value: Json, size: int = 0) -> tuple[str, ...]:
        """As model.contract.Schema says."""
        if not 0 < size <= self._small:
            self._cost.check(value)
        if self._without is not None and _text(value) * self._patterns > PATTERN_TEXT:
            return tuple(_named(error) for error in islice(self._without.iter_errors(value), _SHOWN))
        if self._named or self._everywhere:
            self._check_text(value, size)
        if self._is_valid(value):
            return ()
        return tuple(_named(error) for error in islice(self._validator.iter_errors(value), _SHOWN))

    def _check_text(self, value: Json, size: int) -> None:
        """Raise SchemaError where holding texts against patterns could take long."""
        if 0 < size * (self._everywhere + sum(self._named.values())) <= ARGUMENT_TEXT:
            return
        work = _text(value) * self._everywhere if self._everywhere else 0
        if isinstance(value, dict):
            work += sum(_text(value[name]) * n for name, n in self._named.items() if name in value)
        if work > ARGUMENT_TEXT:
            raise SchemaError("what is given is too long to be held against the patterns it has")

    def _without_patterns(self, schema: Json, keep: Callable[[str], bool]) -> Json:
        """A copy without the patterns that are not to be kept."""
        if not isinstance(schema, dict):
            return schema
        out: dict[str, Any] = {}
        for key, value in schema.items():
            if key == "pattern" and isinstance(value, str) and not keep(value):
                self.left_out.append(value)
            elif key in MAPS and isinstance(value, dict):
                out[key] = {
                    name: self._without_patterns(sub, keep)
                    for name, sub in value.items()
                    if key != "patternProperties" or self._keeps(name, keep)
                }
            elif key in LISTS and isinstance(value, list):
                out[key] = [self._without_patterns(sub, keep) for sub in value]
            elif key in ONE:
                out[key] = self._without_patterns(value, keep)
            else:
                out[key] = value
        if len(out.get("patternProperties", ())) < len(schema.get("patternProperties", ())):
            # What the lost patterns described would otherwise count as additional.
            out.pop("additionalProperties", None)
            out.pop("unevaluatedProperties", None)
        return out

    def _keeps(self, pattern: str, keep: Callable[[str], bool]) -> bool:
        if keep(pattern):
            return True
        self.left_out.append(pattern)
        return False


def _compile(schema: Json) -> Any:
    try:
        return jsonschema_rs.validator_for(
            schema, validate_formats=False, pattern_options=_REGEX, offline=True, mask="the value"
        )
    except jsonschema_rs.ValidationError as error:
        where = "/".join(str(step) for step in error.instance_path)
        raise SchemaError(f"it is not a valid JSON Schema at `/{where}`"[:_WIDE]) from error
    except ValueError as error:
        raise SchemaError("it is not a valid JSON Schema") from error


def _check_size(schema: Json) -> int:
    """How many patterns there are at most. Raises SchemaError for what would take long to compile."""
    level, count, patterns = [schema], 0, 0
    for _ in range(DEPTH):
        count += len(level)
        below: list[Json] = []
        for value in level:
            if isinstance(value, dict):
                patterns += ("pattern" in value) + len(value.get("patternProperties") or ())
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
        level = below
        if not level:
            break
        if count + len(level) > VALUES:
            raise SchemaError(f"it has more than {VALUES} values")
        if patterns > PATTERNS:
            raise SchemaError(f"it has more than {PATTERNS} patterns")
    else:
        raise SchemaError(f"it is nested deeper than {DEPTH} levels")
    return patterns


def _text(value: Json) -> int:
    """Characters of all strings and keys."""
    characters, waiting = 0, [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            characters += len(each)
        elif isinstance(each, dict):
            characters += sum(map(len, each))
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
    return characters


@lru_cache(maxsize=256)
def _is_linear(pattern: str) -> bool:
    if len(pattern) > LONGEST:
        return False
    try:
        jsonschema_rs.validator_for({"pattern": pattern}, pattern_options=_REGEX, offline=True)
    except (jsonschema_rs.ValidationError, ValueError):
        return False
    return True


def _named(error: Any) -> str:
    """A fault in words, with the place; the value is masked, and text of the schema is shortened."""
    where = "/".join(str(step).replace("~", "~0").replace("/", "~1") for step in error.instance_path)
    text = f"`/{where}`: {error.message}" if where else str(error.message)
    return text if len(text) <= _WIDE else text[: _WIDE - 1] + "…"
