"""Servers that know each principal by a credential of its own: nothing of one principal's connection is another's.

Such a server has an `Upstream` for each principal, with connections, circuit, lists and all; the one that stands in the
configuration is only the pattern they are made from.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from keepgate.gateway.settings import ServerSettings
from keepgate.gateway.upstream import Upstream
from keepgate.model.access import Principal

MOST = 4096
"""Kept at a time; beyond it the one that was used longest ago gives way."""


@dataclass(slots=True)
class _Own:
    upstream: Upstream
    pattern: Upstream
    principal: str
    used: float


class Personal:
    """The servers of each principal's own."""

    def __init__(self, make: Callable[[ServerSettings], Upstream], monotonic: Callable[[], float]) -> None:
        self._make = make
        self._monotonic = monotonic
        self._own: OrderedDict[str, _Own] = OrderedDict()

    def of(self, principal: Principal, pattern: Upstream) -> Upstream:
        """The principal's own, or the pattern itself where all share it."""
        settings = pattern.settings
        if settings.personal is None:
            return pattern
        key = key_of(settings.id, principal.id)
        found = self._own.get(key)
        if found is None or found.pattern is not pattern:
            made = self._make(replace(settings, connector=settings.personal(principal), personal=None))
            made.key = key
            found = self._own[key] = _Own(made, pattern, principal.id, 0.0)
        found.used = self._monotonic()
        self._own.move_to_end(key)
        return found.upstream

    def is_current(self, upstream: Upstream) -> bool:
        """Whether it is still the one of its principal."""
        found = self._own.get(upstream.key)
        return found is not None and found.upstream is upstream

    def every(self) -> list[Upstream]:
        """All of them."""
        return [own.upstream for own in self._own.values()]

    def take(self, patterns: Iterable[Upstream]) -> list[Upstream]:
        """Forget those made from these patterns, and name them."""
        gone = set(map(id, patterns))
        return self._forget([key for key, own in self._own.items() if id(own.pattern) in gone])

    def idle(self, since: float) -> list[Upstream]:
        """Forget those unused since then (monotonic seconds), or too many, on which nothing is open, and name them."""
        keys = list(self._own)
        over = keys[: max(len(keys) - MOST, 0)]
        unused = [key for key in keys if self._own[key].used < since or key in over]
        return self._forget([key for key in unused if not self._own[key].upstream.links])

    def _forget(self, keys: list[str]) -> list[Upstream]:
        return [self._own.pop(key).upstream for key in keys]


def key_of(server: str, principal: str) -> str:
    """What tells one principal's from another's, and from those that all share: ids of servers have no such sign."""
    return f"{server}\0{principal}"
