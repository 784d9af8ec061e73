"""Bounds what a server may send unasked: notifications, questions, stray replies. Each one costs a record."""

from __future__ import annotations

from collections.abc import Callable

RATE = 500.0
"""Messages per second, sustained."""
BURST = 5000.0
CREDIT = 256.0
"""Messages that one request of ours may bring besides: progress, log lines. What was asked for is no flood."""
HOPELESS = 20_000
"""Messages dropped on one link before it is cut."""


class Flood:
    """A token bucket of one link.

    `report` gets one line a second while messages are dropped, `cut` is called at the last of HOPELESS.
    """

    __slots__ = ("_at", "_cut", "_dropped", "_now", "_report", "_said", "_tokens", "total")

    def __init__(
        self, now: Callable[[], float], report: Callable[[str], None], cut: Callable[[], None]
    ) -> None:
        self._now = now
        self._report = report
        self._cut = cut
        self._tokens = BURST
        self._at = now()
        self._said = 0.0
        self._dropped = 0
        self.total = 0

    def earn(self) -> None:
        """A request goes to the server: what it sends about it is expected."""
        self._tokens = min(BURST, self._tokens + CREDIT)

    def admit(self) -> bool:
        """Whether one more message may pass."""
        now = self._now()
        tokens = self._tokens + (now - self._at) * RATE
        self._at = now
        if tokens >= 1.0:
            self._tokens = min(BURST, tokens) - 1.0
            return True
        self._tokens = tokens
        self._dropped += 1
        self.total += 1
        if now - self._said >= 1.0:
            self._report(f"{self._dropped} messages dropped: the server sends more than {RATE:g} a second")
            self._said, self._dropped = now, 0
        if self.total == HOPELESS:
            self._cut()
        return False
