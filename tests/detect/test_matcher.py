"""Both engines give the same hits; patterns that would not be alike, or not linear, are refused."""

import time

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

import keepgate.detect.matcher as matcher_module
from keepgate.detect.matcher import Finder, Matcher, available, dialect
from keepgate.detect.rules import RULES
from keepgate.model.errors import LocalError
from tests.detect.corpus import HITS, KNOWN_MISSES, NEAR_MISSES

PATTERNS = [rule.pattern for rule in RULES]
ENGINES = {engine: Matcher(PATTERNS, engine=engine) for engine in ("re2", "hyperscan")}
TEXTS = [*(text for texts in HITS.values() for text in texts), *NEAR_MISSES, *KNOWN_MISSES]


def test_both_engines_are_here_to_be_compared():
    """Hyperscan is an extra for users and always there for tests; `auto` takes it."""
    assert available()
    assert Matcher(["abc"]).engine == "hyperscan"
    assert Matcher(["abc"], engine="re2").engine == "re2"


@pytest.mark.parametrize("text", TEXTS)
def test_the_engines_agree_on_every_text_of_the_tables(text):
    data = text.encode()
    assert set(ENGINES["re2"].hits(data)) == set(ENGINES["hyperscan"].hits(data))


@pytest.mark.parametrize("text", TEXTS)
def test_a_hit_of_the_set_is_a_hit_of_the_pattern_alone(text):
    data, matcher = text.encode(), ENGINES["re2"]
    alone = {index for index in range(len(PATTERNS)) if matcher.find(index, data) is not None}
    assert set(matcher.hits(data)) == alone


pieces = st.sampled_from(
    [
        *TEXTS,
        " ",
        "\n",
        "\t",
        "\v",
        "\f",
        "\r",
        "\x00",
        "é",
        "ſ",
        "K",
        "\U000e0041",
        '"',
        "\\",
        "-----",
        "ignore",
        "AKIA",
        ".",
        "=",
    ]
)

CONFUSING = Matcher(
    [r"\bab{1,3}c\b", r"(?:x[a-z]{1,9}y|y)", r"(?:a|ab|abc)(?:d|)", r"\b[0-9]{2}(?: ?[0-9]{2}){1,3}\b"]
)
CONFUSING_RE2 = Matcher([pattern.pattern.decode() for pattern in CONFUSING._single], engine="re2")
signs = st.text("abcdxyz0123 \n", max_size=60)


def every(matcher, index, text):
    """As the detector asks: the next match behind the last."""
    found, at = [], 0
    while (match := matcher.find(index, text, at)) is not None:
        found.append(match)
        at = max(match[0][1], match[0][0] + 1)
    return found


@settings(max_examples=200, deadline=None)
@given(st.lists(signs, max_size=8), st.sampled_from(("abbc", "00 ", "xzzy")), st.integers(0, 40))
def test_in_a_long_text_the_same_is_found_where_hyperscan_says_where_to_look(parts, filler, more):
    long = filler * (matcher_module._LONG // len(filler) + more)
    for text in ("", "-"), ("", long), (long, ""), (" ", " " + long):
        data = text[0] + long.join(parts) + text[1] + "." * (2 * matcher_module._LONG)
        for index in range(len(CONFUSING._single)):
            at = 0
            for _ in range(40):  # the first of many
                one, other = (m.find(index, data.encode(), at) for m in (CONFUSING, CONFUSING_RE2))
                assert one == other
                if one is None:
                    break
                at = max(one[0][1], one[0][0] + 1)


@settings(max_examples=60, deadline=None)
@given(st.lists(pieces, max_size=12))
def test_every_rule_finds_the_same_in_a_long_text(parts):
    data = ("".join(parts) + " " * 9000 + "".join(reversed(parts))).encode()
    for index in ENGINES["re2"].hits(data):
        assert every(ENGINES["hyperscan"], index, data) == every(ENGINES["re2"], index, data)


@settings(max_examples=150, deadline=None)
@given(st.lists(pieces | st.text(max_size=8), max_size=6).map("".join))
def test_the_engines_agree_on_anything(text):
    data = text.encode(errors="replace")
    assert set(ENGINES["re2"].hits(data)) == set(ENGINES["hyperscan"].hits(data))


SMALL = [r"a\s?b", r"\bfoo\b", r"(?i)straSSe", r"[^\s:]{2,4}:", r"x\Wy", r"\d{2}\D", r"(?:ab|cd){2}", r"é\w"]

ONE, OTHER = Matcher(SMALL, engine="re2"), Matcher(SMALL, engine="hyperscan")


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab foocdSTRaſse:xy12é\n\v\x00K-", max_size=12))
def test_the_engines_agree_on_every_construct(text):
    assert set(ONE.hits(text.encode())) == set(OTHER.hits(text.encode()))


@pytest.mark.parametrize(
    "pattern",
    [
        "a*", "a+b", "a{2,}", "^a", "a$", r"\Aa", r"a\z", r"[\S]", r"\pL", r"\x41", r"(?=a)b", r"(a)\1", "a?", "",
        "a" * 2001, "(?i)é", "[a", "(a", "a{1001}",
    ],
)  # fmt: skip
def test_what_the_engines_do_not_share_or_what_has_no_bound_is_refused(pattern):
    with pytest.raises(LocalError):
        Matcher([pattern])


@pytest.mark.parametrize(
    ("pattern", "made"),
    [
        (r"a\sb", r"a[ \t\n\f\r]b"),
        (r"[^\s:]", r"[^ \t\n\f\r:]"),
        (r"\Sx", r"[^ \t\n\f\r]x"),
        (r"[]+*^$]", r"[]+*^$]"),
        (r"[^]]a", r"[^]]a"),
        (r"\[a\+", r"\[a\+"),
    ],
)
def test_the_dialect(pattern, made):
    assert dialect(pattern) == made


def test_find_gives_the_group_that_matters_and_whole_characters():
    matcher = Matcher([r"key=([^ ]{3,10})"])
    text = "äö key=pässwörd1234 x".encode()
    whole, group = matcher.find(0, text)
    assert text[slice(*whole)].startswith(b"key=")
    assert text[slice(*group)].decode()  # no character is cut in two
    assert matcher.find(0, text, whole[1]) is None


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "piece", ["a", "AKIA", "-----BEGIN ", "ignore ", "password=", "eyJ", "../", "!["  , "\U000e0041", "0123456789"]
)  # fmt: skip
def test_a_megabyte_of_beginnings_is_scanned_in_time_that_grows_with_its_length(engine, piece):
    """Ten times the text may cost no more than some forty times the time (the clock of a busy machine is coarse)."""
    matcher = ENGINES[engine]

    def cost(size):
        data = (piece * (size // len(piece) + 1)).encode()
        best = min(_timed(matcher, data) for _ in range(3))
        return max(best, 0.0005)

    assert cost(1_000_000) <= 40 * cost(100_000)


def _timed(matcher, data):
    start = time.process_time()
    matcher.hits(data)
    return time.process_time() - start


@given(
    st.text(alphabet="aAb.@ -\u00e4\n", max_size=60),
    st.sampled_from([r"a+", r"(?:\b|-)@", r"\b[ab]+\b", r"\xc3\xa4|a", r"b?"]),
)
def test_the_spans_are_those_of_finditer(text, pattern):
    """`Finder.spans` calls what is below `finditer`: a version of RE2's binding that changes it is to fail here."""
    raw = text.encode()
    latin = re2.Options()
    latin.encoding = re2.Options.Encoding.LATIN1
    found = [match.span() for match in re2.compile(pattern.encode(), options=latin).finditer(raw)]
    assert Finder(pattern).spans(raw, 1000) == found
    assert Finder(pattern).spans(raw, 2) == found[:2]
