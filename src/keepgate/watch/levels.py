"""Too much within five minutes: failed logins, denials, calls, bytes, different names, errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any, Final, NamedTuple

from keepgate.model.finding import Severity
from keepgate.watch.alert import Alert, Sign, Subject
from keepgate.watch.baseline import DAY, LEARNING, WINDOW, Calibration, Different, Latest, Level
from keepgate.watch.event import Event

AGAIN: Final = 6 * 3600
"""Seconds until the same excess of the same subject is told again, unless it doubles."""
SLACK: Final = 2.5
"""How far above the highest of the past days a sum must lie, besides above the median."""
CREEP: Final = 8
"""How many times its beginning a usual level may reach before that is told."""
STRANGER: Final = 2
"""For a subject without a past, the least excess counts so many times."""
_MARGIN: Final = 1.25
_HALF: Final = 0.5


class Measure(NamedTuple):
    """What is summed, of whom, and how much is too much."""

    id: str
    sign: Sign
    severity: Severity
    counts: Callable[[Event], float]
    """What an event adds; 0 if it does not count."""
    owner: tuple[str, ...]
    """Fields of the event that say whose sum it belongs to; the first must not be empty."""
    least: float
    """No smaller sum is ever too much."""
    factor: float
    """How many times the median of the daily maxima."""
    unit: str
    urgent: bool = False
    """Whether it is told before anything was learned."""
    different: bool = False
    """Whether different targets are counted, and not events."""


def is_failed_login(event: Event) -> bool:
    """True for a credential that was refused: keepgate's own event, or a login of another log that was denied."""
    method = event.method
    if not event.own:
        return False
    return method == "auth.failed" or (
        method.startswith(("auth", "login")) and event.effect == "deny" and method != "auth.scope"
    )


def _denied(event: Event) -> bool:
    return event.effect == "deny" and event.to_server and event.kind in {"request", "notification"}


_used, _failed = attrgetter("used"), attrgetter("failed")
_sent, _received = attrgetter("sent"), attrgetter("received")
_LOW, _MEDIUM, _HIGH = Severity.LOW, Severity.MEDIUM, Severity.HIGH
_LOGIN, _MOVED = Sign.FAILED_AUTHENTICATION, Sign.DATA_TRANSFER
KB: Final = 1024
MEASURES: Final = (
    Measure("logins-from", _LOGIN, _MEDIUM, is_failed_login, ("source",), 6, 4, "failed logins", urgent=True),
    Measure("logins-as", _LOGIN, _MEDIUM, is_failed_login, ("principal",), 6, 4, "failed logins", urgent=True),
    Measure("denials", Sign.REPEATED_DENIALS, _MEDIUM, _denied, ("principal",), 8, 3, "denials", urgent=True),
    Measure("rate-principal", Sign.RATE, _MEDIUM, _used, ("principal",), 60, 4, "requests"),
    Measure("rate-client", Sign.RATE, _LOW, _used, ("client",), 250, 4, "requests"),
    Measure("rate-server", Sign.RATE, _LOW, _used, ("server",), 250, 4, "requests"),
    Measure("rate-tool", Sign.RATE, _LOW, _used, ("server", "name"), 150, 4, "requests"),
    Measure("sent", _MOVED, _HIGH, _sent, ("server", "principal"), 128 * KB, 5, "bytes sent"),
    Measure("sent-server", _MOVED, _MEDIUM, _sent, ("server",), 512 * KB, 5, "bytes sent"),
    Measure("received", _MOVED, _MEDIUM, _received, ("server", "principal"), 1024 * KB, 5, "bytes received"),
    Measure("names", Sign.ENUMERATION, _MEDIUM, _used, ("principal",), 15, 2.5, "different names", different=True),
    Measure("errors", Sign.ERROR_BURST, _LOW, _failed, ("server",), 15, 4, "errors"),
)  # fmt: skip
"""In the order in which they are asked."""


@dataclass(slots=True)
class _Kept:
    level: Level
    different: Different | None = None


class Levels:
    """One measure, of every subject."""

    def __init__(self, measure: Measure) -> None:
        self.measure = measure
        self._kept: Latest[_Kept] = Latest()
        self._calibration = Calibration()
        self._everyone = Level(0)
        """The highest of anybody, day by day: the measure for who has no past."""

    def see(self, event: Event, begun: float) -> Alert | None:
        """What is too much with this event, if anything is. `begun` is when watching began."""
        amount = self.measure.counts(event)
        if not amount:
            return None
        if isinstance(amount, bool):
            amount = event.times
        key = self._key(event)
        if not key[0]:
            return None
        now = event.time
        kept = self._kept.meet(key, lambda: self._new(Level(now)))
        level = kept.level
        total = level.add(now, amount) if kept.different is None else kept.different.add(now, event.target)
        level.recent.append(event.id)
        crept = level.turn(now) and self._creep(level)
        self._everyone.turn(now)
        most = self._most(level, now, begun)
        if most is None:
            level.learn(total, total)
            self._everyone.learn(total, total)
            return None
        level.learn(total, most)
        self._everyone.learn(total, most)
        if crept:
            return self._alert(event, key, level, level.usual()[0], level.anchor, slow=True)
        return self._judge(event, key, level, total, most) if total > _HALF * most else None

    def _key(self, event: Event) -> tuple[str, ...]:
        fields = self.measure.owner
        return (
            (getattr(event, fields[0]),) if len(fields) == 1 else tuple(getattr(event, one) for one in fields)
        )

    def _new(self, level: Level) -> _Kept:
        return _Kept(level, Different() if self.measure.different else None)

    def _most(self, level: Level, now: float, begun: float) -> float | None:
        """The highest sum that is still usual; None while there is nothing to go by."""
        measure = self.measure
        if level.learned(now):
            middle, highest = level.usual()
            return max(measure.least, measure.factor * middle, SLACK * highest)
        if measure.urgent:
            return max(measure.least, SLACK * max(level.usual()[1], 0))
        if now - begun < LEARNING * DAY:
            return None
        return max(STRANGER * measure.least, SLACK * self._everyone.usual()[1])

    def _judge(
        self, event: Event, key: tuple[str, ...], level: Level, total: float, most: float
    ) -> Alert | None:
        now, ratio = event.time, total / most
        if not self.measure.urgent:
            bar = max(1.0, _MARGIN * self._calibration.bar(now))
            self._calibration.note(now, ratio)
        else:
            bar = 1.0
        if ratio <= bar:
            return None
        when, before = level.raised
        if before and now - when < AGAIN and ratio < 2 * before:
            return None
        level.raised = (now, ratio)
        return self._alert(event, key, level, total, most, slow=False)

    def _creep(self, level: Level) -> bool:
        middle = level.usual()[0]
        return bool(level.anchor) and middle > self.measure.least and middle > CREEP * level.anchor

    def _alert(
        self, event: Event, key: tuple[str, ...], level: Level, total: float, most: float, *, slow: bool
    ) -> Alert:
        unit, subject = self.measure.unit, Subject(**dict(zip(self.measure.owner, key, strict=True)))
        if slow:
            seen = f"{total:.0f} {unit} in five minutes have become usual"
            expected = f"{most:.0f} in the first days"
            level.anchor = level.usual()[0]
        else:
            middle, highest = level.usual()
            seen = f"{total:.0f} {unit} within {WINDOW // 60} minutes"
            days = f"on {len(level.days)} days the highest was {middle:.0f} as a rule, {highest:.0f} at most"
            expected = f"at most {most:.0f}: {days if level.days else 'there is no past to go by'}"
        return Alert(
            event.time, self.measure.sign, self.measure.severity, subject, seen, expected, tuple(level.recent)
        )

    def learning(self, now: float) -> tuple[int, int]:
        """How many subjects have learned, of how many."""
        levels = [kept.level for _, kept in self._kept.items()]
        return sum(level.learned(now) for level in levels), len(levels)

    def state(self) -> dict[str, Any]:
        """What outlives a restart, as JSON."""
        return {
            "levels": [[list(key), kept.level.state()] for key, kept in self._kept.items()],
            "everyone": self._everyone.state(),
            "calibration": self._calibration.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        for key, level in state["levels"]:
            self._kept.meet(tuple(key), partial(self._new, Level.restored(level)))
        self._everyone = Level.restored(state["everyone"])
        self._calibration.restore(state["calibration"])
