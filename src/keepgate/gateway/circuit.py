"""A circuit per server: after repeated failures calls fail at once for a while, then one probe decides.

CLOSED --threshold failures--> OPEN --after the pause, one probe--> CLOSED or OPEN with twice the pause
"""

from __future__ import annotations

from collections.abc import Callable

from keepgate.model.errors import UpstreamError

THRESHOLD = 3
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0


class Circuit:
    """Counts failures to reach one server. Times in seconds of the monotonic clock given."""

    def __init__(self, server: str, monotonic: Callable[[], float]) -> None:
        self._server = server
        self._now = monotonic
        self._failures = 0
        self._pause = FIRST_PAUSE
        self._open_until = 0.0
        self._cause = ""

    @property
    def open(self) -> bool:
        """True while calls fail at once."""
        return self._failures >= THRESHOLD and self._now() < self._open_until

    @property
    def closed(self) -> bool:
        """True while nothing needs to be checked: the server was reached the last times."""
        return self._failures < THRESHOLD

    def check(self) -> None:
        """Raise UpstreamError while open. When the pause is over the caller is the probe; others still wait."""
        if self._failures < THRESHOLD:
            return
        left = self._open_until - self._now()
        if left > 0:
            raise UpstreamError(
                "unreachable",
                f"server `{self._server}` failed {self._failures} times, next try in {left:.1f} s: {self._cause}",
                retryable=True,
            )
        self._open_until = self._now() + self._pause

    def success(self) -> None:
        """The server was reached."""
        self._failures, self._pause = 0, FIRST_PAUSE

    def failure(self, cause: str) -> None:
        """The server could not be reached or its connection died."""
        self._failures += 1
        self._cause = cause[:200]
        if self._failures >= THRESHOLD:
            self._open_until = self._now() + self._pause
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
