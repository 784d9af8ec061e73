"""One finding for one root cause: what shows at several places is told once, with all of them; worst first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from keepgate.model.scan import ScanFinding


def merged(findings: Iterable[ScanFinding]) -> tuple[ScanFinding, ...]:
    """The findings without repetitions, the gravest first, then by file and line."""
    causes: dict[tuple[str, str, str], ScanFinding] = {}
    for finding in findings:
        cause = (finding.rule, finding.target, finding.evidence)
        known = causes.get(cause)
        if known is None:
            causes[cause] = finding
        elif finding.location != known.location and finding.location not in known.also:
            causes[cause] = replace(
                known, also=(*known.also, finding.location), severity=max(known.severity, finding.severity)
            )
    return tuple(
        sorted(causes.values(), key=lambda each: (-each.severity, each.location, each.rule, each.target))
    )
