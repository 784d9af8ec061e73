"""What the pattern detector reports, and where."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepgate.detect.detector import MOST, PatternDetector, Rule, excerpt, masked
from keepgate.detect.rules import RULES
from keepgate.model.finding import Confidence, Severity
from tests.detect.corpus import HITS, KNOWN_MISSES, NEAR_MISSES, SECRETS

KEY = SECRETS["secret.aws-access-key"][0]


@pytest.fixture(scope="module", params=["re2", "hyperscan"])
def detector(request):
    return PatternDetector(RULES, engine=request.param)


def rules(seen):
    return {sighting.finding.rule for sighting in seen}


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in HITS.items() for text in texts])
def test_every_rule_sees_its_cases(detector, rule, text):
    assert rule in rules(detector.look({"text": f"before {text} after"}))


def test_every_rule_has_cases():
    assert set(HITS) == {rule.id for rule in RULES}


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_near_misses_are_left_alone(detector, text):
    assert rules(detector.look(text)) == set()


@pytest.mark.parametrize("text", KNOWN_MISSES)
def test_known_misses_are_still_missed(detector, text):
    assert rules(detector.look(text)) == set(), "move it to the hits"


def test_a_finding_says_where_what_and_how_sure(detector):
    (seen,) = detector.look({"a/b": ["x", f"ünder {KEY}!"]}, ("result",))
    finding = seen.finding
    assert (finding.rule, finding.path) == ("secret.aws-access-key", "/result/a~1b/1")
    assert (finding.start, finding.end) == (6, 26)
    assert (finding.severity, finding.confidence) == (Severity.HIGH, Confidence.CONFIRMED)
    assert finding.evidence == "AKIA… (20 characters)"
    assert seen.text == KEY
    assert seen.keys == ("result", "a/b", 1)


def test_keys_are_looked_at_too(detector):
    (seen,) = detector.look({KEY: 1})
    assert seen.is_key


def test_escapes_of_the_wire_hide_nothing(detector):
    """What is looked at is what the parser made of the bytes."""
    from keepgate.protocol import jsonrpc

    raw = b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"t":"\\u0041KIA' + KEY[4:].encode() + b'"}}'
    assert rules(detector.look(jsonrpc.decode(raw).body)) == {"secret.aws-access-key"}


def test_a_name_and_its_value_are_read_together(detector):
    seen = detector.look({"password": "hunter2hunter2x"})
    assert [(each.finding.rule, each.finding.path) for each in seen] == [("secret.assigned", "/password")]


def test_a_match_over_a_border_hides_nothing_behind_it(detector):
    """The first name takes the second string's beginning for its value; the real one in it must still be seen."""
    value = ["a password:", "0123456-api_key=hunter2hunter2x"]
    assert any(each.text.startswith("hunter2") for each in detector.look(value))


def test_strings_are_not_joined_into_something_new(detector):
    assert not detector.look([KEY[:10], KEY[10:]])
    assert rules(detector.look(["ignore all", "previous instructions"])) == set()


def test_what_was_removed_is_not_found_again(detector):
    assert not detector.look("password=[redacted:secret.assigned] api_key: [redacted:secret.assigned]")


def test_a_private_key_is_seen_to_its_end(detector):
    body = "-----BEGIN EC PRIVATE KEY-----\n" + "MHcCAQEEIA" * 300 + "\n-----END EC PRIVATE KEY-----"
    (seen,) = detector.look({"t": f"key:\n{body}\nbye"})
    assert seen.text == body
    (cut,) = detector.look({"t": f"key:\n{body[:2000]}"})
    assert cut.text == body[:2000]


def test_the_number_of_sightings_is_bounded(detector):
    seen = detector.look([f"{KEY} " * (MOST + 10)])
    assert len(seen) == MOST + 1


@settings(max_examples=100, deadline=None)
@given(
    prefix=st.text(max_size=20),
    suffix=st.text(max_size=20),
    case=st.sampled_from([(r, t) for r, texts in SECRETS.items() for t in texts]),
)
def test_offsets_are_right_in_any_text(prefix, suffix, case):
    rule, text = case
    whole = f"{prefix} {text} {suffix}"
    for seen in DETECTOR.look({"v": whole}):
        finding = seen.finding
        assert whole[finding.start : finding.end] == seen.text
        assert seen.text not in finding.evidence
    assert rule in rules(DETECTOR.look({"v": whole}))


DETECTOR = PatternDetector(RULES)


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.text(max_size=8) | st.integers(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from([text for texts in SECRETS.values() for text in texts]),
)
def test_a_secret_is_seen_wherever_it_stands(value, secret):
    assert DETECTOR.look({"deep": [value, {"x": [secret]}]})
    assert DETECTOR.look(json.loads(json.dumps([value, secret], ensure_ascii=True)))


@pytest.mark.parametrize(
    "value",
    [
        "A" * 4_000_000,
        "password=" * 200_000,
        "-----BEGIN PRIVATE KEY-----" * 20_000,
        ["x"] * 150_000,
        {f"key{number}": "y" for number in range(80_000)},
        "ignore " * 300_000,
    ],
    ids=["long", "words", "keys", "list", "object", "almost"],
)
def test_huge_values_are_looked_at_in_bounded_time(detector, value):
    start = time.process_time()
    detector.look(value)
    assert time.process_time() - start < 40


@pytest.mark.parametrize("sign", ["a ", "\u20ac "])
def test_what_stands_far_back_in_a_long_string_is_located_in_bounded_time(detector, sign):
    many = "AKIAIOSFODNN7ABCDEFG " * 9000
    before = time.process_time()
    seen = detector.look({"text": sign * 500_000 + many, "more": [many[:21]]})
    assert time.process_time() - before < 50
    assert len(seen) == 9001
    assert [each.finding.start for each in seen] == [*range(1_000_000, 1_000_000 + 9000 * 21, 21), 0]


def test_deep_values_are_walked():
    value = KEY
    for _ in range(128):
        value = [value]
    assert rules(DETECTOR.look(value)) == {"secret.aws-access-key"}


def test_evidence_shows_at_most_a_quarter_of_a_secret_and_no_control_characters():
    assert masked("abcdefgh") == "ab… (8 characters)"
    assert masked("abc") == "… (3 characters)"
    assert excerpt("a\x1b[31m\u200bb" + "x" * 80) == "a [31m b" + "x" * 52 + "…"


def test_a_rule_that_cannot_be_used_is_an_error_of_ours():
    from keepgate.model.errors import LocalError

    with pytest.raises(LocalError):
        PatternDetector([Rule("secret.x", "x", Severity.LOW, Confidence.LIKELY, "a*")])
