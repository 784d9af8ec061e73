"""The YAML reader: YAML 1.2, bounded, strict, and it knows where everything stands."""

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepgate.config.tree import MAX_BYTES, MAX_DEPTH, MAX_VALUES, parse
from keepgate.model.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("# nothing", None),
        ("12", 12),
        ("-7", -7),
        ("+7", 7),
        ("010", 10),
        ("0o10", 8),
        ("0xff", 255),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2025-11-25", "2025-11-25"),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ("12345678901234567890", "12345678901234567890"),
        ("٣", "٣"),
        ('"12"', "12"),
        ("'true'", "true"),
        ("|\n  a\n  b\n", "a\nb\n"),
        ("[a, {b: 1}]", ["a", {"b": 1}]),
        ("1: x", {"1": "x"}),
        ("a: &x [1, 2]\nb: *x", {"a": [1, 2], "b": [1, 2]}),
        ("<<: {a: 1}", {"<<": {"a": 1}}),
    ],
)
def test_values_are_those_of_the_yaml_1_2_core_schema(text, value):
    got = parse(text, "f").value
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a: 1\nb: 2\na: 3", "f:3:1: `a` stands here twice, first on line 1: keep one"),
        ("a: *b", "f:1:4: `*b` stands for nothing above it"),
        ("a: &a [*a]", "f:1:8: `*a` stands for nothing above it"),
        (
            "a: !!python/name:os.system x",
            "f:1:4: `tag:yaml.org,2002:python/name:os.system`: tags are not used here",
        ),
        ("a: !x {b: 1}", "f:1:4: `!x`: tags are not used here"),
        ("? [a]\n: b", "f:1:3: a key must be a plain word"),
        ("a\n---\nb", "f:2:1: a second document in the file: keep one"),
        ("a: [1,\nb: 2", "f:2:5: not valid YAML"),
        ("a: b: c", "f:1:5: not valid YAML"),
        ("a: 1\nb: \x01", "f:2:4: not valid YAML: a character that YAML does not allow"),
        ("\ta: 1", "f:1:1: not valid YAML"),
    ],
)
def test_what_is_refused_names_file_line_and_column(text, error):
    with pytest.raises(ConfigError) as caught:
        parse(text, "f")
    assert str(caught.value).startswith(error)


def test_every_value_and_key_knows_its_place_and_the_rest_its_parents():
    tree = parse("a:\n  - b: 1\n", "f")
    assert tree.where(("a", 0, "b")) == "f:2:8"
    assert tree.where(("a", 0, "b"), key=True) == "f:2:5"
    assert tree.where(("a", 0, "missing")) == "f:2:5"
    assert tree.where(("nowhere",)) == "f:1:1"


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_depth_is_bounded(opening):
    with pytest.raises(ConfigError):
        parse(opening * 100_000, "f")
    deep = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert parse(deep, "f").value is not None
    with pytest.raises(ConfigError, match="nested deeper"):
        parse(f"[[{deep}]]", "f")


def test_a_billion_laughs_are_refused_quickly():
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    start = time.monotonic()
    with pytest.raises(ConfigError, match=f"more than {MAX_VALUES} values"):
        parse("\n".join(lines), "f")
    assert time.monotonic() - start < 20


def test_size_is_bounded():
    with pytest.raises(ConfigError, match="larger than"):
        parse(" " * (MAX_BYTES + 1), "f")


@settings(deadline=None, max_examples=500)
@given(st.text(st.sampled_from("ab01:-[]{}*&!,?|>'\"\\#% \n\t~<.é\x00\u2028"), max_size=40))
def test_any_text_is_a_value_or_a_configuration_error(text):
    with suppress(ConfigError):
        parse(text, "f")
