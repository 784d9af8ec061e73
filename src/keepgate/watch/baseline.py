"""What is usual: sums over five minutes against the highest of past days, and how often a kind of surprise occurs.

Daily maxima, because traffic of people comes in bursts: means and deviations of it mean little. The median of them
cannot be moved by one bad day, and a day counts for no more than what would have raised an alert on it.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from itertools import pairwise
from statistics import median
from typing import Any, Final, Generic, TypeVar

WINDOW: Final = 300
"""Seconds over which is summed."""
SLOT: Final = 30
"""Seconds; a window moves in steps of it."""
DAY: Final = 86_400
DAYS: Final = 14
"""Days with activity that are remembered."""
LEARNING: Final = 3
"""Days a baseline learns before it is used."""
ANCHOR: Final = 7
"""Days of the beginning that are kept for good, so that slow growth is seen."""
SUBJECTS: Final = 20_000
"""Baselines of one family; those not met for longest are forgotten."""
DISTINCT: Final = 512
"""Different values that are counted in one window."""
RECORDS: Final = 8


class Level:
    """One quantity of one subject: its sum over the last five minutes, and the highest such sum of each past day."""

    __slots__ = ("_slots", "_total", "_usual", "anchor", "born", "day", "days", "peak", "raised", "recent")

    def __init__(self, now: float) -> None:
        self._slots: deque[list[float]] = deque()
        self._total = 0.0
        self.born = now
        self.day = int(now // DAY)
        self.peak = 0.0
        self.days: deque[float] = deque(maxlen=DAYS)
        self._usual = (0.0, 0.0)
        self.anchor = 0.0
        """Median of the first days; 0 while they are not over."""
        self.raised = (0.0, 0.0)
        """When an alert was raised, and how far above."""
        self.recent: deque[str] = deque(maxlen=RECORDS)

    def add(self, now: float, amount: float) -> float:
        """The sum of the last five minutes with this amount."""
        slot = int(now // SLOT)
        slots = self._slots
        if slots and slots[-1][0] >= slot:
            slots[-1][1] += amount
        else:
            slots.append([slot, amount])
            while slots[0][0] <= slot - WINDOW // SLOT:
                self._total -= slots.popleft()[1]
        self._total += amount
        return self._total

    def turn(self, now: float) -> bool:
        """Begin a new day if it is one; True if it is. Call it before the past is asked for."""
        day = int(now // DAY)
        if day <= self.day:
            return False
        if self.peak > 0:
            self.days.append(self.peak)
            self._usual = (median(self.days), max(self.days))
        if not self.anchor and len(self.days) >= ANCHOR:
            self.anchor = median(self.days)
        self.day, self.peak = day, 0.0
        return True

    def learn(self, value: float, most: float) -> None:
        """Count the sum for today, but not above what is taken as usual."""
        self.peak = max(self.peak, min(value, most))

    def usual(self) -> tuple[float, float]:
        """Median and highest of the past days; zeros where there are none."""
        return self._usual

    def learned(self, now: float) -> bool:
        """True once there are days enough."""
        return len(self.days) >= LEARNING and now - self.born >= LEARNING * DAY

    def state(self) -> list[Any]:
        """What outlives a restart: the window does not."""
        return [self.born, self.day, self.peak, list(self.days), self.anchor]

    @classmethod
    def restored(cls, state: list[Any]) -> Level:
        """Of what `state` gave."""
        level = cls(state[0])
        level.day, level.peak, level.anchor = state[1], state[2], state[4]
        level.days.extend(state[3])
        if level.days:
            level._usual = (median(level.days), max(level.days))
        return level


class Different:
    """How many different values there were in the last five minutes."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: OrderedDict[str, float] = OrderedDict()

    def add(self, now: float, value: str) -> int:
        """The number with this one, at most `DISTINCT`."""
        last = self._last
        last[value] = now
        last.move_to_end(value)
        while last and (len(last) > DISTINCT or next(iter(last.values())) <= now - WINDOW):
            last.popitem(last=False)
        return len(last)


class Calibration:
    """How surprising the most surprising thing of each day was, of all subjects: what happens every day is no news."""

    def __init__(self) -> None:
        self.day = 0
        self.top = 0.0
        self.tops: deque[float] = deque(maxlen=ANCHOR)

    def bar(self, now: float) -> float:
        """The second highest daily top of the last seven days: one bad day does not blind the watch for a week."""
        self._turn(now)
        return sorted(self.tops)[-2] if len(self.tops) > 1 else 0.0

    def note(self, now: float, score: float) -> None:
        """Something of this score happened."""
        self._turn(now)
        self.top = max(self.top, score)

    def _turn(self, now: float) -> None:
        day = int(now // DAY)
        if not self.day:
            self.day = day
        for _ in range(min(day - self.day, ANCHOR)):
            self.tops.append(self.top)
            self.top = 0.0
        self.day = max(day, self.day)

    def state(self) -> list[Any]:
        """What outlives a restart."""
        return [self.day, self.top, list(self.tops)]

    def restore(self, state: list[Any]) -> None:
        """Go on from what `state` gave."""
        self.day, self.top = state[0], state[1]
        self.tops.extend(state[2])


T = TypeVar("T")


class Latest(Generic[T]):
    """A bounded table: what was not met for longest is forgotten first."""

    def __init__(self, most: int = SUBJECTS) -> None:
        self._items: OrderedDict[tuple[str, ...], T] = OrderedDict()
        self._most = most

    def get(self, key: tuple[str, ...]) -> T | None:
        """What is there, without counting it as met."""
        return self._items.get(key)

    def meet(self, key: tuple[str, ...], make: Callable[[], T]) -> T:
        """What is there, made if it is not."""
        found = self._items.get(key)
        if found is None:
            found = self._items[key] = make()
            if len(self._items) > self._most:
                self._items.popitem(last=False)
        else:
            self._items.move_to_end(key)
        return found

    def items(self) -> Iterator[tuple[tuple[str, ...], T]]:
        """All of them, the longest not met first."""
        return iter(list(self._items.items()))

    def __len__(self) -> int:
        return len(self._items)


def apart(hour: int, known: list[int]) -> int:
    """Hours between an hour of the day and the nearest of others, the short way round; 12 where there are none."""
    return min((min((hour - other) % 24, (other - hour) % 24) for other in known), default=12)


def longest_gap(hours: list[int]) -> int:
    """The longest stretch of the day without any of these hours."""
    if not hours:
        return 24
    ordered = sorted(hours)
    return max(after - before - 1 for before, after in pairwise([*ordered, ordered[0] + 24]))
