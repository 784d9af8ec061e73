"""Statements and their lines, whatever stands in strings and comments."""

import cedarpy
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.policy.source import Source, statements

ONE = 'permit (principal, action, resource) when { resource.name == "a;\\"//b" }; // one; two\n'


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("// nothing\n\n", []),
        (ONE, [1]),
        (ONE * 2, [1, 2]),
        ("\n// first;\n" + ONE + "\n" + ONE, [3, 5]),
        ('@id("x")\npermit(principal,\naction, resource);\nforbid(principal, action, resource);', [1, 4]),
        ("permit(principal, action, resource)", [1]),
        ('permit(principal, action, resource) when { "open', [1]),
        ("a // b", [1]),
    ],
)
def test_each_statement_knows_its_line(text, lines):
    assert [each.line for each in statements(Source("f", text))] == lines


parts = st.lists(
    st.sampled_from(
        (ONE, "// c;\n", "\n", 'forbid(principal, action, resource) when { "\\\\" == "x;" };', " ")
    ),
    max_size=8,
).map("".join)


@given(parts)
def test_cedar_finds_the_same_policies_in_the_whole(text):
    whole = orjson.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
    found = [
        orjson.loads(cedarpy.policies_to_json_str(each.text))["staticPolicies"]["policy0"]
        for each in statements(Source("f", text))
    ]
    assert found == [whole[f"policy{number}"] for number in range(len(whole))]


@given(st.text(st.sampled_from('";/\\\n ab'), max_size=30))
def test_no_text_is_lost_or_invented(text):
    told = "".join(each.text for each in statements(Source("f", text)))
    assert len(told) <= len(text)
    assert "permit" not in told
