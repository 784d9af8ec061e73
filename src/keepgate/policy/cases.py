"""Cases of `keepgate policy test`: what the policy is expected to answer, held against what it does answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from keepgate.model.access import Request
from keepgate.model.verdict import Effect
from keepgate.policy.engine import Decision
from keepgate.policy.observe import Decides


@dataclass(frozen=True, slots=True)
class Case:
    """One expectation."""

    request: Request
    expect: Effect
    """ALLOW, ASK or DENY"""
    where: str
    """`file:line:column`"""
    note: str = ""
    """Why it is expected, for whoever sees it fail."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that is decided otherwise."""

    case: Case
    decision: Decision


def failures(engine: Decides, cases: Iterable[Case]) -> Iterator[Failure]:
    """The cases whose answer is not the expected one, in their order."""
    for case in cases:
        decision = engine.decide(case.request)
        if decision.effect is not case.expect or decision.errors:
            yield Failure(case, decision)
