"""Paths: what is said holds for every reading that a server may have of the text."""

import posixpath
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.policy.facts.paths import DEEPEST, LONGEST, climbs, normal, within
from keepgate.policy.facts.values import Unclear


@pytest.mark.parametrize(
    ("text", "directory"),
    [
        ("/srv/data/a.txt", "/srv/data"),
        ("/srv/data", "/srv/data"),
        ("/srv//data/./a/../b", "/srv/data"),
        ("file:///srv/data/a", "/srv/data"),
        ("file://localhost/srv/data/a", "/srv/data"),
        ("/srv/data/a%20b", "/srv/data"),
        ("/srv/data/100%", "/srv/data"),
        ("data/a", "data"),
        ("/", "/"),
    ],
)
def test_what_lies_below_a_directory(text, directory):
    assert directory in within(text)


@pytest.mark.parametrize(
    "text",
    [
        "/srv/data/../x",
        "/srv/data/..",
        "/srv/database",
        "/srv/Data/a",
        "/srv/data/%2e%2e/x",
        "/srv/data/%252e%252e/x",
        "/srv/data/..%2fx",
        "/srv/data/..\\x",
        "/srv/data/a/..\\..\\x",
        "\\srv\\data\\a",
        "srv/data/a",
        "/srv%2fdata/a",
        "file:///srv/data/%2e%2e/x",
    ],
)
def test_what_may_lead_out_of_it_does_not(text):
    assert "/srv/data" not in within(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "~/a",
        "../a",
        "/../a",
        "a/../../b",
        "/srv/data/\0",
        "/srv/data/%00",
        "/srv/data/\n",
        "/srv/data/%ff",
        "file://other.host/srv/data",
        "file:srv/data",
        "file:///srv/data?x",
        "/" + "a/" * (DEEPEST + 1),
        "/" + "a" * LONGEST,
        "/a%2525252525252e",
    ],
)
def test_about_what_is_no_plain_path_nothing_is_said(text):
    with pytest.raises(Unclear):
        within(text)


pieces = st.lists(
    st.sampled_from(
        ("..", ".", "a", "srv", "data", "%2e", "%2E%2e", "%252e%252e", "%2f", "\\", "/", "", "b c")
    ),
    max_size=8,
)


@given(pieces.map("/".join), st.booleans(), st.integers(0, 3), st.booleans())
def test_no_way_to_open_it_leaves_the_directory_that_was_told(text, absolute, rounds, windows):
    """Against the standard library: whatever is decoded how often, and whichever slash counts."""
    text = ("/" if absolute else "") + text
    try:
        told = within(text)
    except Unclear:
        return
    for _ in range(rounds):
        text = unquote(text)
    if windows:
        text = text.replace("\\", "/")
    opened = posixpath.normpath(posixpath.join("/start", text)).replace("//", "/")
    for directory in told:
        root = posixpath.join("/start", directory).rstrip("/") or "/"
        assert opened == root or opened.startswith(root.rstrip("/") + "/")


@given(st.text("/.ab", max_size=20))
def test_normalising_twice_changes_nothing(text):
    try:
        once = normal(text)
    except Unclear:
        return
    assert normal(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "file:///srv/../etc/passwd",
        "file:///srv/%2e%2e/etc/passwd",
        "file:///srv/%252e%252e/x",
        "file:///srv/..%2fetc",
        "file:///srv\\..\\etc",
        "docs://a/..",
        "../x",
        "file:///" + "%25" * 3 + "2525252e",
    ],
)
def test_what_climbs(text):
    assert climbs(text)


@pytest.mark.parametrize(
    "text", ["file:///srv/a..b", "file:///srv/...", "repo://x/.git", "a%20b", "100%", ""]
)
def test_what_does_not(text):
    assert not climbs(text)
