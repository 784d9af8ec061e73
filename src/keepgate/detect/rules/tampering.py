"""Tampering: arguments of other calls are to be changed."""

from __future__ import annotations

from typing import Final

from keepgate.detect.grammar import Phrase
from keepgate.model.finding import Severity

_TAXONOMY: Final = ("OWASP-MCP03", "SAFE-T1001", "CWE-471")

PHRASES: Final = (
    Phrase(
        "attack.argument",
        "arguments of a call are to be changed",
        "tampering",
        ("WHEN", "CALL|SEND|READ", "IDENT|OTHERTOOL|TOOL", "PARAM", "CHANGE", "STRONG|MUST"),
        (3.0, 2.0, 0.0),
        near=260,
        taxonomy=_TAXONOMY,
        severity=Severity.HIGH,
    ),
    Phrase(
        "attack.argument-tool",
        "arguments of a named tool are to be changed",
        "tampering",
        ("IDENT", "PARAM", "CHANGE", "STRONG"),
        (2.0, 1.5, 0.0),
        near=200,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.recipient",
        "what is sent is to go to an address that the text gives",
        "tampering",
        ("SEND|CHANGE", "PARAM", "ADDRESS", "STRONG|INSTEAD|WHEN|MUST"),
        (2.0, 1.5, 0.0),
        near=200,
        taxonomy=_TAXONOMY,
        severity=Severity.HIGH,
    ),
    Phrase(
        "attack.redirect",
        "something is to be replaced instead of what the user said",
        "tampering",
        ("CHANGE", "INSTEAD", "USER|PARAM", "STRONG|WHEN"),
        (1.5, 1.0, 0.0),
        near=160,
        taxonomy=_TAXONOMY,
    ),
)
