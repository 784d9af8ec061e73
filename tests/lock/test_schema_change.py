"""What a changed schema takes that it did not take before."""

import jsonschema_rs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keepgate.lock.schema_change import NARROWER, NEW, OTHER, TEXT, WIDER, schema_changes

OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (OBJECT, {**OBJECT, "properties": {**OBJECT["properties"], "b": {}}}, [(NEW, "/properties/b")]),
        (OBJECT, {"type": "object", "properties": {}}, [(NARROWER, "/properties/a")]),
        ({"required": ["a", "b"]}, {"required": ["a"]}, [(WIDER, "/required")]),
        ({"required": ["a"]}, {"required": ["a", "b"]}, [(NARROWER, "/required")]),
        ({"required": ["a", "b"]}, {"required": ["b", "a"]}, [("cosmetic", "/required")]),
        ({"required": ["a"]}, {}, [(WIDER, "/required")]),
        ({"enum": ["x"]}, {"enum": ["x", "y"]}, [(WIDER, "/enum")]),
        ({"enum": ["x", "y"]}, {"enum": ["y"]}, [(NARROWER, "/enum")]),
        ({"enum": ["x"]}, {"enum": ["y"]}, [(OTHER, "/enum")]),
        ({"enum": ["x"]}, {}, [(WIDER, "/enum")]),
        ({"type": "string"}, {"type": ["string", "null"]}, [(WIDER, "/type")]),
        ({"type": "string"}, {}, [(WIDER, "/type")]),
        ({}, {"type": "string"}, [(NARROWER, "/type")]),
        ({"maxLength": 5}, {"maxLength": 9}, [(WIDER, "/maxLength")]),
        ({"maxLength": 5}, {}, [(WIDER, "/maxLength")]),
        ({"minimum": 5}, {"minimum": 9}, [(NARROWER, "/minimum")]),
        ({"pattern": "a"}, {}, [(WIDER, "/pattern")]),
        ({"pattern": "a"}, {"pattern": "b"}, [(OTHER, "/pattern")]),
        ({"additionalProperties": False}, {"additionalProperties": True}, [(WIDER, "/additionalProperties")]),
        ({"additionalProperties": False}, {}, [(WIDER, "/additionalProperties")]),
        ({}, {"additionalProperties": False}, [(NARROWER, "/additionalProperties")]),
        ({"description": "a"}, {"description": "b"}, [(TEXT, "/description")]),
        ({"default": 1}, {"default": 2}, [(TEXT, "/default")]),
        ({"x-thing": 1}, {"x-thing": 2}, [(OTHER, "/x-thing")]),
        ({"anyOf": [{"a": 1}]}, {"anyOf": [{"a": 1}, {"b": 1}]}, [(WIDER, "/anyOf")]),
        (
            {"properties": {"p": {"properties": {"q/r": {"maxLength": 1}}}}},
            {"properties": {"p": {"properties": {"q/r": {"maxLength": 2}, "s": {}}}}},
            [(WIDER, "/properties/p/properties/q~1r/maxLength"), (NEW, "/properties/p/properties/s")],
        ),
    ],
)
def test_each_difference_has_a_class_and_a_place(before, after, expected):
    assert [found[:2] for found in schema_changes(before, after)] == expected


def test_deep_schemas_end():
    one: dict = {}
    other: dict = {"type": "string"}
    for _ in range(60):
        one, other = {"items": one}, {"items": other}
    (found,) = schema_changes(one, other)
    assert found[0] == OTHER


_simple = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["string", "integer", ["string", "integer"]]),
        "enum": st.lists(st.sampled_from(["a", "bb", 1, 2]), min_size=1, max_size=3, unique=True),
        "maxLength": st.integers(0, 3),
        "minLength": st.integers(0, 3),
        "minimum": st.integers(0, 3),
        "maximum": st.integers(0, 3),
    },
)


@given(_simple, _simple, st.sampled_from(["", "a", "bb", "ccc", 0, 1, 2, 3, None, []]))
def test_a_value_that_is_taken_anew_never_comes_from_a_change_called_narrower(before, after, value):
    assume(before != after)
    classes = {found[0] for found in schema_changes(before, after)}
    if jsonschema_rs.is_valid(after, value) and not jsonschema_rs.is_valid(before, value):
        assert classes - {NARROWER}
