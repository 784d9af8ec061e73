import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.model.access import ResourceKind
from keepgate.policy.pattern import Glob, Pattern
from tests.spec import policy_spec


@pytest.mark.parametrize(
    ("text", "kind", "server", "name"),
    [
        ("files/read_*", None, ("files",), ("read_", "")),
        ("*/*", None, ("", ""), ("", "")),
        ("tool:files/a", ResourceKind.TOOL, ("files",), ("a",)),
        ("prompt:f*/a*b", ResourceKind.PROMPT, ("f", ""), ("a", "b")),
        ("resource:docs/file:///srv/*", ResourceKind.RESOURCE, ("docs",), ("file:///srv/", "")),
        ("docs/tool:x", None, ("docs",), ("tool:x",)),
        (r"docs/what\*\\", None, ("docs",), ("what*\\",)),
    ],
)
def test_a_pattern_is_kind_server_and_name(text, kind, server, name):
    assert Pattern.parse(text) == Pattern(kind, Glob(server), Glob(name))


@pytest.mark.parametrize("text", ["", "*", "files", "files/", "/read", "tool:/x", "tool:files"])
def test_a_pattern_without_server_or_name_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match=r"is not a pattern: write `server/name`"):
        Pattern.parse(text)


@pytest.mark.parametrize("text", ["a/b\\", "a/\\b", "a\\/b"])
def test_a_stray_backslash_is_refused(text):
    with pytest.raises(ValueError, match="backslash"):
        Pattern.parse(text)


def test_star_and_exact_are_known_as_such():
    assert Glob.parse("**").matches_all
    assert not Glob.parse("a*").matches_all
    assert Glob.parse("a").exact == "a"
    assert Glob.parse("a*").exact is None


def test_cedar_form_keeps_wildcards_and_escapes_stars():
    assert Glob.parse(r'a"\**').cedar() == r'"a\u{22}\**"'


@given(st.text("ab*", max_size=8), st.text("ab*", max_size=8))
def test_matching_equals_the_specification(glob, text):
    assert Glob.parse(glob).matches(text) == policy_spec.matches(glob, text)
