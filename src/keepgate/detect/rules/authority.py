"""Authority: text that says that it comes from the system, the developer or the user, or is meant for the model."""

from __future__ import annotations

from typing import Final

from keepgate.detect.grammar import Phrase

_TAXONOMY: Final = ("OWASP-MCP06", "SAFE-T1102", "CWE-346", "OWASP-LLM01")

PHRASES: Final = (
    Phrase(
        "attack.marked-block",
        "a block marked as meant for the model",
        "authority",
        ("BLOCK",),
        (1.5, 1.0, 1.0),
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.from-user",
        "says that it comes from the user or an administrator",
        "authority",
        ("FROMME",),
        (2.0, 1.5, 0.5),
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.vocative",
        "addresses the model and tells it what to do",
        "addressed",
        ("VOCATIVE", "READ|SEND|CALL|INCLUDE|CHANGE|IGNORE|SAY|OBEY|DO"),
        (2.0, 2.5, 0.5),
        near=140,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.risky",
        "something with consequences is to be done at once or for somebody else",
        "act",
        ("DO|SEND", "SECRET|TALK|PATH|ADDRESS|MONEY|USER"),
        (0.5, 0.5, 0.0),
        near=90,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.to-model",
        "speaks to the model",
        "addressed",
        ("MODEL", "MUST|PLEASE|OBEY|URGENT|NEWTASK", "READ|SEND|CALL|INCLUDE|CHANGE|IGNORE|SAY|OBEY"),
        (0.5, 1.0, 0.5),
        near=100,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.notice",
        "an order in the name of an authority",
        "authority",
        ("AUTH", "URGENT|NEWTASK|BLOCK", "MUST|PLEASE|OBEY|CALL|SEND|READ"),
        (0.5, 1.0, 0.5),
        near=120,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.policy",
        "a policy or regulation is given as the reason",
        "pretext",
        ("AUTH", "MUST|STRONG", "CALL|CHANGE|SEND|READ|INCLUDE"),
        (1.0, 0.5, 0.0),
        near=160,
        taxonomy=_TAXONOMY,
    ),
    Phrase(
        "attack.threat",
        "something bad is said to follow otherwise",
        "coercion",
        ("THREAT", "MUST|STRONG|CALL|THISTOOL|OTHERTOOL"),
        (0.5, 0.5, 0.5),
        near=160,
        taxonomy=_TAXONOMY,
    ),
)
