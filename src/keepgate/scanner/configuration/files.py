"""Findings about the files themselves: unreadable, read in two ways, or open to others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from keepgate.model.finding import Confidence, Severity
from keepgate.model.scan import Oddity, ScanFinding
from keepgate.scanner.rule import Rule

UNREADABLE: Final = Rule(
    "config.unreadable",
    "the file cannot be read, so nothing in it was checked",
    Severity.LOW,
    Confidence.CONFIRMED,
    ("OWASP-MCP09", "CWE-20"),
    "correct the file where it says; a client may still read it",
)
TOO_LARGE: Final = Rule(
    "config.too-large",
    "the file is far larger than a configuration is",
    Severity.MEDIUM,
    Confidence.CONFIRMED,
    ("OWASP-MCP09", "CWE-400"),
    "find out what is in it; no client's configuration is that large",
)
DUPLICATE: Final = Rule(
    "config.duplicate-key",
    "a key stands twice: a reader and a client may see different things",
    Severity.MEDIUM,
    Confidence.CONFIRMED,
    ("OWASP-MCP09", "CWE-436"),
    "keep the one that is meant",
)
CASE: Final = Rule(
    "config.case-variant",
    "a key is spelled so that some clients read it and others do not",
    Severity.MEDIUM,
    Confidence.LIKELY,
    ("OWASP-MCP09", "CWE-178"),
    "spell the key as the client's documentation does",
)
WRITABLE: Final = Rule(
    "config.writable",
    "everybody on this machine can change what is started",
    Severity.HIGH,
    Confidence.CONFIRMED,
    ("OWASP-MCP09", "SAFE-T1206", "CWE-732"),
    "chmod 600 the file",
)
BAD_ENTRY: Final = Rule(
    "config.bad-entry",
    "an entry is no description of a server",
    Severity.LOW,
    Confidence.CONFIRMED,
    ("OWASP-MCP09", "CWE-20"),
    "correct or remove it",
)
RULES: Final = (UNREADABLE, TOO_LARGE, DUPLICATE, CASE, WRITABLE, BAD_ENTRY)
_BY_KIND: Final = {
    "unreadable": UNREADABLE,
    "too-large": TOO_LARGE,
    "duplicate-key": DUPLICATE,
    "case-variant": CASE,
    "writable": WRITABLE,
    "bad-entry": BAD_ENTRY,
}


def look(oddities: Iterable[Oddity]) -> Iterator[ScanFinding]:
    """The findings about files."""
    for odd in oddities:
        rule = _BY_KIND[odd.kind]
        target = (
            f"server:{odd.target}"
            if odd.inside and odd.target != odd.location.file
            else f"file:{odd.location.file}"
        )
        milder = rule is DUPLICATE and not odd.inside
        yield rule.at(target, odd.location, odd.text, severity=Severity.LOW if milder else rule.severity)
