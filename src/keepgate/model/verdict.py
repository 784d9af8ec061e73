"""The answer of a guard and how answers are joined: ALLOW < REDACT < ASK < DENY, most restrictive wins."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from keepgate.model.finding import Finding


class Effect(IntEnum):
    """What happens to a message, least restrictive first."""

    ALLOW = 0
    REDACT = 1
    ASK = 2
    DENY = 3


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the value at JSON pointer `path` of the message body by `value`."""

    path: str
    value: object


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision with its reasons.

    `reason` is public, `private` is for the log only. `hidden` means: answer exactly as if the thing did not exist.
    `rules` are the determining policies or limits. `retry_after` is in seconds, for rates and quotas.
    """

    effect: Effect
    reason: str = ""
    guard: str = ""
    private: str = ""
    hidden: bool = False
    retry_after: float | None = None
    rules: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    edits: tuple[Edit, ...] = ()
    obligations: tuple[str, ...] = ()
    observed: Effect = Effect.ALLOW
    """What policy says instead, where observe mode lets the message through: ASK or DENY."""
    told: bytes = b""
    """JSON of what policy was told of the message beyond who, what and when; for the record only"""


ALLOW = Verdict(Effect.ALLOW)


def deny(
    reason: str, *, guard: str = "", private: str = "", hidden: bool = False, rules: tuple[str, ...] = ()
) -> Verdict:
    """A DENY verdict. `hidden=True` makes the denied thing look non-existent."""
    return Verdict(Effect.DENY, reason, guard, private, hidden=hidden, rules=rules)


def join(first: Verdict, second: Verdict) -> Verdict:
    """The more restrictive of two verdicts, with the rules, findings, edits and obligations of both.

    On a tie the first keeps the reason. A hidden DENY wins over a plain one: revealing that something exists must not
    depend on the order of guards.
    """
    lead, other = first, second
    if second.effect > first.effect or (second.effect is first.effect and second.hidden and not first.hidden):
        lead, other = second, first
    return Verdict(
        lead.effect,
        lead.reason,
        lead.guard,
        lead.private,
        lead.hidden,
        lead.retry_after if lead.retry_after is not None else other.retry_after,
        first.rules + second.rules,
        first.findings + second.findings,
        first.edits + second.edits,
        first.obligations + second.obligations,
        max(first.observed, second.observed),
        first.told or second.told,
    )
