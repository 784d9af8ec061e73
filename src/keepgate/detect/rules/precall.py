"""Forced calls and preference: a tool wants to be called before or instead of others."""

from __future__ import annotations

from typing import Final

from keepgate.detect.grammar import Phrase

_TAXONOMY: Final = ("OWASP-MCP03", "SAFE-T1001", "SAFE-T1008", "CWE-1427")

PHRASES: Final = (
    Phrase(
        "attack.forced-call",
        "wants to be called before other tools",
        "precall",
        ("BEFORE", "OTHERTOOL", "STRONG|MUST|CALL|THISTOOL"),
        (2.5, 1.0, 0.0),
        near=140,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.forced-call-named",
        "wants to be called before a tool that it names",
        "precall",
        ("THISTOOL|CALL", "STRONG", "BEFORE", "IDENT"),
        (1.0, 0.5, 0.0),
        near=140,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.forced-call-always",
        "wants to be called each time",
        "precall",
        ("WHEN", "STRONG", "CALL", "THISTOOL"),
        (1.0, 0.5, 0.0),
        near=140,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.preference",
        "praises itself over other tools",
        "preference",
        ("BEST", "TOOL|THISTOOL|OTHERTOOL"),
        (3.0, 1.0, 0.0),
        near=60,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.prefer-this",
        "wants to be preferred",
        "preference",
        ("PREFERRED",),
        (1.5, 0.5, 0.0),
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.fingerprint",
        "wants to know which model calls it",
        "fingerprint",
        ("MODEL", "CALL", "THISTOOL"),
        (2.0, 0.0, 0.0),
        near=45,
        ordered=True,
        unless="WHEN",
        taxonomy=("OWASP-MCP10", "SAFE-T1910", "CWE-200"),
    ),
    Phrase(
        "attack.not-others",
        "wants other tools not to be used",
        "preference",
        ("NOT|INSTEAD", "CALL", "OTHERTOOL"),
        (2.0, 1.0, 0.0),
        near=70,
        taxonomy=_TAXONOMY,
    ),
)
