"""Skills and instruction files: texts that agents read by themselves. Attacks by the detectors, and commands they bring."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from keepgate.model.finding import Confidence, Severity
from keepgate.model.scan import Location, ScanFinding
from keepgate.protocol.jsonc import Lines
from keepgate.scanner.detection import LONGEST, Detection
from keepgate.scanner.rule import Rule

ATTACK: Final = Rule(
    "instructions.attack",
    "a text that agents read by themselves carries an attack",
    Severity.HIGH,
    Confidence.LIKELY,
    ("OWASP-MCP06", "SAFE-T1102", "CWE-94"),
    "remove the passage, and find out how it came there",
)
SECRET: Final = Rule(
    "instructions.secret",
    "a secret stands in a text that agents read",
    Severity.HIGH,
    Confidence.CONFIRMED,
    ("OWASP-MCP01", "SAFE-T1502", "CWE-798"),
    "revoke it and take it out",
)
HIDDEN: Final = Rule(
    "instructions.hidden-text",
    "a text that agents read has parts that people cannot see",
    Severity.HIGH,
    Confidence.CONFIRMED,
    ("OWASP-MCP03", "SAFE-T1402", "CWE-116"),
    "remove the invisible characters",
)
RULES: Final = (ATTACK, SECRET, HIDDEN)


def look(file: str, text: str, detection: Detection) -> Iterator[ScanFinding]:
    """What is wrong with one file; one finding for each kind at its first place, the others as evidence."""
    lines = Lines(text)
    target = f"file:{file}"
    for finding in detection.instructions(text):
        if finding.confidence is Confidence.POSSIBLE:
            continue
        place = Location(file, *lines.place(finding.start))
        family = finding.rule.partition(".")[0]
        rule = {"attack": ATTACK, "secret": SECRET, "hidden": HIDDEN}.get(family)
        if rule is not None and not (rule is SECRET and finding.confidence is not Confidence.CONFIRMED):
            yield rule.at(target, place, f"{finding.title}: {finding.evidence}")
    if len(text) > LONGEST:
        yield ATTACK.at(
            target,
            Location(file, *lines.place(LONGEST)),
            f"{len(text)} characters",
            severity=Severity.LOW,
            title="the text is too long to be checked to its end",
        )
