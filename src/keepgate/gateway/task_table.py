"""Which tasks a principal has: keepgate's own ids, the servers' ids behind them, what made them, until when.

An id is 192 random bits and opens nothing by itself: it must be the principal's own, and policy is asked again for the
tool that made the task. Entries are bounded per principal and end with the task's lifetime. They outlive sessions;
what a process on a pipe knew ends with the process.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from keepgate.gateway.settings import Limits, ServerSettings
from keepgate.protocol.eras import Era
from keepgate.protocol.tasks import State

GRACE = 60.0
"""Seconds that an entry outlives its task: a server may keep it a little longer, and none is forgotten too early."""
MAX_STATE_CHARS = 4096
"""Of each text kept for lists: of these the status message may be long."""
MAX_STATE_MEMBERS = 32


@dataclass(slots=True, eq=False)
class Known:
    """One task of one principal."""

    id: str
    principal: str
    settings: ServerSettings
    """The server as it was configured then: after a change the same id names another server."""
    receiver: int
    """The process whose ids these are, for a server on a pipe; 0 where the server itself numbers its tasks."""
    own: str
    """The server's id."""
    tool: str
    """The server's own name of the tool that made it: policy decides by it."""
    era: Era
    born: float
    ends: float
    ended: bool = False
    task: dict[str, Any] = field(default_factory=dict)
    """As last seen, for `tasks/list`."""

    @property
    def key(self) -> Hashable:
        """What the server calls it. The principal is no part: one receiver has one task of an id."""
        return (self.settings.id, self.era, self.receiver, self.own)


class TaskTable:
    """All tasks of one process."""

    def __init__(self, limits: Limits, monotonic: Callable[[], float]) -> None:
        self._limits = limits
        self._now = monotonic
        self._by_id: dict[str, Known] = {}
        self._by_key: dict[Hashable, Known] = {}
        self._of: dict[str, dict[str, Known]] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def ttl(self, asked: int | None) -> int:
        """Milliseconds a task is kept at most: what the server says, and never without end."""
        most = int(self._limits.task_ttl * 1000)
        return most if asked is None else min(asked, most)

    def room(self, principal: str) -> bool:
        """Whether the principal may have one more: an ended task gives way."""
        own = self._of.get(principal, {})
        if len(own) < self._limits.tasks:
            return True
        self._expire(principal)
        own = self._of.get(principal, {})
        return len(own) < self._limits.tasks or any(known.ended for known in own.values())

    def add(
        self, principal: str, settings: ServerSettings, receiver: int, tool: str, era: Era, state: State
    ) -> Known:
        """A task a server has just made for a principal. What a server calls the same id is its newest task."""
        now = self._now()
        known = Known(secrets.token_urlsafe(24), principal, settings, receiver, state.id, tool, era, now, now)
        before = self._by_key.get(known.key)
        if before is not None and (before.principal, before.tool) == (principal, tool) and not before.ended:
            self.seen(before, state)
            return before  # the same handle once more
        if before is not None:
            self.forget(before)
        self._make_room(principal)
        self._by_id[known.id] = self._by_key[known.key] = known
        self._of.setdefault(principal, {})[known.id] = known
        self.seen(known, state)
        return known

    def _make_room(self, principal: str) -> None:
        """At most so many are kept whatever servers do; those that have ended go first, then the oldest."""
        own = self._of.get(principal, {})
        while len(own) >= self._limits.tasks:
            self.forget(min(own.values(), key=lambda known: (not known.ended, known.born)))

    def seen(self, known: Known, state: State, task: dict[str, Any] | None = None) -> None:
        """Note what a server says of a task now. An ended task does not begin again."""
        known.ended = known.ended or state.ended
        known.ends = known.born + self.ttl(state.ttl) / 1000 + GRACE
        if task is not None:
            known.task = dict(_small(task))

    def find(self, task_id: object, principal: str) -> Known | None:
        """The principal's task of this id. Another principal's, an expired and an unknown one are the same: None."""
        known = self._by_id.get(task_id) if isinstance(task_id, str) else None
        if known is None or known.principal != principal:
            return None
        if known.ends <= self._now():
            self.forget(known)
            return None
        return known

    def called(
        self, settings: ServerSettings, era: Era, receiver: int, own: object, principal: str
    ) -> Known | None:
        """The principal's task that this server calls so."""
        if not isinstance(own, str):
            return None
        known = self._by_key.get((settings.id, era, receiver, own))
        if known is None or known.settings is not settings:
            return None
        return self.find(known.id, principal)

    def of(self, principal: str) -> list[Known]:
        """Every task of the principal, oldest first."""
        self._expire(principal)
        return list(self._of.get(principal, {}).values())

    def _expire(self, principal: str) -> None:
        now = self._now()
        for known in [known for known in self._of.get(principal, {}).values() if known.ends <= now]:
            self.forget(known)

    def forget(self, known: Known) -> None:
        """Its id is unknown from now on."""
        self._by_id.pop(known.id, None)
        if self._by_key.get(known.key) is known:
            del self._by_key[known.key]
        own = self._of.get(known.principal, {})
        own.pop(known.id, None)
        if not own:
            self._of.pop(known.principal, None)

    def forget_servers(self, servers: set[str]) -> None:
        """These servers were removed or changed: their tasks with them."""
        for known in [known for known in self._by_id.values() if known.settings.id in servers]:
            self.forget(known)

    def sweep(self) -> None:
        """Forget what has expired."""
        for principal in list(self._of):
            self._expire(principal)


def _small(task: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What is kept of a task: texts that were cut, numbers, a few members. A server writes all of it."""
    plain = ((name, value) for name, value in task.items() if isinstance(value, str | int | None))
    for name, value in islice(plain, MAX_STATE_MEMBERS):
        if len(name) <= MAX_STATE_CHARS:
            yield name, value[:MAX_STATE_CHARS] if isinstance(value, str) else value
