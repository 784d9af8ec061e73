"""Steering: what a tool, its arguments or its answer are turned to without the user, each a weak sign by itself."""

from __future__ import annotations

from typing import Final

from keepgate.detect.grammar import Phrase

_TAXONOMY: Final = ("OWASP-MCP03", "OWASP-MCP06", "SAFE-T1001", "CWE-1427")

PHRASES: Final = (
    Phrase(
        "attack.argument-required",
        "wants an argument of a tool that it names to be changed",
        "tampering",
        ("IDENT|WHEN", "PARAM", "CHANGE", "MUST"),
        (1.5, 1.0, 0.0),
        near=200,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.key-file-call",
        "wants another tool to be called on a file that holds credentials",
        "precall",
        ("CALL|BEFORE|MUST", "IDENT", "PATH"),
        (1.5, 1.5, 0.0),
        near=160,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.standing-copy",
        "wants things to be sent to an address each time",
        "transfer",
        ("SEND", "ADDRESS", "MUST|WHEN|COVERT|BEFORE"),
        (1.5, 0.5, 0.0),
        near=160,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.against-choice",
        "puts itself above what the user asks for",
        "defiance",
        ("INSTEAD", "USER"),
        (1.5, 1.0, 0.5),
        near=50,
        ordered=True,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.not-asked",
        "wants something done without the user being asked",
        "unasked",
        ("CALL|SEND|OBEY|READ|CHANGE", "NOT", "CONFIRM", "USER"),
        (1.0, 1.0, 0.5),
        near=120,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.model-sends",
        "tells a model to pass something on",
        "addressed",
        ("MODEL", "SEND|INCLUDE", "ADDRESS|SECRET|TALK|PATH|MONEY|IDENT"),
        (1.5, 1.0, 0.5),
        near=160,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.model-obeys",
        "tells a model what it has to do",
        "addressed",
        ("MODEL", "STRONG|PLEASE", "READ|SEND|CALL|INCLUDE|CHANGE|IGNORE|SAY|OBEY"),
        (1.0, 1.5, 0.5),
        near=90,
        ordered=True,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.secret-argument",
        "wants a secret as an argument",
        "source",
        ("INCLUDE|READ", "SECRET|PATH|TALK", "PARAM|IDENT", "MUST|BEFORE|PLEASE|THREAT"),
        (1.5, 0.5, 0.0),
        near=160,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.no-notice",
        "says that the user is not to be told",
        "concealment",
        ("USER", "NOT", "TELL|CONFIRM|COVERT"),
        (1.5, 1.0, 0.5),
        near=45,
        ordered=True,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.use-instead",
        "sends the model from this tool to one that it names",
        "redirection",
        ("GONE", "PLEASE|MUST|CALL", "IDENT"),
        (1.0, 1.5, 0.0),
        near=120,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.order",
        "orders its reader to call a tool that it names",
        "order",
        ("YOU|MODEL", "STRONG", "CALL|SEND", "IDENT"),
        (0.5, 1.5, 0.0),
        near=60,
        ordered=True,
        taxonomy=_TAXONOMY,
    ),
)
