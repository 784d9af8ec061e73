"""Forged: turns of a conversation, ends of data, answers on the model's behalf, code that is to be put into answers."""

from __future__ import annotations

from typing import Final

from keepgate.detect.grammar import Phrase
from keepgate.model.finding import Severity

_TAXONOMY: Final = ("OWASP-MCP06", "SAFE-T1102", "CWE-1427", "OWASP-LLM01")

PHRASES: Final = (
    Phrase(
        "attack.turn-of-model",
        "a turn of the model is forged",
        "turn",
        ("TURN_AI",),
        (0.5, 0.5, 0.5),
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.turn-of-user",
        "a turn of the user or the system is forged",
        "turn-user",
        ("TURN_USER",),
        (0.5, 0.5, 0.5),
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.insert-code",
        "code is to be put into what the model writes",
        "code",
        ("CODEBLOCK", "YOURWORK", "EMBED"),
        (1.0, 2.0, 0.0),
        near=160,
        taxonomy=_TAXONOMY,
        severity=Severity.HIGH,
    ),
    Phrase(
        "attack.use-code",
        "code in the text is to be used",
        "code",
        ("AFTER|NEWTASK", "CODEBLOCK", "EMBED"),
        (0.5, 0.5, 0.0),
        near=80,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.hostile-code",
        "code that does harm",
        "hostile",
        ("HOSTILE",),
        (0.5, 0.5, 0.0),
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.refusal",
        "the model is made to stop or to solve something first",
        "hijack",
        ("REFUSED",),
        (0.5, 1.0, 0.5),
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.verdict",
        "a verdict is dictated",
        "dictation",
        ("VERDICT", "MODEL|ONLY|SAY|MUST|NOT|DO"),
        (0.5, 1.0, 0.0),
        near=120,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.done-and-next",
        "a task is said to be done, and something is asked for",
        "hijack",
        ("TASKDONE", "PLEASE|DO|SEND|CALL|NEWTASK"),
        (0.5, 1.0, 0.5),
        near=160,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.act-for-model",
        "a model is to do something",
        "addressed",
        ("MODEL|VOCATIVE", "DO|SEND|READ|SAY|CALL|IGNORE|INCLUDE|CHANGE"),
        (0.5, 0.5, 0.0),
        near=120,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.asks-please",
        "a request in the words of somebody who is not asked",
        "request",
        ("PLEASE|URGENT", "DO|SEND|READ|SAY"),
        (0.0, 0.5, 0.0),
        near=80,
        ordered=True,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.needed-to-go-on",
        "something is to be handed over or called before a result is given",
        "demand",
        (
            "BEFORE|TASKDONE|THREAT",
            "MUST|YOU|PLEASE|MODEL|CALL",
            "CALL|SEND|INCLUDE|READ",
            "SECRET|PATH|TOOLNAME|IDENT",
        ),
        (0.5, 1.5, 0.0),
        near=160,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.secret-asked",
        "a secret is asked for",
        "source",
        ("SAY|TELL|READ|SEND|INCLUDE", "SECRET"),
        (0.5, 0.5, 0.5),
        near=60,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.pretend",
        "something else is to be pretended",
        "role",
        ("ROLE", "SAY|IGNORE|UNBOUND|OBEY|NOT"),
        (0.5, 1.0, 0.5),
        near=160,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.system-changed",
        "says that rules or the state of the system have changed",
        "authority",
        ("AUTH|BLOCK|TURN_USER", "UNBOUND|ROLE|IGNORE|NEWTASK"),
        (0.5, 1.0, 0.5),
        near=140,
        taxonomy=_TAXONOMY,
    ),
)
