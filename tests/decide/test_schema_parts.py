"""What references mean, within the schema only."""

import pytest

from keepgate.decide.schema_parts import subschemas, targets
from keepgate.model.contract import SchemaError

ROOT = {
    "$id": "https://x.test/root.json",
    "$defs": {
        "a": {"$anchor": "here", "type": "string"},
        "A<B>": {"$dynamicAnchor": "dyn"},
        "x/y": {"allOf": [{"type": "null"}]},
        "old": {"$id": "#legacy"},
    },
}


@pytest.mark.parametrize(
    ("reference", "meant"),
    [
        ("#", ROOT),
        ("https://x.test/root.json#", ROOT),
        ("https://x.test/root.json#/$defs/a", ROOT["$defs"]["a"]),
        ("#/$defs/A%3CB%3E", ROOT["$defs"]["A<B>"]),
        ("#/$defs/x~1y/allOf/0", ROOT["$defs"]["x/y"]["allOf"][0]),
        ("#here", ROOT["$defs"]["a"]),
        ("#dyn", ROOT["$defs"]["A<B>"]),
        ("#legacy", ROOT["$defs"]["old"]),
    ],
)
def test_references_within(reference, meant):
    root = {**ROOT, "$ref": reference}
    found = targets(root)[reference]
    assert found is (root if meant is ROOT else meant)


@pytest.mark.parametrize(
    "reference",
    [
        "http://x.test/",
        "other.json",
        "#/none",
        "#/$defs/a/type/0",
        "#/$defs/x~1y/allOf/1",
        "#gone",
        "#%zz",
        "#/%ff",
        "//h",
    ],
)
def test_references_that_lead_out_or_nowhere(reference):
    with pytest.raises(SchemaError):
        targets({**ROOT, "properties": {"p": {"$ref": reference}}})


def test_references_in_data_are_data():
    assert targets({"const": {"$ref": "http://x.test/"}, "properties": {"$ref": {"type": "string"}}}) == {}


def test_a_part_with_an_id_of_its_own_is_refused():
    with pytest.raises(SchemaError):
        targets({"properties": {"p": {"$id": "https://x.test/p"}}})


def test_every_schema_is_found_once_in_its_place():
    schema = {
        "items": {"not": {"enum": [{"not": 1}]}},
        "properties": {"not": {"then": True}, "x": {}},
        "oneOf": [{"prefixItems": [{}]}],
    }
    assert len(list(subschemas(schema))) == 7
