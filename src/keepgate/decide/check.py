"""Judges one artifact as the content guard would judge it in a message to a client."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Final

from keepgate.decide.guards.content import Content
from keepgate.decide.rewrite import apply
from keepgate.detect.artifact import Artifact
from keepgate.model.finding import Confidence, Finding, Severity
from keepgate.model.message import Json
from keepgate.model.verdict import ALLOW, Effect, Verdict

_WEIGHT: Final = {Confidence.CONFIRMED: 1.0, Confidence.LIKELY: 0.75, Confidence.POSSIBLE: 0.25}
_GRAVITY: Final = {
    Severity.INFO: 0.1,
    Severity.LOW: 0.4,
    Severity.MEDIUM: 0.7,
    Severity.HIGH: 0.9,
    Severity.CRITICAL: 1.0,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What follows from an artifact. `score` is 0 where nothing was seen and 1 where nothing is left to doubt."""

    id: str | int | float | None
    verdict: Effect
    score: float
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    redacted: Json = None
    """The content without what had to go; None unless the verdict is REDACT."""

    def as_json(self) -> dict[str, Any]:
        """The line that `keepgate check` writes."""
        out: dict[str, Any] = {
            "id": self.id,
            "verdict": self.verdict.name.lower(),
            "score": round(self.score, 4),
            "findings": [_finding(finding) for finding in self.findings],
        }
        if self.reason:
            out["reason"] = self.reason
        if self.redacted is not None:
            out["redacted"] = self.redacted
        return out


def judge(artifact: Artifact, content: Content) -> Answer:
    """The verdict of a content guard on an artifact. The artifact is not changed."""
    verdict = content.judge_artifact(artifact) or ALLOW
    redacted = None
    if verdict.effect is Effect.REDACT:
        body = {artifact.member: copy.deepcopy(artifact.content)}
        apply(body, verdict.edits)
        redacted = body[artifact.member]
    return Answer(artifact.id, verdict.effect, score(verdict), verdict.findings, verdict.reason, redacted)


def score(verdict: Verdict) -> float:
    """How much was seen: the findings as independent reasons, each by its confidence and severity."""
    innocent = 1.0
    for rule in {finding.rule for finding in verdict.findings}:
        innocent *= 1 - max(
            _WEIGHT[finding.confidence] * _GRAVITY[finding.severity]
            for finding in verdict.findings
            if finding.rule == rule
        )
    return 1 - innocent


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.name.lower(),
        "confidence": finding.confidence.value,
        "path": finding.path,
        "start": finding.start,
        "end": finding.end,
        "evidence": finding.evidence,
        "taxonomy": list(finding.taxonomy),
    }
