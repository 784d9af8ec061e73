"""Judging one artifact: the score grows with what is seen, the artifact stays as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.decide.actions import PROFILES
from keepgate.decide.check import judge, score
from keepgate.decide.guards.content import Content
from keepgate.detect.artifact import artifact_of
from keepgate.detect.detector import PatternDetector
from keepgate.detect.rules import RULES
from keepgate.model.finding import Confidence, Finding, Severity
from keepgate.model.verdict import Effect, Verdict
from tests.detect.corpus import SECRETS

GUARD = Content((PatternDetector(RULES),), *PROFILES["balanced"])
KEY = SECRETS["secret.aws-access-key"][0]


def finding(rule, severity=Severity.HIGH, confidence=Confidence.LIKELY):
    return Finding(rule, severity, confidence, "t")


def verdict(*findings):
    return Verdict(Effect.ALLOW, findings=findings)


@given(
    st.lists(
        st.builds(
            finding,
            st.sampled_from("abcd"),
            st.sampled_from(list(Severity)),
            st.sampled_from(list(Confidence)),
        ),
        max_size=8,
    )
)
def test_one_more_finding_never_lowers_the_score(findings):
    scores = [score(verdict(*findings[:count])) for count in range(len(findings) + 1)]
    assert scores[0] == 0
    assert scores == sorted(scores)
    assert 0 <= scores[-1] <= 1


def test_the_same_rule_twice_counts_once():
    assert score(verdict(finding("a"), finding("a"))) == score(verdict(finding("a")))


@pytest.mark.parametrize("kind", ["tool_output", "prompt", "resource", "code", "text", "tool"])
def test_every_kind_is_judged_and_left_as_it_was(kind):
    artifact = artifact_of({"id": 1, "kind": kind, "text": f"a {KEY} b"})
    answer = judge(artifact, GUARD)
    assert answer.verdict is Effect.REDACT
    assert answer.redacted == "a [redacted:secret.aws-access-key] b"
    assert artifact.content == f"a {KEY} b"


def test_what_cannot_be_removed_is_denied():
    answer = judge(artifact_of({"kind": "tool", "tool": {"name": KEY}}), GUARD)
    assert answer.verdict is Effect.DENY
    assert answer.redacted is None
    assert "reason" in answer.as_json()
