"""What was never there before: a tool, a server, a client of a principal, arguments of a tool, an hour of the day.

New things happen. How much one surprises depends on how settled its owner was: no other new thing for days, nothing
used only once, and nobody who works alike does it either. Only what surprises more than what surprised on the second
strangest of the past seven days is told (`Calibration`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from operator import attrgetter
from typing import Any, Final, NamedTuple

from keepgate.model.finding import Severity
from keepgate.watch.alert import Alert, Sign, Subject
from keepgate.watch.baseline import DAY, LEARNING, Calibration, Latest, apart, longest_gap
from keepgate.watch.event import Event

VALUES: Final = 512
"""Different values of one owner that are remembered; whoever has more is never surprising."""
SETTLED: Final = 40
"""Uses before anything new can surprise."""
_PEERS: Final = 2_000
_ALIKE: Final = 0.5
_RARE: Final = 2


class Kind(NamedTuple):
    """One kind of new thing."""

    id: str
    sign: Sign
    severity: Severity
    counts: Callable[[Event], bool]
    owner: tuple[str, ...]
    """Fields of the event that say whose news it is."""
    values: Callable[[Event], tuple[str, ...]]
    what: str
    least: float
    """No smaller surprise is told."""
    stranger: float
    """How much it counts that an owner who works differently does it too; one who works alike counts 1."""


def _asked(event: Event) -> bool:
    return bool(event.principal and event.client and event.to_server)


def _called(event: Event) -> bool:
    """Resources are no tools: each may be read once."""
    return event.granted and not event.method.startswith("resources/")


def _shaped(event: Event) -> bool:
    return event.granted and bool(event.shape)


def _server(event: Event) -> tuple[str, ...]:
    return (event.server,)


def _target(event: Event) -> tuple[str, ...]:
    return (event.target,)


def _client(event: Event) -> tuple[str, ...]:
    return (event.client.partition("/")[0],)


def _names(event: Event) -> tuple[str, ...]:
    return event.shape


KINDS: Final = (
    Kind(
        "server",
        Sign.FIRST_USE,
        Severity.MEDIUM,
        attrgetter("granted"),
        ("principal",),
        _server,
        "the server",
        5,
        0.25,
    ),
    Kind(
        "tool",
        Sign.FIRST_USE,
        Severity.LOW,
        _called,
        ("principal",),
        _target,
        "the tool",
        10,
        1,
    ),
    Kind("client", Sign.FIRST_USE, Severity.LOW, _asked, ("principal",), _client, "the client", 5, 0.25),
    Kind("shape", Sign.NEW_SHAPE, Severity.LOW, _shaped, ("server", "name"), _names, "the argument", 5, 0),
)
"""In the order in which they are asked: where a server is new, its tools are no news."""


class Known:
    """What one owner is known to do."""

    __slots__ = ("born", "newest", "total", "values")

    def __init__(self, now: float) -> None:
        self.born = now
        self.newest = now
        """When something was new for the last time."""
        self.total = 0
        self.values: dict[str, int] = {}

    def settled(self, now: float) -> bool:
        """True once there is enough to be surprised against."""
        return now - self.born >= LEARNING * DAY and self.total >= SETTLED and len(self.values) < VALUES

    def surprise(self, now: float) -> float:
        """Days without anything new, by what was seen once only: Good and Turing's estimate of the unseen a day."""
        once = sum(count == 1 for count in self.values.values())
        return min((now - self.newest) / DAY, 7) / (once + 0.5)

    def state(self) -> list[Any]:
        """What outlives a restart."""
        return [self.born, self.newest, self.total, self.values]

    @classmethod
    def restored(cls, state: list[Any]) -> Known:
        """Of what `state` gave."""
        known = cls(state[0])
        known.newest, known.total, known.values = state[1], state[2], dict(state[3])
        return known


class Novelty:
    """One kind of new thing, of every owner."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self._known: Latest[Known] = Latest()
        self._calibration = Calibration()

    def see(self, event: Event) -> Alert | None:
        """What surprises with this event, if anything does."""
        if not self.kind.counts(event):
            return None
        key = tuple(getattr(event, field) for field in self.kind.owner)
        if not key[0]:
            return None
        now = event.time
        known = self._known.meet(key, lambda: Known(now))
        known.total += event.times
        values = self.kind.values(event)
        new = [value for value in values if value not in known.values]
        settled, score = (known.settled(now), known.surprise(now)) if new else (False, 0.0)
        for value in values:
            if value in known.values or len(known.values) < VALUES:
                known.values[value] = known.values.get(value, 0) + event.times
        if not new:
            return None
        known.newest, quiet = now, (now - known.newest) / DAY
        if not settled:
            return None
        alike, company = self._company(known, new[0])
        score /= 1 + company
        bar = self._calibration.bar(now)
        self._calibration.note(now, score)
        if score < self.kind.least or score <= bar:
            return None
        others = f", nor do {alike} who use the same" if alike and company < 1 else ""
        expected = f"nothing new: there was nothing for {quiet:.1f} days and {known.total - event.times} uses{others}"
        seen = f"first use of {self.kind.what} `{', '.join(new)}`"
        return Alert(
            now, self.kind.sign, self.kind.severity, self._subject(event), seen, expected, (event.id,)
        )

    def _subject(self, event: Event) -> Subject:
        if self.kind.id == "client":
            return Subject(principal=event.principal, client=event.client)
        named = event.name if self.kind.id != "server" else ""
        return Subject(principal=event.principal, server=event.server, name=named)

    def _company(self, known: Known, value: str) -> tuple[int, float]:
        """How many others use mostly the same; and who does this too, each counted by how alike they work."""
        if not self.kind.stranger:
            return 0, 0.0
        mine = {each for each, count in known.values.items() if count >= _RARE and each != value}
        alike, company = 0, 0.0
        for other in self._others(known):
            theirs = other.values.keys() - {value}
            near = len(mine & theirs) >= _ALIKE * len(mine | theirs)
            alike += near
            if value in other.values:
                company += 1 if near else self.kind.stranger
        return alike, company

    def _others(self, known: Known) -> Iterator[Known]:
        for number, (_, other) in enumerate(self._known.items()):
            if number >= _PEERS:
                return
            if other is not known:
                yield other

    def learning(self, now: float) -> tuple[int, int]:
        """How many owners have settled, of how many."""
        return sum(known.settled(now) for _, known in self._known.items()), len(self._known)

    def state(self) -> dict[str, Any]:
        """What outlives a restart, as JSON."""
        known = [[list(key), each.state()] for key, each in self._known.items()]
        return {"known": known, "calibration": self._calibration.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        for key, known in state["known"]:
            self._known.meet(tuple(key), partial(Known.restored, known))
        self._calibration.restore(state["calibration"])


class _Hours:
    """In which hours of the day a principal is active."""

    __slots__ = ("days", "hours", "last", "rests", "run", "told", "works")

    def __init__(self) -> None:
        self.hours: dict[int, int] = {}
        """Hour of the day (UTC) -> days with activity in it."""
        self.days = 0
        """Days with activity."""
        self.works = 0
        """Days with activity at a weekend."""
        self.rests = 0
        """Weekends that went by."""
        self.last = (-1, -1)
        self.run = 0
        """Uses in the hour that is on."""
        self.told = -1
        """The day on which it was told."""

    def enter(self, day: int, hour: int, uses: int) -> None:
        """Count uses; the hour before is known from now on."""
        if (day, hour) == self.last:
            self.run += uses
            return
        before, past = self.last
        if self.run:
            self.hours[past] = self.hours.get(past, 0) + 1
        if day != before:
            self.days += 1
            self.works += weekend(day)
            self.rests += (day + 3) // 7 - (before + 3) // 7 if before >= 0 else 0
        self.last, self.run = (day, hour), uses


class UnusualHours:
    """Somebody at work when they never are: hours away from all that is known, or at a first weekend."""

    FAR: Final = 4
    """Hours from any known one."""
    REST: Final = 7
    """Who has no stretch of so many hours without activity has no usual hours."""
    KNOWN: Final = 6
    """Days with activity before one can say."""
    WEEKENDS: Final = 3
    """Weekends without activity before the first with it is news."""
    ENOUGH: Final = 2
    """Uses in the hour: one alone may be a clock."""

    def __init__(self) -> None:
        self._kept: Latest[_Hours] = Latest()
        self._calibration = Calibration()

    def see(self, event: Event) -> Alert | None:
        """What is unusual about the time of this event, if anything is."""
        if not (event.used and event.principal):
            return None
        kept = self._kept.meet((event.principal,), _Hours)
        day, hour = int(event.time // DAY), int(event.time % DAY // 3600)
        before = kept.run if kept.last == (day, hour) else 0
        kept.enter(day, hour, event.times)
        if not before < self.ENOUGH <= kept.run or kept.days <= self.KNOWN or kept.told == day:
            return None
        return self._judge(event, kept, hour, day)

    def _judge(self, event: Event, kept: _Hours, hour: int, day: int) -> Alert | None:
        known = list(kept.hours)
        distance = apart(hour, known) if longest_gap(known) >= self.REST else 0
        first = weekend(day) and kept.works <= 1 and kept.rests >= self.WEEKENDS
        if distance < self.FAR and not first:
            return None
        score = float(max(distance, self.FAR if first else 0))
        bar = self._calibration.bar(event.time)
        self._calibration.note(event.time, score)
        if score < bar:
            return None
        kept.told = day
        if distance >= self.FAR:
            seen = f"active at {hour:02} h UTC"
            expected = f"hours {', '.join(f'{each:02}' for each in sorted(known))}, as on {kept.days - 1} days before"
        else:
            seen, expected = "active at a weekend", f"never in {kept.rests} weekends before"
        return Alert(
            event.time, Sign.UNUSUAL_HOUR, Severity.LOW, Subject(principal=event.principal), seen, expected, (event.id,)
        )  # fmt: skip

    def learning(self) -> tuple[int, int]:
        """How many principals are known, of how many."""
        kept = [each for _, each in self._kept.items()]
        return sum(each.days > self.KNOWN for each in kept), len(kept)

    def state(self) -> dict[str, Any]:
        """What outlives a restart, as JSON."""
        kept = [
            [
                list(key),
                [list(each.hours.items()), each.days, each.works, each.rests, list(each.last), each.told],
            ]
            for key, each in self._kept.items()
        ]
        return {"hours": kept, "calibration": self._calibration.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        for key, (hours, days, works, rests, last, told) in state["hours"]:
            each = self._kept.meet(tuple(key), _Hours)
            each.hours, each.days, each.works, each.rests = dict(hours), days, works, rests
            each.last, each.told = (last[0], last[1]), told
        self._calibration.restore(state["calibration"])


def weekend(day: int) -> bool:
    """True for the Saturdays and Sundays of UTC, by days since 1970-01-01, a Thursday."""
    return (day + 3) % 7 >= 5
