"""Transfer: what is asked for, and where it is to go."""

from __future__ import annotations

from typing import Final

from keepgate.detect.grammar import Phrase
from keepgate.model.finding import Severity

_TAXONOMY: Final = ("OWASP-MCP10", "SAFE-T1910", "CWE-200", "OWASP-LLM02")

PHRASES: Final = (
    Phrase(
        "attack.send-secret",
        "secrets or private data are to be sent somewhere",
        "transfer",
        ("SEND", "SECRET", "ADDRESS"),
        (2.5, 2.0, 1.0),
        near=160,
        taxonomy=_TAXONOMY,
        severity=Severity.HIGH,
    ),
    Phrase(
        "attack.send-found",
        "something is to be found and sent to an address",
        "transfer",
        ("READ", "SEND", "ADDRESS"),
        (1.5, 1.0, 0.5),
        near=200,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.read-key-file",
        "a file with credentials is to be read",
        "source",
        ("READ|SEND|INCLUDE", "PATH"),
        (2.0, 1.0, 0.5),
        near=120,
        taxonomy=_TAXONOMY,
        severity=Severity.HIGH,
    ),
    Phrase(
        "attack.collect-talk",
        "the conversation or the system prompt is to be passed on",
        "source",
        ("SEND|INCLUDE", "TALK"),
        (2.0, 1.5, 1.5),
        near=90,
        taxonomy=_TAXONOMY,
        severity=Severity.HIGH,
    ),
    Phrase(
        "attack.prompt-leak",
        "the system prompt is to be shown",
        "source",
        ("SAY|READ|TELL", "TALK"),
        (0.5, 1.0, 2.0),
        near=60,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.pass-secret",
        "secrets are to be passed as an argument",
        "transfer",
        ("INCLUDE|SEND", "SECRET|PATH", "PARAM", "STRONG|MUST"),
        (1.0, 1.0, 0.0),
        near=120,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.file-contents",
        "the contents of a file with credentials are to be added to something",
        "transfer",
        ("INCLUDE|SEND|CHANGE", "READ", "PATH"),
        (2.0, 0.5, 0.0),
        near=90,
        taxonomy=_TAXONOMY,
        severity=Severity.HIGH,
    ),
)
