"""What needs no baseline: a honeytoken seen, a definition that changed, data flow that policy had to stop."""

from __future__ import annotations

from typing import Final, NamedTuple

from keepgate.model.finding import Severity
from keepgate.watch.alert import Alert, Sign, Subject
from keepgate.watch.event import Event


class Mark(NamedTuple):
    """What gives it away: a rule or finding that is or begins with one of these words, or the method of an event."""

    sign: Sign
    severity: Severity
    rules: tuple[str, ...]
    methods: tuple[str, ...]
    seen: str
    expected: str


MARKS: Final = (
    Mark(
        Sign.HONEYTOKEN,
        Severity.CRITICAL,
        ("honeytoken", "canary"),
        (),
        "a canary secret was in a message",
        "nobody can know it who did not take it",
    ),
    Mark(
        Sign.DRIFT,
        Severity.HIGH,
        ("pins", "drift"),
        ("lock.withheld", "drift"),
        "a server offers other than what was approved",
        "the definitions of the lock file",
    ),
    Mark(
        Sign.FLOW,
        Severity.MEDIUM,
        ("trifecta", "flow", "data-flow"),
        (),
        "data was about to flow where it must not",
        "no untrusted text and private data before an external sink",
    ),
)


TRIFECTA: Final = "trifecta"
"""The rule of the flow guard; where it only records, what it lets through is what must be told."""


def certain(event: Event) -> Alert | None:
    """The alert for what this event itself says, if it says anything."""
    said = (*event.rules, *event.findings)
    for mark in MARKS:
        if (event.own and event.method in mark.methods) or any(
            _is(word, text) for word in mark.rules for text in said
        ):
            if mark.sign is Sign.FLOW and event.effect == "allow" and TRIFECTA not in said:
                continue
            subject = Subject(principal=event.principal, server=event.server, name=event.name)
            seen = f"{mark.seen}: {event.method} {event.target}".rstrip()
            return Alert(event.time, mark.sign, mark.severity, subject, seen, mark.expected, (event.id,))
    return None


def _is(word: str, text: str) -> bool:
    return text == word or (text.startswith(word) and not text[len(word)].isalnum())
