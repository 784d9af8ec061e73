"""The rules of secrets: confirmed ones have a format, likely ones a name beside the value."""

import pytest

from keepgate.detect.detector import PatternDetector
from keepgate.detect.rules.secrets import RULES
from keepgate.model.finding import Confidence

DETECTOR = PatternDetector(RULES)


def test_every_rule_is_of_the_family_and_says_what_it_is():
    assert all(rule.family == "secret" and rule.title and rule.taxonomy for rule in RULES)
    assert {rule.confidence for rule in RULES} == {Confidence.CONFIRMED, Confidence.LIKELY}


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", False),
        ("AKIAIOSFODNN7EXAMPLE", True),  # from the documentation, and everybody's first test
        ("token=abcdefghijklmnop", False),  # no digit
        ("secret: 12345678901234567890", False),  # no letter
        ("api_key=your-key-here-123", False),
        ("api_key=<insert 12345 abcdef>", False),
    ],
)
def test_placeholders_are_no_secrets(text, seen):
    assert bool(DETECTOR.look(text)) is seen
