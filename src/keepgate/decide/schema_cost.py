"""How long checking a value against a schema may take, found out beforehand: a schema is a server's text.

Applied in place (`allOf`, `$ref`, ...) a few lines of schema can stand for billions of checks, and a recursive one can
double the work with every level of the value. So the work is bounded from above: for each depth of a value, the most
schema that can apply at one place there; times the places that a value has at that depth. One step is one keyword or
value of the schema held against one value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from keepgate.decide.schema_parts import LISTS, MAPS, ONE, targets
from keepgate.model.contract import SchemaError
from keepgate.model.message import Json

BUDGET: Final = 2_000_000
"""Steps for one value: a tenth of a second, as a rule; less than a second for the worst of schemas."""
LEVELS: Final = 24
"""Depth of values up to which a recursive schema is followed."""
ENTANGLED: Final = 20_000
"""Pairs of schemas that apply together."""
_CHAIN: Final = 200
_MOST: Final = 10**12
_STRING: Final = 256
"""Characters of a string that count as one value more: patterns read all of it."""

_IN_PLACE: Final = frozenset(
    "$ref $dynamicRef $recursiveRef allOf anyOf oneOf not if then else dependentSchemas dependencies".split()
)
_ITEMS: Final = frozenset("items additionalItems unevaluatedItems contains".split())
_ALIAS: Final = frozenset("$ref $comment title description default examples deprecated".split())
_OTHERS: Final = frozenset("patternProperties unevaluatedProperties propertyNames".split())

Weights = dict[int, int]
"""Number of a schema to how often it applies."""
Place = list[tuple[int, int]]
"""The schemas that apply at one place, each with how often; one may stand there twice."""


class Cost:
    """The most steps at one place, by depth of the place."""

    __slots__ = ("_levels", "_repeats", "small")

    def __init__(self, levels: list[int], *, repeats: bool) -> None:
        self._levels = levels
        self._repeats = repeats
        """The last level stands for all that are deeper; else there are none."""
        self.small = BUDGET // max(levels)
        """Bytes of JSON text that need no further look: no byte is more than one value."""

    def check(self, value: Json) -> None:
        """Raises SchemaError if checking `value` might take too long."""
        steps, level = 0, [value]
        for depth in range(_MOST):
            at = self._at(depth)
            if at == 0 or not level:
                return
            steps += at * sum(1 + len(each) // _STRING if isinstance(each, str) else 1 for each in level)
            if steps > BUDGET:
                raise SchemaError("checking this value would take too long")
            level = [inner for each in level for inner in _inside(each)]

    def _at(self, depth: int) -> int:
        if depth < len(self._levels):
            return self._levels[depth]
        return self._levels[-1] if self._repeats else _MOST


def _inside(value: Json) -> Iterator[Json]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def cost_of(schema: Json) -> Cost:
    """Raises SchemaError for a schema that refers to what is not in it, or to itself without end."""
    graph = _Graph(schema)
    first = now = {number: graph.weight(number) for number in graph.reached}
    levels = [now[0]]
    for _ in range(LEVELS):
        now = {number: graph.below(number, now) for number in graph.reached}
        levels.append(now[0])
        if not any(now.values()):
            return Cost(levels, repeats=True)
    return _recursive(graph, first, levels)


def _recursive(graph: _Graph, most: dict[int, int], levels: list[int]) -> Cost:
    """A schema without end: if the most of all levels comes to rest it holds for all that follow, else it grows."""
    for _ in range(LEVELS):
        higher = {number: max(weight, graph.below(number, most)) for number, weight in most.items()}
        if higher == most:
            return Cost([*levels, most[0]], repeats=True)
        most = higher
    return Cost(levels, repeats=False)


class _Graph:
    """The schemas that can apply somewhere, by number: what each weighs, and what applies one level below it."""

    def __init__(self, root: Json) -> None:
        self._schemas: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._targets = targets(root)
        self._together: dict[int, Weights] = {}
        self._places: dict[int, list[Place]] = {}
        self._left = ENTANGLED
        self.reached: list[int] = []
        """Those that apply by themselves at some place; the root is 0."""
        waiting = [self._number(root)]
        while waiting:
            number = waiting.pop()
            if number in self._places:
                continue
            self.reached.append(number)
            places = self._places[number] = self._below(self._closure(number, 0))
            waiting.extend({child for place in places for child, _ in place})

    def _number(self, schema: Any) -> int:
        for _ in range(_CHAIN):
            if not (isinstance(schema, dict) and "$ref" in schema and schema.keys() <= _ALIAS):
                break
            schema = self._targets[schema["$ref"]]  # nothing but another name for it
        number = self._numbers.setdefault(id(schema), len(self._schemas))
        if number == len(self._schemas):
            self._schemas.append(schema)
        return number

    def _spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise SchemaError("its parts refer to each other too often")

    def _closure(self, number: int, chain: int) -> Weights:
        """What applies at the same place: how often each schema does."""
        known = self._together.get(number)
        if known is not None:
            if not known:
                raise SchemaError("it refers to itself without end")
            return known
        if chain > _CHAIN:
            raise SchemaError("its parts refer to each other too often")
        self._together[number] = {}  # empty: being worked on
        found: Weights = {number: 1}
        schema = self._schemas[number]
        for sub in self._parts(schema, _IN_PLACE):
            for other, times in self._closure(self._number(sub), chain + 1).items():
                found[other] = min(found.get(other, 0) + times, _MOST)
        self._spend(len(found))
        self._together[number] = found
        return found

    def _parts(self, schema: Any, keywords: frozenset[str]) -> Iterator[Any]:
        if not isinstance(schema, dict):
            return
        for keyword in keywords & schema.keys():
            value = schema[keyword]
            if keyword.endswith(("Ref", "ref")):
                yield self._targets[value]
            elif keyword in MAPS and isinstance(value, dict):
                yield from (sub for sub in value.values() if isinstance(sub, dict | bool))
            elif keyword in LISTS and isinstance(value, list):
                yield from value
            elif keyword in ONE:
                yield value

    def _below(self, together: Weights) -> list[Place]:
        """For each kind of place one level down: the schemas that apply there, and how often."""
        members = [
            (schema, times) for n, times in together.items() if isinstance(schema := self._schemas[n], dict)
        ]
        items = [
            (self._number(sub), times) for schema, times in members for sub in self._parts(schema, _ITEMS)
        ]
        others = [
            (self._number(sub), times) for schema, times in members for sub in self._parts(schema, _OTHERS)
        ]
        rests = [
            (schema.get("properties") or {}, self._number(schema["additionalProperties"]), times)
            for schema, times in members
            if "additionalProperties" in schema
        ]
        named: dict[str, Place] = {}
        positions: dict[int, Place] = {}
        for schema, times in members:
            for name, sub in (schema.get("properties") or {}).items():
                named.setdefault(name, []).append((self._number(sub), times))
            for at, sub in enumerate(schema.get("prefixItems") or ()):
                positions.setdefault(at, []).append((self._number(sub), times))
        self._spend(
            (len(named) + 1) * (len(others) + len(rests) + 1) + (len(positions) + 1) * (len(items) + 1)
        )
        places = [items, [*others, *((rest, times) for _, rest, times in rests)]]
        for name, own in named.items():
            # `additionalProperties` does not apply to what the same schema names.
            places.append(
                [*own, *others, *((rest, times) for names, rest, times in rests if name not in names)]
            )
        places.extend([*own, *items] for own in positions.values())
        return [place for place in places if place]

    def weight(self, number: int) -> int:
        """Steps at the place itself."""
        return min(
            sum(times * _own(self._schemas[each]) for each, times in self._together[number].items()), _MOST
        )

    def below(self, number: int, weights: Mapping[int, int]) -> int:
        """The most steps at one place a level down, if `weights` are those of the level above it."""
        sums = (sum(weights[child] * times for child, times in place) for place in self._places[number])
        return min(max(sums, default=0), _MOST)


def _own(schema: Any) -> int:
    """Keywords and data of one schema, without the schemas in it."""
    if not isinstance(schema, dict):
        return 1
    own = 1
    for keyword, value in schema.items():
        if keyword in MAPS or keyword in LISTS or keyword in ONE:
            own += len(value) if isinstance(value, dict | list) and keyword not in ONE else 1
        else:
            own += _values(value)
    return own


def _values(value: Json) -> int:
    return 1 + sum(map(_values, _inside(value)))
