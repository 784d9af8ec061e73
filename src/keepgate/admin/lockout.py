"""Guessing gets slower: after some failures each further try waits twice as long, for an account and for a source.

Only what can be guessed counts against an account (a password, a code); so who knows nothing of somebody cannot shut
that somebody out of logins by passkey or key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from keepgate.admin.problem import ProblemError

FREE: Final = {"account": 3, "source": 20}
"""Failures that cost no time."""
LONGEST: Final = {"account": 900.0, "source": 60.0}
"""Seconds that a try has to wait at most. A source can be a proxy with everybody behind it."""
FORGOTTEN: Final = 3600.0
"""Seconds without a failure after which all is as before."""
MOST: Final = 10_000


@dataclass(slots=True)
class _Failures:
    count: int
    until: float
    last: float


class Lockout:
    """Counts failures by kind (`account`, `source`) and name. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._now = clock
        self._failures: dict[tuple[str, str], _Failures] = {}

    def check(self, kind: str, name: str) -> None:
        """Raises ProblemError (429) while a try has to wait: nothing about it is looked at then."""
        found = self._failures.get((kind, name))
        if found is not None and (left := found.until - self._now()) > 0:
            raise ProblemError(429, "locked", "too many failed attempts: wait", retry_after=left)

    def failed(self, kind: str, name: str) -> None:
        """One more."""
        now = self._now()
        found = self._failures.get((kind, name))
        if found is None or now - found.last > FORGOTTEN:
            if len(self._failures) >= MOST:
                self._make_room(now)
            found = self._failures[kind, name] = _Failures(0, 0.0, now)
        found.count, found.last = found.count + 1, now
        over = found.count - FREE[kind]
        if over > 0:
            found.until = now + min(2.0 ** min(over, 30), LONGEST[kind])

    def succeeded(self, kind: str, name: str) -> None:
        """All is as before."""
        self._failures.pop((kind, name), None)

    def _make_room(self, now: float) -> None:
        """Forget what has run out, else what failed least: whoever fills the table does not free the worst."""
        kept = {key: each for key, each in self._failures.items() if each.until > now}
        if len(kept) >= MOST:
            worst = sorted(kept, key=lambda key: kept[key].count, reverse=True)[: MOST // 2]
            kept = {key: kept[key] for key in worst}
        self._failures = kept
