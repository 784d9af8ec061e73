"""Named tools: a definition speaks of a tool that is not its own, and of what is to be done to it or with it.

Own parameters and the tool's own name are no such names (`detect.instructions`); tools of the same server often are, so
a name by itself weighs next to nothing.
"""

from __future__ import annotations

from typing import Final

from keepgate.detect.grammar import Phrase
from keepgate.model.finding import Severity

_TAXONOMY: Final = ("OWASP-MCP03", "SAFE-T1001", "SAFE-T1008", "CWE-1427")

PHRASES: Final = (
    Phrase(
        "attack.named-argument",
        "speaks of changing an argument of a tool that it names",
        "tampering",
        ("TOOLNAME", "PARAM", "CHANGE"),
        (1.5, 0.5, 0.0),
        near=200,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.named-against-user",
        "wants a tool that it names to do something else than the user asked for",
        "defiance",
        ("TOOLNAME|CHANGE", "INSTEAD", "ASKED|USER"),
        (1.5, 0.5, 0.0),
        near=220,
        taxonomy=_TAXONOMY,
        severity=Severity.HIGH,
    ),
    Phrase(
        "attack.named-secret",
        "wants a tool that it names to be used on secrets",
        "source",
        ("TOOLNAME", "PATH|SECRET|TALK", "CALL|READ|SEND|INCLUDE|MUST|BEFORE"),
        (1.5, 1.0, 0.0),
        near=160,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.named-address",
        "wants a tool that it names to be used with an address",
        "transfer",
        ("TOOLNAME", "ADDRESS", "CALL|SEND|MUST|CHANGE|BEFORE|INCLUDE"),
        (1.0, 0.5, 0.0),
        near=160,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.named-first",
        "wants a tool that it names to be called at some point",
        "precall",
        ("TOOLNAME", "BEFORE|WHEN|AFTER", "MUST|CALL"),
        (0.5, 0.5, 0.0),
        near=160,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.named-bad",
        "speaks ill of another tool",
        "redirection",
        ("TOOLNAME|OTHERTOOL|IDENT", "DISPARAGE", "CALL|INSTEAD|NOT|THISTOOL|MUST"),
        (1.0, 0.5, 0.0),
        near=120,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.named",
        "names a tool that is not its own",
        "named",
        ("TOOLNAME",),
        (0.5, 0.0, 0.0),
        taxonomy=_TAXONOMY,
    ),
)
