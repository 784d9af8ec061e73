"""Roles and dictation: the model is to be somebody else, without limits, or to say what it is told."""

from __future__ import annotations

from typing import Final

from keepgate.detect.grammar import Phrase

_TAXONOMY: Final = ("OWASP-LLM01", "SAFE-T1102", "CWE-1427")

PHRASES: Final = (
    Phrase(
        "attack.new-role",
        "the model is put into another role",
        "role",
        ("ROLE",),
        (0.5, 0.5, 1.0),
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.no-limits",
        "the model is to have no limits",
        "unbound",
        ("UNBOUND", "MODEL|ROLE|YOU|SAY"),
        (0.5, 0.5, 1.0),
        near=160,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.dictation",
        "the answer is dictated",
        "dictation",
        ("ONLY", "SAY"),
        (0.0, 0.5, 0.5),
        near=30,
        ordered=True,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.ignore-and-say",
        "the text is to be ignored and something else said",
        "dictation",
        ("IGNORE", "SAY"),
        (0.5, 1.5, 1.0),
        near=60,
        ordered=True,
        taxonomy=_TAXONOMY,
    ),
)
