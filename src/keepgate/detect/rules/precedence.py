"""Precedence: what was said before is to count no longer, something else is to come first."""

from __future__ import annotations

from typing import Final

from keepgate.detect.grammar import Phrase
from keepgate.model.finding import Severity

_TAXONOMY: Final = ("OWASP-MCP06", "SAFE-T1102", "CWE-1427", "OWASP-LLM01")
_HIGH: Final = Severity.HIGH

PHRASES: Final = (
    Phrase(
        "attack.override",
        "earlier instructions are to be ignored",
        "precedence",
        ("IGNORE", "PRIOR", "INSTR|TALK"),
        (3.0, 3.0, 3.0),
        near=70,
        clause=True,
        taxonomy=_TAXONOMY,
        severity=_HIGH,
    ),
    Phrase(
        "attack.override-all",
        "all instructions are to be ignored",
        "precedence",
        ("IGNORE", "QUANT", "INSTR|TALK"),
        (2.0, 2.0, 2.5),
        near=45,
        ordered=True,
        clause=True,
        taxonomy=_TAXONOMY,
        severity=_HIGH,
    ),
    Phrase(
        "attack.ignore-instructions",
        "instructions are to be ignored",
        "precedence",
        ("IGNORE", "INSTR"),
        (1.5, 1.0, 1.0),
        near=40,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.forget-everything",
        "what was there before is to be forgotten",
        "precedence",
        ("IGNORE", "PRIOR|QUANT"),
        (0.5, 0.5, 1.5),
        near=30,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.new-task",
        "another task is to be followed",
        "hijack",
        ("NEWTASK", "OBEY|MUST|PLEASE|URGENT"),
        (0.5, 1.5, 1.0),
        near=80,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.task-first",
        "something is to be done before the user's task",
        "hijack",
        ("BEFORE", "TASKDONE|NEWTASK", "PLEASE|MUST|OBEY|NEWTASK", "YOU|FROMME|MODEL"),
        (2.0, 2.5, 1.5),
        near=160,
        taxonomy=_TAXONOMY,
        severity=_HIGH,
    ),
    Phrase(
        "attack.task-over",
        "the user's task is said to be done and another one follows",
        "hijack",
        ("TASKDONE", "NEWTASK|URGENT"),
        (1.5, 2.0, 1.5),
        near=200,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.strictly",
        "the following is to be obeyed to the letter",
        "obedience",
        ("STRONG", "OBEY", "NEWTASK|INSTR"),
        (1.0, 2.0, 1.5),
        near=90,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.instead",
        "something else is to be done instead",
        "hijack",
        ("INSTEAD", "SAY|CALL|SEND|OBEY", "YOU|PLEASE|ONLY|MODEL"),
        (0.0, 0.5, 1.0),
        near=60,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.tool-gone",
        "a tool is said to be gone",
        "redirection",
        ("GONE", "TOOL|THISTOOL|IDENT"),
        (0.5, 1.0, 0.0),
        near=100,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.other-tool",
        "another tool is to be used instead",
        "hijack",
        ("CALL|SEND", "TOOL|IDENT", "INSTEAD"),
        (0.5, 1.0, 0.0),
        near=90,
        taxonomy=_TAXONOMY,
    ),
)
