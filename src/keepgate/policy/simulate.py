"""A proposed policy, asked what the policy of today was asked: what would change, for whom, how often."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from keepgate.model.verdict import Effect
from keepgate.policy.diff import Change
from keepgate.policy.observe import Decides
from keepgate.policy.recorded import Recorded

SAMPLES: Final = 3
"""Decision ids kept of each change."""
CHANGES: Final = 10_000
"""Different changes told apart; names come from callers."""


@dataclass(slots=True)
class Shift:
    """One change, and the recorded requests that it concerns."""

    change: Change
    count: int = 0
    first: str = ""
    last: str = ""
    """RFC 3339."""
    samples: list[str] = field(default_factory=list)
    """Decision ids, the first ones."""


@dataclass(slots=True)
class Simulation:
    """What would change over a log."""

    requests: int = 0
    """Replayed."""
    earlier: int = 0
    """Let through when they were made, and not by the policy of today."""
    shifts: list[Shift] = field(default_factory=list)
    """What is lost first, then what is gained, each the most frequent first."""
    others: int = 0
    """Requests that change too, beyond the number of changes that are told apart."""


def simulate(old: Decides, new: Decides, decisions: Iterable[Recorded]) -> Simulation:
    """Ask both policies what was asked. The decisions are taken as they come, none is kept."""
    out = Simulation()
    found: dict[object, Shift] = {}
    for recorded in decisions:
        out.requests += 1
        request = recorded.request
        before = old.decide(request)
        stands = before.effect is Effect.ALLOW or before.observed
        out.earlier += recorded.effect < Effect.ASK and not stands
        change = Change.between(before, new.decide(request), request)
        if change is None:
            continue
        who = request.principal.grantees
        key = who, request.action, request.resource, change.before, change.after, change.observed
        shift = found.get(key)
        if shift is None:
            if len(found) >= CHANGES:
                out.others += 1
                continue
            shift = found[key] = Shift(change, first=recorded.time)
        shift.count += 1
        shift.first, shift.last = min(shift.first, recorded.time), max(shift.last, recorded.time)
        if len(shift.samples) < SAMPLES:
            shift.samples.append(recorded.trace)
    out.shifts = sorted(found.values(), key=lambda shift: (shift.change.gains, -shift.count, shift.first))
    return out
