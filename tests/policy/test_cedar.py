import cedarpy
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.policy.cedar import escape, literal

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("read_file", '"read_file"'),
        ('a"b', '"a\\u{22}b"'),
        ("a\\", '"a\\u{5c}"'),
        ("a\nb", '"a\\u{a}b"'),
        ("\u2028\U0001f600", '"\\u{2028}\\u{1f600}"'),
        ("*", '"*"'),
    ],
)
def test_literal_writes_only_printable_ascii(text, written):
    assert literal(text) == written


@given(TEXT)
def test_cedar_reads_back_what_was_written(text):
    policy = f"@note({literal(text)}) permit(principal, action, resource);"
    parsed = orjson.loads(cedarpy.policies_to_json_str(policy))
    assert parsed["staticPolicies"]["policy0"]["annotations"] == {"note": text}


@given(TEXT)
def test_no_text_ends_the_string_it_stands_in(text):
    assert not set(escape(text)) & {'"', "\n"}
