"""Concealment: the person at the client is to be kept from knowing, or from being asked."""

from __future__ import annotations

from typing import Final

from keepgate.detect.grammar import Phrase
from keepgate.model.finding import Severity

_TAXONOMY: Final = ("OWASP-MCP03", "SAFE-T1001", "CWE-451", "OWASP-LLM01")

PHRASES: Final = (
    Phrase(
        "attack.secrecy",
        "the user is not to be told",
        "concealment",
        ("NOT", "TELL", "USER"),
        (2.5, 2.5, 1.5),
        near=60,
        ordered=True,
        taxonomy=_TAXONOMY,
        severity=Severity.HIGH,
    ),
    Phrase(
        "attack.secrecy-turned",
        "the user is not to be told",
        "concealment",
        ("USER", "TELL", "NOT"),
        (2.0, 2.0, 1.0),
        near=40,
        ordered=True,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.secrecy-between",
        "the user is not to be told",
        "concealment",
        ("USER", "NOT", "TELL"),
        (1.0, 1.0, 0.5),
        near=40,
        ordered=True,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.covert",
        "something is to be done in secret",
        "concealment",
        ("COVERT", "SEND|READ|CALL|INCLUDE|CHANGE|OBEY|MUST"),
        (1.5, 1.0, 1.0),
        near=60,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.no-confirmation",
        "nobody is to be asked",
        "unasked",
        ("NOT", "CONFIRM", "CALL|SEND|OBEY|MUST|USER|READ|CHANGE"),
        (0.5, 1.0, 0.5),
        near=70,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.never-mention",
        "this is not to be mentioned",
        "concealment",
        ("NOT", "TELL", "THISTOOL|TOOL|INSTR|NEWTASK|COVERT"),
        (1.0, 1.0, 1.0),
        near=45,
        ordered=True,
        taxonomy=_TAXONOMY,
    ),
)
