"""A baseline: findings that somebody accepted, each with a reason and, if wished, an end. What is over counts again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

import orjson

from keepgate.model.errors import ConfigError
from keepgate.model.scan import ScanFinding, ScanReport

VERSION: Final = 1
UNEXPLAINED: Final = "not yet explained"


@dataclass(frozen=True, slots=True)
class Accepted:
    """One accepted finding."""

    fingerprint: str
    reason: str
    until: str = ""
    """An ISO date; from the day after on it counts again."""


def parse(body: bytes, name: str) -> dict[str, Accepted]:
    """The accepted findings of a file. Raises ConfigError."""
    try:
        value = orjson.loads(body)
        items = value["accepted"]
        assert value["version"] == VERSION
        found = [
            Accepted(str(each["fingerprint"]), str(each["reason"]), str(each.get("until", "")))
            for each in items
        ]
        for each in found:
            if each.until:
                date.fromisoformat(each.until)
    except (ValueError, KeyError, TypeError, AssertionError, AttributeError):
        raise ConfigError(
            f"`{name}` is no baseline: write one with `keepgate scan --write-baseline`", where=name
        ) from None
    return {each.fingerprint: each for each in found}


def applied(report: ScanReport, accepted: dict[str, Accepted], today: date) -> ScanReport:
    """The report without what is accepted and not over."""
    kept: list[ScanFinding] = []
    gone: list[ScanFinding] = []
    for finding in report.findings:
        known = accepted.get(finding.fingerprint)
        over = known is not None and known.until and date.fromisoformat(known.until) < today
        (gone if known is not None and not over else kept).append(finding)
    return replace(report, findings=tuple(kept), suppressed=(*report.suppressed, *gone))


def written(findings: Iterable[ScanFinding], known: dict[str, Accepted], reason: str, until: str) -> bytes:
    """A file that accepts these findings; reasons given before are kept."""
    accepted: list[dict[str, Any]] = []
    for finding in sorted(findings, key=lambda each: each.fingerprint):
        before = known.get(finding.fingerprint)
        entry = {
            "fingerprint": finding.fingerprint,
            "rule": finding.rule,
            "target": finding.target,
            "file": finding.location.file,
            "reason": before.reason if before else reason or UNEXPLAINED,
        }
        end = before.until if before else until
        accepted.append({**entry, **({"until": end} if end else {})})
    value = {"version": VERSION, "accepted": accepted}
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
