"""A circuit per server: after repeated failures calls fail at once for a while, then one probe decides.

CLOSED --threshold failures--> OPEN --after the pause--> HALF-OPEN: one call goes through as the probe
HALF-OPEN --reached or answered--> CLOSED; --failed--> OPEN with twice the pause; --no verdict--> HALF-OPEN

A server that can be reached but has answered no call since it failed is on parole: its next failure opens the circuit
again, with the long pause. So one that crashes on every start is not started without end.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from keepgate.model.errors import UpstreamError

THRESHOLD = 3
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
PROBE = 30.0
"""Seconds a probe may keep the others waiting; it may have ended without a verdict, or never end."""


class Circuit:
    """Counts failures to reach one server. Times in seconds of the monotonic clock given.

    `jitter` gives numbers in [0, 1): the pause is cut by up to half of itself, so that many gateways before one
    server do not come back in the same instant.
    """

    def __init__(
        self, server: str, monotonic: Callable[[], float], jitter: Callable[[], float] = random.random
    ) -> None:
        self._server = server
        self._now = monotonic
        self._jitter = jitter
        self._failures = 0
        self._pause = FIRST_PAUSE
        self._open_until = 0.0
        self._probe_until = 0.0
        self._cause = ""

    @property
    def open(self) -> bool:
        """True while calls fail at once."""
        return self._failures >= THRESHOLD and self._now() < max(self._open_until, self._probe_until)

    @property
    def closed(self) -> bool:
        """True while nothing needs to be checked: the server was reached the last times."""
        return self._failures < THRESHOLD

    @property
    def failures(self) -> int:
        """In a row."""
        return self._failures

    @property
    def cause(self) -> str:
        """Of the last failure; empty if there is none that counts."""
        return self._cause if self._failures else ""

    @property
    def wait(self) -> float:
        """Seconds until the next try."""
        return max(0.0, max(self._open_until, self._probe_until) - self._now()) if self.open else 0.0

    def check(self) -> bool:
        """Raise UpstreamError while open. When the pause is over the caller is the probe: True; others still wait."""
        if self._failures < THRESHOLD:
            return False
        now = self._now()
        left = max(self._open_until, self._probe_until) - now
        if left > 0:
            when = "a try is running" if self._probe_until > now else f"next try in {left:.1f} s"
            raise UpstreamError(
                "unreachable",
                f"server `{self._server}` failed {self._failures} times, {when}: {self._cause}",
                retryable=True,
            )
        self._probe_until = now + PROBE
        return True

    def undecided(self, *, probe: bool) -> None:
        """A call ended that says nothing of the server, because its caller went away: if a probe, another may try."""
        if probe:
            self._probe_until = 0.0

    def refused(self, error: UpstreamError) -> None:
        """A connection could not be made; refused credentials say that the server is there."""
        if error.kind == "auth":
            self.reached()
        else:
            self.failure(error.public)

    def reached(self) -> None:
        """A connection was made and greeted, or a list given. It has yet to answer a call."""
        self._probe_until = self._open_until = 0.0
        self._failures = min(self._failures, THRESHOLD - 1)

    def success(self) -> None:
        """The server answered a call."""
        if self._failures:
            self._failures, self._pause = 0, FIRST_PAUSE
            self._probe_until = self._open_until = 0.0

    def failure(self, cause: str) -> None:
        """The server could not be reached, its connection died, or it hangs."""
        self._failures += 1
        self._probe_until = 0.0
        self._cause = cause[:200]
        if self._failures >= THRESHOLD:
            self._open_until = self._now() + self._pause * (1 - self._jitter() / 2)
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
