"""Arguments as Cedar types: what a schema promises, no more, and no key of a caller is one of Cedar's."""

import cedarpy
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.policy import schema
from keepgate.policy.arguments import DEPTH, ITEMS, MEMBERS, MismatchError, shape_of


def of(part, **more) -> str:
    return shape_of({"type": "object", "properties": {"x": part}, **more}).cedar()


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"type": "string"}, '"x"?: String'),
        ({"type": "integer"}, '"x"?: Long'),
        ({"type": "boolean"}, '"x"?: Bool'),
        ({"type": "number"}, '"x"?: decimal'),
        ({"type": ["string", "null"]}, '"x"?: String'),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, '"x"?: Long'),
        ({"enum": ["a", "b"]}, '"x"?: String'),
        ({"const": 3}, '"x"?: Long'),
        ({"type": "array", "items": {"type": "string"}}, '"x"?: Set<String>'),
        ({"$ref": "#/$defs/d"}, '"x"?: Bool'),
        (
            {"type": "object", "properties": {"y": {"type": "string"}}, "required": ["y"]},
            '"x"?: { "y": String }',
        ),
        ({"type": "object"}, '"x"?: {  }'),
    ],
)
def test_a_type(part, told):
    given = {"type": "object", "properties": {"x": part}, "$defs": {"d": {"type": "boolean"}}}
    assert shape_of(given).cedar() == f"{{ {told} }}"


def test_what_is_required_is_not_optional_unless_it_may_be_null():
    assert of({"type": "string"}, required=["x"]) == '{ "x": String }'
    assert of({"type": ["string", "null"]}, required=["x"]) == '{ "x"?: String }'


@pytest.mark.parametrize(
    "part",
    [
        {},
        True,
        {"type": ["string", "integer"]},
        {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        {"enum": ["a", 1]},
        {"type": "null"},
        {"type": "array"},
        {"type": "array", "items": {"type": ["string", "null"]}},
        {"$ref": "#/$defs/loop"},
        {"$ref": "https://example.com/schema"},
        {"type": "unheard-of"},
    ],
)
def test_what_cedar_cannot_say_is_left_out_and_said(part):
    given = {"properties": {"x": part}, "$defs": {"loop": {"$ref": "#/$defs/loop"}}}
    shape = shape_of(given)
    assert shape.cedar() == "{  }"
    assert len(shape.left_out) == 1
    assert shape.left_out[0].startswith("x: ")


def test_size_and_depth_are_bounded_and_keys_of_cedar_are_refused():
    deep: dict = {"type": "string"}
    for _ in range(DEPTH + 1):
        deep = {"type": "object", "properties": {"x": deep}}
    assert "nested too deep" in shape_of(deep).left_out[0]
    wide = shape_of({"properties": {f"p{n}": {"type": "string"} for n in range(MEMBERS + 1)}})
    assert len(wide.members) == MEMBERS
    assert "too many" in wide.left_out[0]
    ours = shape_of({"properties": {key: {"type": "string"} for key in ("__entity", "__extn", "__expr")}})
    assert (len(ours.members), len(ours.left_out)) == (0, 3)


@pytest.mark.parametrize(
    "given", [None, True, [], "x", {"properties": 3}, {"required": 3}, {"properties": {}}]
)
def test_no_schema_is_too_odd(given):
    assert shape_of(given).cedar() == "{  }"


@pytest.mark.parametrize(
    ("kind", "value", "told"),
    [
        ("string", "x", "x"),
        ("integer", 3, 3),
        ("integer", 3.0, 3),
        ("boolean", True, True),
        ("number", 1.5, {"__extn": {"fn": "decimal", "arg": "1.5000"}}),
        ("number", 3, {"__extn": {"fn": "decimal", "arg": "3.0000"}}),
    ],
)
def test_a_value(kind, value, told):
    shape = shape_of({"properties": {"x": {"type": kind}}})
    assert shape.value({"x": value, "y": {"__entity": 1}, "__extn": 2}) == {"x": told}


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ({"type": "string"}, 3),
        ({"type": "string"}, {"__entity": {"type": "Role", "id": "r"}}),
        ({"type": "integer"}, 3.5),
        ({"type": "integer"}, 2**63),
        ({"type": "integer"}, float("inf")),
        ({"type": "integer"}, True),
        ({"type": "number"}, 0.00001),
        ({"type": "number"}, float("nan")),
        ({"type": "number"}, 1e300),
        ({"type": "boolean"}, 1),
        ({"type": "object"}, []),
        ({"type": "array", "items": {"type": "string"}}, "x"),
        ({"type": "array", "items": {"type": "integer"}}, [0] * (ITEMS + 1)),
        ({"type": "array", "items": {"type": "integer"}}, ["x"]),
    ],
)
def test_a_value_of_another_type_is_refused(part, value):
    with pytest.raises(MismatchError, match="`x`"):
        shape_of({"properties": {"x": part}}).value({"x": value})


def test_a_required_argument_must_be_there_only_if_it_is_read():
    shape = shape_of({"properties": {"x": {"type": "string"}, "y": {"type": "string"}}, "required": ["x"]})
    assert shape.value({"y": "b"}, only={"y"}) == {"y": "b"}
    with pytest.raises(MismatchError, match="`x` is missing"):
        shape.value({"y": "b"})


kinds = st.sampled_from(
    (
        {"type": "string"},
        {"type": "integer"},
        {"type": "number"},
        {"type": "boolean"},
        {},
        {"type": ["string", "null"]},
    )
)
parts = st.recursive(
    kinds,
    lambda inner: (
        st.builds(lambda items: {"type": "array", "items": items}, inner)
        | st.builds(
            lambda properties: {"type": "object", "properties": properties, "required": ["a"]},
            st.dictionaries(st.sampled_from(("a", "b c", 'q"', "__extn")), inner, max_size=3),
        )
    ),
    max_leaves=6,
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("a", "b c", 'q"', "__extn", "__entity")), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(("a", "b c")), parts),
    st.dictionaries(st.sampled_from(("a", "b c")), values),
)
def test_whatever_passes_is_what_cedar_takes_for_the_type(properties, arguments):
    shape = shape_of({"type": "object", "properties": properties})
    try:
        told = shape.value(arguments)
    except MismatchError:
        return
    text = schema.text((), shape.cedar())
    rest = {
        "facts": {},
        "time": {"hour": 1, "minute": 1, "weekday": "mon", "date": ""},
        "flow": {"labels": [], "values": [], "sink": False},
        "approvals": [],
    }
    auth = {"method": "", "acr": "", "issuer": "", "scopes": [], "actors": []}
    request = {
        "principal": {"type": "Key", "id": "k"},
        "action": {"type": "Action", "id": "call_tool"},
        "resource": {"type": "Tool", "id": "s/t"},
        "context": orjson.dumps({**rest, "auth": auth, "input": told}).decode(),
    }
    answer = cedarpy.is_authorized(request, "permit(principal, action, resource);", "[]", text)
    assert answer.allowed, answer.diagnostics.errors


@pytest.mark.parametrize("given", [{"n": 1, "N": 900}, {"N": 900}, {"n": 1, "n ": 900}])
def test_an_argument_in_two_spellings_is_refused_where_it_is_read(given):
    shape = shape_of({"properties": {"n": {"type": "integer"}, "m": {"type": "integer"}}})
    with pytest.raises(MismatchError, match="another spelling"):
        shape.value(given)
    assert shape.value(given, only={"m"}) == {}
