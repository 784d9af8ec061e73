"""JSON: the shape of docs/scan.md, stable and versioned."""

from __future__ import annotations

from typing import Any

import orjson

from keepgate.model.scan import Location, ScanFinding, ScanReport
from keepgate.reports.text import encodable


def render(report: ScanReport) -> bytes:
    """The report as one JSON object."""
    return orjson.dumps(encodable(as_json(report)), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def as_json(report: ScanReport) -> dict[str, Any]:
    """The report as plain data."""
    return {
        "version": 1,
        "findings": [finding_as_json(finding) for finding in report.findings],
        "inventory": [dict(each) for each in report.inventory],
        "coverage": [
            {"what": each.what, "checked": each.checked, "why": each.why} for each in report.coverage
        ],
        "suppressed": [finding_as_json(finding) for finding in report.suppressed],
    }


def finding_as_json(finding: ScanFinding) -> dict[str, Any]:
    """One finding."""
    out: dict[str, Any] = {
        "rule": finding.rule,
        "severity": finding.severity.name.lower(),
        "confidence": finding.confidence.value,
        "title": finding.title,
        "target": finding.target,
        "location": _location(finding.location),
        "evidence": finding.evidence,
        "fix": finding.fix,
        "taxonomy": list(finding.taxonomy),
        "fingerprint": finding.fingerprint,
    }
    if finding.also:
        out["also"] = [_location(each) for each in finding.also]
    return out


def _location(place: Location) -> dict[str, Any]:
    return {"file": place.file, "line": place.line, "column": place.column}
