"""Commands and addresses that a tool's arguments or a text should hardly ever carry."""

from __future__ import annotations

from typing import Final

from keepgate.detect.detector import Rule
from keepgate.model.finding import Confidence, Severity

RULES: Final = (
    Rule(
        "attack.pipe-to-shell",
        "a download that is run at once",
        Severity.HIGH,
        Confidence.POSSIBLE,
        r"(?i)\b(?:curl|wget)\s[^\n|]{1,200}\|\s{0,3}(?:sudo )?(?:ba|z|da|k)?sh\b",
        ("CWE-78",),
    ),
    Rule(
        "attack.encoded-shell",
        "an encoded command that is run",
        Severity.HIGH,
        Confidence.LIKELY,
        r"(?i)\bbase64\s(?:-d|--decode|-D)[^\n]{0,80}\|\s{0,3}(?:ba|z|da|k)?sh\b|"
        r"\bpowershell(?:\.exe)?[^\n]{0,60}\s-e(?:nc|ncodedcommand)?\s[a-z0-9+/=]{20}",
        ("CWE-78",),
    ),
    Rule(
        "attack.metadata-address",
        "the address of a cloud's instance metadata",
        Severity.HIGH,
        Confidence.LIKELY,
        r"(?i)\b(?:169\.254\.169\.254|metadata\.google\.internal|fd00:ec2::254)\b",
        ("CWE-918",),
    ),
    Rule(
        "attack.traversal",
        "a path that climbs out of its directory",
        Severity.MEDIUM,
        Confidence.POSSIBLE,
        r"(?:\.\./|\.\.\\){3}|(?i:%2e%2e(?:%2f|/)){2}",
        ("CWE-22",),
    ),
    Rule(
        "attack.sql",
        "SQL that breaks out of a value",
        Severity.MEDIUM,
        Confidence.POSSIBLE,
        r"(?i)'\s{0,3}(?:or|and)\s{1,3}'?1'?\s{0,3}=\s{0,3}'?1|;\s{0,3}drop\s{1,3}table\b|\bunion\s{1,3}(?:all\s{1,3})?"
        r"select\s[^\n]{0,80}\sfrom\b",
        ("CWE-89",),
    ),
)
