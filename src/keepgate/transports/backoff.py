"""How long to wait before the next attempt: doubling pauses with jitter. Pure: the randomness is passed in."""

from __future__ import annotations

from collections.abc import Callable


class Backoff:
    """Pauses in seconds: `first`, twice that, … up to `longest`, each cut by up to half at random.

    `jitter` gives numbers in [0, 1), so that many clients of one server do not come back in the same instant.
    """

    __slots__ = ("_first", "_jitter", "_longest", "_next")

    def __init__(self, jitter: Callable[[], float], *, first: float = 1.0, longest: float = 30.0) -> None:
        self._jitter = jitter
        self._first = self._next = first
        self._longest = longest

    def pause(self) -> float:
        """Seconds to wait now."""
        pause, self._next = self._next, min(self._next * 2, self._longest)
        return pause * (1 - self._jitter() / 2)

    def reset(self) -> None:
        """It worked: the next pause is the first again."""
        self._next = self._first
