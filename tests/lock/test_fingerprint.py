"""What counts as the same definition."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.lock.fingerprint import canonical, digest, fingerprint, parts
from tests.lock.made import READ

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_it_is_the_sha256_of_rfc_8785():
    value = {"b": [1.0, "é"], "a": 1e21}
    assert canonical(value) == '{"a":1e+21,"b":[1,"é"]}'.encode()
    assert digest(value) == "sha256:" + hashlib.sha256(canonical(value)).hexdigest()


def test_the_order_of_members_is_no_change():
    assert fingerprint(dict(reversed(READ.items()))) == fingerprint(READ)


@pytest.mark.parametrize(
    "changed",
    [
        {"description": "Read a file!"},
        {"title": ""},
        {"x-unknown": None},
        {"icons": [{"src": "https://e.example/i.png"}]},
        {"annotations": {"readOnlyHint": True}},
        {"outputSchema": {"type": "object"}},
        {"_meta": {"a": 1}},
    ],
)
def test_every_field_counts(changed):
    assert fingerprint({**READ, **changed}) != fingerprint(READ)


def test_what_the_specification_gives_to_one_request_does_not():
    meta = {"progressToken": 7, "traceparent": "00-1-2-3"}
    assert fingerprint({**READ, "_meta": meta}) == fingerprint(READ)
    assert fingerprint({**READ, "_meta": {**meta, "a": 1}}) == fingerprint({**READ, "_meta": {"a": 1}})


def test_integers_that_json_numbers_cannot_tell_apart_are_told_apart():
    assert digest({"maximum": 2**63 - 1}) != digest({"maximum": 2**63 - 2})
    assert digest(2**53 - 1) != digest(f"int:{2**53 - 1}")


@given(json_values)
def test_any_value_has_one_and_equal_values_the_same(value):
    assert digest(value) == digest(json.loads(json.dumps(value)))


def test_no_text_passes_for_a_number():
    assert digest(2**60) != digest(f"int:{2**60}")
    assert digest(f"int:{2**60}") != digest(f"str:int:{2**60}") != digest(f"str:str:int:{2**60}")


def test_the_parts_name_what_changed():
    before, after = parts(READ), parts({**READ, "description": "x"})
    assert {key for key in before if before[key] != after[key]} == {"description"}
