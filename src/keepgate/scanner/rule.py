"""A rule of the scanner: what is always the same about a finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keepgate.model.finding import Confidence, Severity
from keepgate.model.scan import Location, ScanFinding

_SHOWN = 160


@dataclass(frozen=True, slots=True)
class Rule:
    """`id` never changes; `fix` says what to do. A finding may be graver or milder than its rule, never silent."""

    id: str
    title: str
    severity: Severity
    confidence: Confidence
    taxonomy: tuple[str, ...]
    fix: str

    def at(self, target: str, location: Location, evidence: str = "", **changed: Any) -> ScanFinding:
        """A finding of this rule; `changed` may give another severity, confidence, title or fix."""
        return ScanFinding(
            self.id,
            changed.get("severity", self.severity),
            changed.get("confidence", self.confidence),
            changed.get("title", self.title),
            target,
            location,
            shown(evidence),
            changed.get("fix", self.fix),
            self.taxonomy,
        )


def shown(text: str, limit: int = _SHOWN) -> str:
    """Outside text as it may stand in a finding: control and invisible characters escaped, cut."""
    cut = text[:limit]
    clean = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut)
    return clean + ("…" if len(text) > limit else "")
