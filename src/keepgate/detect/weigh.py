"""Weighing: families of signals that stand close together, added up for the channel they stand in.

Never does one weak signal decide. What is only quoted or spoken about counts less; what was hidden counts more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from keepgate.detect.grammar import Signal
from keepgate.detect.setting import Channel

REACH: Final = 500
"""Bytes within which signals belong together."""
QUOTED: Final = 0.4
"""What a signal counts that is quoted or spoken about."""
HIDDEN: Final = 2.0
"""What it adds that a text with signals was hidden from the reader."""
THRESHOLD: Final[Mapping[Channel, float]] = {
    Channel.DEFINITION: 3.0,
    Channel.CONTENT: 3.0,
    Channel.PROMPT: 3.0,
    Channel.ARGUMENT: 99.0,
}
"""From here on it is likely an attack; nothing in an argument can be one of this kind."""
ANCHORS: Final = frozenset(
    f"attack.{name}"
    for name in "override override-all task-first task-over secrecy secrecy-turned marked-block from-user to-model "
    "vocative collect-talk forced-call ignore-and-say".split()
)
"""Without one of these no group in a result is an attack: documents give orders to their readers all the time."""
UNANCHORED: Final = 2.5
SURE: Final = 3.0
"""So much above the threshold and it is taken as certain."""
COLUMN: Final = {Channel.DEFINITION: 0, Channel.CONTENT: 1, Channel.PROMPT: 2, Channel.ARGUMENT: 1}
"""Which of the weights of a phrase counts where."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A place with everything that speaks for an attack there."""

    score: float
    signals: tuple[Signal, ...]
    families: frozenset[str]
    reasons: tuple[str, ...] = ()
    """What the model saw, if it was asked."""

    def with_more(self, more: Mapping[str, float]) -> Weighed:
        """With families that something else than phrases speaks for."""
        extra = sum(weight for family, weight in more.items() if family not in self.families)
        return Weighed(self.score + extra, self.signals, self.families | frozenset(more), self.reasons)

    @property
    def start(self) -> int:
        """Where it begins, in bytes of the view."""
        return min(signal.start for signal in self.signals)

    @property
    def end(self) -> int:
        """Where it ends."""
        return max(signal.end for signal in self.signals)


def weigh(
    signals: Iterable[Signal], channel: Channel, *, hidden: bool = False, reach: int = REACH
) -> Weighed | None:
    """The heaviest group of signals within reach of each other; None without any that counts here."""
    column = COLUMN[channel]
    counted = sorted(
        ((signal.start, signal) for signal in signals if signal.phrase.weights[column] > 0),
        key=lambda pair: pair[0],
    )
    best: Weighed | None = None
    first = 0
    near: Counter[tuple[str, str, float, bool]] = Counter()
    """Signals of each kind within reach. Only a kind that comes anew can make a group the heaviest."""
    for number, (start, signal) in enumerate(counted):
        while counted[first][0] < start - reach:
            near[_kind(counted[first][1], column)] -= 1
            first += 1
        kind = _kind(signal, column)
        near[kind] += 1
        if near[kind] > 1:
            continue
        group = tuple(signal for _, signal in counted[first : number + 1])
        found = _sum(group, column, hidden=hidden)
        if (
            column == COLUMN[Channel.CONTENT]
            and found.score > UNANCHORED
            and not hidden
            and not any(each.phrase.id in ANCHORS for each in group)
        ):
            found = replace(found, score=min(found.score, UNANCHORED))
        if best is None or found.score > best.score:
            best = found
    return best


def _kind(signal: Signal, column: int) -> tuple[str, str, float, bool]:
    """All that a group's weight takes from it."""
    return signal.phrase.id, signal.phrase.family, signal.phrase.weights[column], signal.mentioned


def _sum(group: tuple[Signal, ...], column: int, *, hidden: bool) -> Weighed:
    families: dict[str, float] = {}
    for signal in group:
        weight = signal.phrase.weights[column] * (QUOTED if signal.mentioned and not hidden else 1.0)
        families[signal.phrase.family] = max(weight, families.get(signal.phrase.family, 0.0))
    score = sum(families.values())
    return Weighed(score + (HIDDEN if hidden and score else 0.0), group, frozenset(families))
