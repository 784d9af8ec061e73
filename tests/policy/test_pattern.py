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


GLOBS = st.text("ab*", max_size=5)


@given(GLOBS, GLOBS, st.lists(st.text("abc", max_size=6), max_size=20))
def test_what_is_covered_matches_nothing_that_its_cover_does_not(cover, covered, texts):
    if Glob.parse(cover).covers(Glob.parse(covered)):
        for text in texts:
            assert not policy_spec.matches(covered, text) or policy_spec.matches(cover, text)


@given(GLOBS, GLOBS)
def test_what_is_not_covered_matches_something_that_its_cover_does_not(cover, covered):
    if not Glob.parse(cover).covers(Glob.parse(covered)):
        text = covered.replace("*", "c")
        assert policy_spec.matches(covered, text)
        assert not policy_spec.matches(cover, text)


@pytest.mark.parametrize(
    ("cover", "covered", "does"),
    [
        ("*/*", "tool:files/read", True),
        ("files/*", "files/read_*", True),
        ("files/read_*", "files/read_*_all", True),
        ("f*/a", "files/a", True),
        ("*/a**b", "*/a*b", True),
        ("files/*", "prompt:files/x", True),
        ("prompt:files/*", "files/x", False),
        ("prompt:files/*", "tool:files/x", False),
        ("files/read_*", "files/*", False),
        ("files/*a*", "files/*", False),
        ("files/*", "*/x", False),
        (r"files/\*", "files/*", False),
        ("files/*\x00*", "files/*", False),
    ],
)
def test_a_pattern_covers_kind_server_and_name(cover, covered, does):
    assert Pattern.parse(cover).covers(Pattern.parse(covered)) is does
