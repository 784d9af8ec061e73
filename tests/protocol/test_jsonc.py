"""JSON with comments: numbers are JSON's and no others; positions; what plain JSON does not have is told."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.protocol.jsonc import JsoncError, position, scan


@given(st.text("0123456789+-.eE_", min_size=1, max_size=8))
def test_a_number_is_what_json_calls_one(digits):
    try:
        expected = json.loads(digits)
    except ValueError:
        with pytest.raises(JsoncError):
            scan(digits)
    else:
        assert scan(digits).root.plain() == expected


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda c: st.lists(c) | st.dictionaries(st.text(), c),
    )
)
def test_what_json_writes_is_read_back(value):
    assert scan(json.dumps(value)).root.plain() == value


def test_comments_trailing_commas_and_duplicates_are_told_with_their_places():
    text = '{\n  // one\n  "a": 1,\n  "a": [1, 2,],\n}'
    doc = scan(text)
    assert doc.root.plain() == {"a": [1, 2]}
    assert [position(text, offset) for offset in doc.duplicates] == [(4, 3)]
    assert len(doc.comments) == 1
    assert len(doc.lax) == 2


@pytest.mark.parametrize(
    "text", ["", "{", "[1", '{"a"', "{'a': 1}", "[1 2]", "/* x", "[" * 200, "01", "1.e5", "{} x"]
)
def test_what_is_none_is_refused_with_a_place(text):
    with pytest.raises(JsoncError) as caught:
        scan(text)
    assert caught.value.line >= 1
    assert caught.value.column >= 1
