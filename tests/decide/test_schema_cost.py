"""The bound on a check: never below what it really takes, and no obstacle for ordinary schemas and values."""

import time

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepgate.decide.schema_cost import BUDGET, LEVELS, cost_of
from keepgate.decide.schemas import Validator
from keepgate.model.contract import SchemaError


def deep(levels, key="a"):
    value = 1
    for _ in range(levels):
        value = {key: value}
    return value


def doubling(levels):
    defs = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    defs = {name: {"allOf": [dict(sub) for sub in each["allOf"]]} for name, each in defs.items()}
    return {"$defs": {**defs, f"d{levels}": {"type": "string"}}, "$ref": "#/$defs/d0"}


NODE = {"$ref": "#/$defs/n"}
FORKED = {
    "$defs": {
        "n": {"anyOf": [{"properties": {"a": NODE, "t": {"const": 1}}}, {"properties": {"a": dict(NODE)}}]}
    },
    **NODE,
}
ANY_JSON = {
    "$defs": {"n": {"anyOf": [{"type": "string"}, {"items": dict(NODE)}, {"additionalProperties": dict(NODE)}]}},
    **NODE,
}  # fmt: skip
FILTER = {
    "$defs": {
        "n": {"anyOf": [{"properties": {word: {"items": dict(NODE)}}} for word in ("and", "or", "not")]}
    },
    **NODE,
}
ROWS = {
    "items": {
        "type": "object",
        "properties": {f"c{n}": {"type": "string"} for n in range(20)},
        "required": ["c1"],
    }
}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (ROWS, [{f"c{n}": "x" for n in range(20)} for _ in range(10_000)]),
        (ANY_JSON, deep(60)),
        (FILTER, deep(40, "and")),
        (FORKED, deep(9)),
        ({"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}}, deep(100, "left")),
        ({"type": "string"}, "x" * 4_000_000),
        ({"properties": {f"p{n}": {"type": "string"} for n in range(3000)}}, {"p1": "x"}),
    ],
    ids=["rows", "json", "filter", "forked", "tree", "text", "wide"],
)
def test_what_people_write_is_checked(schema, value):
    cost_of(schema).check(value)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (doubling(25), "x"),
        (FORKED, deep(40)),
        ({"items": {"enum": [[n] for n in range(4000)]}}, [[1]] * 10_000),
        ({"patternProperties": {f"^k{n}x": {} for n in range(200)}}, {f"z{n}": 1 for n in range(50_000)}),
        ({"items": {"allOf": [{"pattern": f"(a|b){{{n}}}"} for n in range(100)]}}, ["a" * 4_000_000]),
    ],
    ids=["doubling", "forked", "enum", "patterns", "long"],
)
def test_what_would_take_long_is_refused_at_once(schema, value):
    start = time.process_time()
    with pytest.raises(SchemaError, match="too long"):
        cost_of(schema).check(value)
    assert time.process_time() - start < 20


def test_a_server_cannot_hold_us_up_with_three_lines_of_schema():
    """2^40 checks of one string: found out before the first."""
    start = time.process_time()
    with pytest.raises(SchemaError):
        Validator(doubling(40)).faults("x")
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {
            "$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"if": {"$ref": "#/$defs/a"}}},
            "$ref": "#/$defs/a",
        },
    ],
)
def test_what_refers_to_itself_in_place_is_refused(schema):
    with pytest.raises(SchemaError, match="without end"):
        cost_of(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {f"p{n}": {"$ref": "#", "minProperties": n} for n in range(2000)}},
        {
            "allOf": [
                {"properties": {f"p{n}": {} for n in range(99)}, "additionalProperties": {}}
                for _ in range(90)
            ]
        },
        {
            "$defs": {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}]} for n in range(900)} | {"d900": {}},
            "$ref": "#/$defs/d0",
        },
    ],
    ids=["wide", "rests", "chain"],
)
def test_finding_it_out_takes_no_time_either(schema):
    start = time.process_time()
    with pytest.raises(SchemaError):
        cost_of(schema)
    assert time.process_time() - start < 20


def test_small_values_are_not_even_walked():
    class Unlooked(dict):
        def values(self):
            raise AssertionError

    validator = Validator(ROWS)
    assert validator.faults(Unlooked(), 200) == ()
    with pytest.raises(AssertionError):
        validator.faults(Unlooked(), BUDGET)


def test_depth_beyond_what_was_followed_is_refused_only_where_it_grows():
    with pytest.raises(SchemaError):
        cost_of(FORKED).check(deep(LEVELS + 5))
    cost_of(ANY_JSON).check(deep(LEVELS + 50))


schemas = st.recursive(
    st.sampled_from(
        [True, {"type": "string"}, {"type": "object"}, {"enum": [1, "a"]}, {"$ref": "#/$defs/d"}]
    ),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"properties": st.dictionaries(st.sampled_from("ab"), inner, max_size=2)}),
        st.fixed_dictionaries({"items": inner}),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"additionalProperties": inner, "properties": st.just({"a": True})}),
        st.fixed_dictionaries({"allOf": st.lists(inner, min_size=1, max_size=2), "not": inner}),
    ),
    max_leaves=8,
)
values = st.recursive(
    st.sampled_from(["x", 1, None]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)


def count(schema, value, root, budget=200_000):
    """How many schemas are held against how many places if nothing is cut short: what the bound must not fall below."""
    if budget <= 0 or not isinstance(schema, dict):
        return 1
    total = 1
    for sub in [*schema.get("anyOf", ()), *schema.get("allOf", ())]:
        total += count(sub, value, root, budget - total)
    if "not" in schema:
        total += count(schema["not"], value, root, budget - total)
    if "$ref" in schema:
        total += count(root["$defs"]["d"], value, root, budget - total) - 1
    if isinstance(value, dict):
        named = schema.get("properties", {})
        for key, member in value.items():
            if key in named:
                total += count(named[key], member, root, budget - total)
            elif "additionalProperties" in schema:
                total += count(schema["additionalProperties"], member, root, budget - total)
    if isinstance(value, list) and "items" in schema:
        for item in value:
            total += count(schema["items"], item, root, budget - total)
    return total


@settings(max_examples=300, deadline=None)
@given(schemas, schemas, values)
def test_the_bound_is_a_bound(schema, definition, value):
    root = {"allOf": [schema], "$defs": {"d": definition}}
    try:
        cost = cost_of(root)
    except SchemaError:
        return
    steps, level, depth = 0, [value], 0
    while level:
        steps += cost._at(depth) * len(level)
        level = [
            x
            for each in level
            for x in (each.values() if isinstance(each, dict) else each if isinstance(each, list) else ())
        ]
        depth += 1
    assert count(root, value, root) <= steps
    jsonschema_rs.validator_for(root, offline=True).is_valid(value)
