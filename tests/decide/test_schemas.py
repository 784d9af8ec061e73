"""Schemas of servers: what is compiled, what cannot be used and why, and that nothing in one costs us much."""

import time

import pytest

from keepgate.decide.schemas import DEPTH, PATTERNS, VALUES, Validator, contract_of
from keepgate.model.contract import SchemaError

SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string", "maxLength": 5}, "n": {"type": "integer", "minimum": 0}},
    "required": ["text"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("value", "faults"),
    [
        ({"text": "a"}, ()),
        ({"text": "a", "n": 3}, ()),
        ({}, ('"text" is a required property',)),
        ({"text": 5}, ('`/text`: the value is not of type "string"',)),
        ({"text": "s3cr3t!"}, ("`/text`: the value is longer than 5 characters",)),
        ({"text": "a", "n": -7}, ("`/n`: the value is less than the minimum of 0",)),
        ({"text": "a", "zz": 1}, ("Additional properties are not allowed ('zz' was unexpected)",)),
        ([], ('the value is not of type "object"',)),
    ],
)
def test_faults_name_the_place_and_what_is_expected_and_quote_no_value(value, faults):
    assert Validator(SCHEMA).faults(value) == faults


def test_drafts_by_their_name():
    assert Validator(
        {"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 3, "exclusiveMinimum": True}
    ).faults(3)
    assert not Validator({"prefixItems": [{"type": "string"}]}).faults(["a"])
    assert Validator({"prefixItems": [{"type": "string"}]}).faults([1])
    assert not Validator(
        {"$schema": "http://json-schema.org/draft-07/schema#", "prefixItems": [False]}
    ).faults([1])


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"$ref": "http://127.0.0.1:1/x.json"}, "outside"),
        ({"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "outside"),
        ({"$schema": "https://example.com/own"}, "not a valid"),
        ({"$ref": "#/$defs/none"}, "a part that it does not have"),
        ({"$ref": "#none"}, "a part that it does not have"),
        ({"$ref": "#"}, "refers to itself without end"),
        ({"$defs": {"a": {"$id": "https://x.test/a"}}, "$ref": "#/$defs/a"}, "`$id` of its own"),
        ({"required": True}, "`/required`"),
        ({"type": "strin"}, "not a valid"),
        ([], "not an object"),
        ("x", "not an object"),
        ({"properties": {f"p{n}": {} for n in range(VALUES)}}, "more than"),
        ({"properties": {f"p{n}": {"pattern": "a"} for n in range(PATTERNS + 1)}}, "patterns"),
    ],
)
def test_what_cannot_be_used_says_why(schema, why):
    with pytest.raises(SchemaError) as caught:
        Validator(schema)
    assert why in caught.value.public


def test_depth_is_bounded():
    schema: dict = {}
    for _ in range(DEPTH):
        schema = {"not": schema}
    with pytest.raises(SchemaError, match="nested deeper"):
        Validator(schema)


def test_patterns_are_matched_in_linear_time():
    validator = Validator({"type": "string", "pattern": "^(a+)+$"})
    start = time.process_time()
    assert validator.faults("a" * 19_000 + "!")
    assert time.process_time() - start < 10


def test_patterns_that_need_more_than_a_linear_engine_are_left_out_and_the_rest_counts():
    validator = Validator(
        {
            "type": "object",
            "properties": {"mail": {"type": "string", "pattern": r"^(?!\.)[a-z]+@[a-z]+$"},
                           "pattern": {"type": "string"}},
            "patternProperties": {"^(?=x)": {"type": "integer"}, "^y": {"type": "integer"}},
            "additionalProperties": False,
            "enum": [{"mail": "a", "pattern": "(?=data, no pattern)"}],
        }
    )  # fmt: skip
    assert sorted(validator.left_out) == ["^(?!\\.)[a-z]+@[a-z]+$", "^(?=x)"]
    assert validator.faults({"mail": 5})
    assert not validator.faults({"mail": "a", "pattern": "(?=data, no pattern)"})
    assert any("/y1" in fault for fault in validator.faults({"y1": "text"}))


def test_a_pattern_that_would_take_much_memory_is_left_out():
    assert Validator({"pattern": "((a{1,90}){1,90}){1,90}"}).left_out


HARD = r"([ab]{0,300}a){2}[ab]{40}c"
"""Linear, and yet many microseconds for each character."""


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"text": {"pattern": HARD}}},
        {"additionalProperties": {"pattern": HARD}},
        {"patternProperties": {HARD: {}}, "properties": {"text": {"type": "string"}}},
        {"propertyNames": {"pattern": HARD}},
    ],
)
def test_a_server_cannot_keep_us_busy_with_patterns_for_its_own_results(schema):
    output = contract_of({"outputSchema": schema}).output
    text = "ab" * 200_000
    before = time.process_time()
    output.faults({"text": text, text: ""})
    assert time.process_time() - before < 5


def test_results_that_are_long_are_held_to_all_but_the_patterns():
    schema = {"properties": {"a": {"pattern": "^x"}, "n": {"type": "integer"}}}
    output = contract_of({"outputSchema": schema}).output
    assert output.faults({"a": "y"})
    assert not output.faults({"a": "y" * 4001})
    assert output.faults({"a": "y" * 4001, "n": "no"})
    assert contract_of({"inputSchema": schema}).input.faults({"a": "y" * 4001}), "what a caller sends is"


def test_formats_are_not_checked():
    assert not Validator({"format": "email"}).faults("no address")


def test_a_contract_has_both_sides_and_says_what_is_wrong_with_each():
    contract = contract_of(
        {"name": "t", "inputSchema": SCHEMA, "outputSchema": {"$ref": "http://x.invalid/"}}
    )
    assert contract.input is not None
    assert contract.input.faults({})
    assert contract.output is None
    assert "outside" in contract.unusable_output
    assert contract_of({"name": "t"}).input is None


def test_masked_values_never_come_back():
    """Whatever keyword fails: the text of a value is in no fault."""
    secret = "S3CR3T-VALUE"
    schemas = [
        {"type": "integer"}, {"enum": ["a"]}, {"const": 1}, {"pattern": "^x$"}, {"maxLength": 1}, {"minLength": 99},
        {"anyOf": [{"type": "integer"}, {"maxLength": 2}]}, {"oneOf": [{}, {}]}, {"not": {}},
        {"allOf": [{"type": "null"}]},
        {"if": True, "then": False}, {"properties": {"a": {"type": "integer"}}, "type": "object"},
    ]  # fmt: skip
    for schema in schemas:
        for value in (secret, {"a": secret}, [secret]):
            assert secret not in " ".join(Validator(schema).faults(value))


HARD = "(?:[a-z]{0,100}[0-9]{0,100}){0,4}!"
"""Compiles, and takes long for each character."""


@pytest.mark.parametrize(
    ("schema", "value", "refused"),
    [
        ({"properties": {"path": {"pattern": HARD}}}, {"path": "a" * 30_000}, True),
        ({"properties": {"path": {"pattern": HARD}}}, {"path": "a!", "text": "a" * 4_000_000}, False),
        ({"properties": {"a": {"properties": {"b": {"pattern": "a"}}}}}, {"a": {"c": "a" * 30_000}}, True),
        ({"patternProperties": {"^x": {}}, "properties": {"a": {}}}, {"a": "a" * 30_000}, True),
        ({"allOf": [{"properties": {"a": {"pattern": "a"}}}]}, {"a": "a" * 30_000}, True),
        (
            {"$defs": {"p": {"pattern": "a"}}, "properties": {"a": {"$ref": "#/$defs/p"}}},
            {"a": "a" * 30_000},
            True,
        ),
        ({"properties": {"a": {"type": "string"}}}, {"a": "a" * 4_000_000}, False),
    ],
)
@pytest.mark.parametrize("size", [0, None])
def test_arguments_that_would_take_long_to_hold_against_patterns_are_not_begun(schema, value, refused, size):
    validator = Validator(schema)
    measured = len(str(value)) if size is None else size
    if refused:
        with pytest.raises(SchemaError, match="too long"):
            validator.faults(value, measured)
    else:
        assert not validator.faults(value, measured)
