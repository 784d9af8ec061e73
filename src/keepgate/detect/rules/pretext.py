"""Pretexts: policies, integrity and consistency as the reason for what a definition wants of all other calls."""

from __future__ import annotations

from typing import Final

from keepgate.detect.grammar import Phrase

_TAXONOMY: Final = ("OWASP-MCP03", "SAFE-T1001", "CWE-1427")

PHRASES: Final = (
    Phrase(
        "attack.rule-for-all",
        "sets a rule for all calls, not only its own",
        "global",
        ("GLOBAL", "MUST|CHANGE|BEFORE|STRONG", "CALL|TOOLNAME|SEND|READ|INCLUDE|THISTOOL|PARAM"),
        (1.0, 0.5, 0.0),
        near=160,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.pretext-named",
        "a policy is given as the reason for what a tool that it names has to do",
        "pretext",
        ("PRETEXT", "TOOLNAME|GLOBAL", "MUST|CHANGE|BEFORE|CALL"),
        (1.5, 0.5, 0.0),
        near=260,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.pretext-secret",
        "a policy is given as the reason for handing over secrets",
        "pretext",
        ("PRETEXT|THREAT", "SECRET|PATH|TALK", "SEND|INCLUDE|READ", "MUST|BEFORE|STRONG"),
        (1.0, 0.5, 0.0),
        near=200,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.value-fixed",
        "an argument is to have another value than the one asked for",
        "tampering",
        ("PARAM", "CHANGE", "INSTEAD", "ASKED|USER|STRONG"),
        (1.5, 0.5, 0.0),
        near=200,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.value-set",
        "arguments are to be changed in all cases",
        "tampering",
        ("PARAM|SEND", "CHANGE", "STRONG|GLOBAL|COVERT"),
        (0.5, 0.5, 0.0),
        near=120,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.wants-talk",
        "asks for the conversation, the prompt or the list of tools",
        "source",
        ("TALK",),
        (0.5, 0.5, 1.0),
        taxonomy=("OWASP-MCP10", "SAFE-T1910", "CWE-200"),
    ),
)
