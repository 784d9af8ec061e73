"""SARIF 2.1.0, as code hosts show it beside the line: every finding at its line and column, with fingerprints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import orjson

from keepgate.model.finding import Severity
from keepgate.model.scan import Location, ScanFinding, ScanReport
from keepgate.reports.text import visible

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final[Mapping[Severity, str]] = {
    Severity.INFO: "note",
    Severity.LOW: "note",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "error",
    Severity.CRITICAL: "error",
}
_SCORES: Final[Mapping[Severity, str]] = {
    Severity.INFO: "0.0",
    Severity.LOW: "3.0",
    Severity.MEDIUM: "5.5",
    Severity.HIGH: "8.0",
    Severity.CRITICAL: "9.5",
}


def render(report: ScanReport, version: str) -> bytes:
    """The report as one SARIF log."""
    rules = {finding.rule: finding for finding in (*report.findings, *report.suppressed)}
    order = {rule: index for index, rule in enumerate(sorted(rules))}
    results = [_result(finding, order) for finding in report.findings]
    results += [
        {**_result(finding, order), "suppressions": [{"kind": "external", "status": "accepted"}]}
        for finding in report.suppressed
    ]
    notes = [
        {"level": "note", "message": {"text": f"not checked: {_text(gap.what)}: {_text(gap.why)}"}}
        for gap in report.gaps
    ]
    run = {
        "tool": {
            "driver": {
                "name": "keepgate",
                "semanticVersion": version,
                "informationUri": "https://pypi.org/project/keepgate/",
                "rules": [_rule(rules[rule]) for rule in order],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": results,
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notes}],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return orjson.dumps(log, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _rule(finding: ScanFinding) -> dict[str, Any]:
    return {
        "id": finding.rule,
        "shortDescription": {"text": _text(finding.title)},
        "help": {"text": _text(finding.fix) or _text(finding.title)},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
        "properties": {
            "tags": ["security", *finding.taxonomy],
            "security-severity": _SCORES[finding.severity],
        },
    }


def _result(finding: ScanFinding, order: Mapping[str, int]) -> dict[str, Any]:
    told = f"{finding.title}: {finding.evidence}" if finding.evidence else finding.title
    out: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": order[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{_text(finding.target)}: {_text(told)}. {_text(finding.fix)}".strip()},
        "locations": [_location(finding.location)],
        "partialFingerprints": {"keepgate/v1": finding.fingerprint},
        "properties": {
            "severity": finding.severity.name.lower(),
            "confidence": finding.confidence.value,
            "security-severity": _SCORES[finding.severity],
        },
    }
    if finding.also:
        out["relatedLocations"] = [
            {"id": index, **_location(each)} for index, each in enumerate(finding.also, 1)
        ]
    return out


def _location(place: Location) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": uri(place.file)}}
    if place.line:
        physical["region"] = {"startLine": place.line, "startColumn": max(place.column, 1)}
    return {"physicalLocation": physical}


def uri(file: str) -> str:
    """A path as a relative reference or a file URI."""
    path = file.replace("\\", "/")
    encoded = quote(path.encode("utf-8", errors="backslashreplace"), safe="/:@!$&'()*+,;=~-._")
    if path[1:3] == ":/":
        return "file:///" + encoded
    return "file://" + encoded if path.startswith("/") else encoded.replace(":", "%3A")


def _text(text: str) -> str:
    return visible(text, kept="\n")
