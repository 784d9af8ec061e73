"""What budgets say of a call, and what it uses of them: rates, calls at a time, quotas by day and month.

A call is looked at before it is decided on (`standing`, a fact for the guard) and charged once it is let through
(`charge`), within one turn of the event loop: what is denied uses nothing, and nothing comes in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Final, Literal

import orjson

from keepgate.audit.record import period, period_end
from keepgate.decide.facts import Standing
from keepgate.model.access import Principal, Resource, ResourceKind
from keepgate.model.exchange import Exchange
from keepgate.model.message import Direction, Kind
from keepgate.policy.pattern import Pattern
from keepgate.ports import Counters

Share = Literal["principal", "user", "client", "tenant", "server", "tool"]
"""What has a counter of its own."""

CHARGED: Final = frozenset(
    ("tools/call", "prompts/get", "resources/read", "resources/subscribe", "completion/complete")
)
"""Asking after a task that runs, or ending a subscription, uses nothing."""
BUCKETS: Final = 100_000
"""Rates kept at a time."""
CALLS: Final = 16_384
"""Callers with what they use, for which is known what budgets they are under."""
_DAY_NS: Final = 86_400 * 10**9
_A_MOMENT: Final = 1.0
"""Seconds after which a call that is one too many may try again: nobody knows when another ends."""
_SWEEP: Final = 1.0
"""Seconds between two looks for what can be forgotten."""
_LONG: Final = 512
"""Names longer than this (characters) are looked up afresh: callers choose them, the memory must stay small."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What some callers may use of some things. Amounts are in cost units; 0 is no bound."""

    name: str
    to: frozenset[str] = frozenset()
    """Names as grants have them; empty for everybody."""
    uses: tuple[Pattern, ...] = ()
    """Empty for everything."""
    each: tuple[Share, ...] = ("principal",)
    """What has a counter of its own; empty: all share one."""
    rate: float = 0.0
    """per second"""
    burst: float = 0.0
    """at once after a pause"""
    concurrent: int = 0
    """calls at a time, whatever they cost"""
    per_day: float = 0.0
    per_month: float = 0.0
    """by the calendar, UTC"""
    costs: tuple[tuple[Pattern, float], ...] = ()
    """The highest that names a thing is its cost; 1 without one."""


@dataclass(slots=True)
class Bucket:
    """A token bucket."""

    tokens: float
    at: float
    """When `tokens` was right, on the monotonic clock."""


@dataclass(frozen=True, slots=True)
class Charge:
    """One budget that a call uses."""

    budget: Budget
    key: str
    cost: float


class Budgets:
    """The budgets of one process."""

    def __init__(
        self,
        budgets: Iterable[Budget],
        counters: Counters,
        monotonic: Callable[[], float],
        clock_ns: Callable[[], int],
    ) -> None:
        self._budgets = tuple(budgets)
        self._counters = counters
        self._now = monotonic
        self._clock_ns = clock_ns
        self._buckets: dict[str, Bucket] = {}
        self._swept = float("-inf")
        self._running: dict[str, int] = {}
        self._concurrent = any(each.concurrent for each in self._budgets)
        self._found = lru_cache(CALLS)(self._under)

    def charges(self, exchange: Exchange) -> tuple[Charge, ...]:
        """What a message would use: nothing but for requests of clients that use a thing."""
        message, resource, who = exchange.message, exchange.resource, exchange.principal
        if resource is None or message.method not in CHARGED or message.kind is not Kind.REQUEST:
            return ()
        if exchange.direction is not Direction.TO_SERVER:
            return ()
        # Field by field: hashing and comparing dataclasses would cost more than the lookup.
        under = self._found if len(resource.name) <= _LONG else self._under
        callers = who.id, who.user, who.client, who.groups, who.tenant
        return under(callers, resource.kind, resource.server, resource.name)

    def standing(self, charges: Iterable[Charge]) -> tuple[Standing, ...]:
        """What would remain of each bound after the call."""
        return tuple(each for charge in charges for each in self._bounds(charge))

    def charge(self, charges: Iterable[Charge]) -> None:
        """The call is let through: it uses rates and quotas."""
        now_ns = self._clock_ns()
        for charge in charges:
            if charge.budget.rate:
                self._bucket(charge).tokens -= charge.cost
            for key, until, _, _ in _windows(charge, now_ns):
                self._counters.add(key, until, charge.cost)

    def enter(self, exchange: Exchange) -> None:
        """A call starts that was let through."""
        for charge in self.charges(exchange) if self._concurrent else ():
            if charge.budget.concurrent:
                self._running[charge.key] = self._running.get(charge.key, 0) + 1

    def leave(self, exchange: Exchange) -> None:
        """It has ended."""
        for charge in self.charges(exchange) if self._concurrent else ():
            if charge.budget.concurrent:
                left = self._running.get(charge.key, 0) - 1
                if left > 0:
                    self._running[charge.key] = left
                else:
                    self._running.pop(charge.key, None)

    def close(self) -> None:
        """Quotas are kept for the next start."""
        self._counters.close()

    def _bounds(self, charge: Charge) -> Iterator[Standing]:
        budget, cost = charge.budget, charge.cost
        if budget.rate:
            tokens = self._bucket(charge).tokens
            yield Standing(budget.name, "rate", tokens - cost, max((cost - tokens) / budget.rate, 0.0))
        if budget.concurrent:
            free = budget.concurrent - self._running.get(charge.key, 0) - 1
            yield Standing(budget.name, "calls at a time", free, _A_MOMENT)
        now_ns = self._clock_ns()
        for key, until, most, what in _windows(charge, now_ns):
            yield Standing(budget.name, what, most - self._counters.used(key) - cost, until - now_ns / 1e9)

    def _bucket(self, charge: Charge) -> Bucket:
        """The bucket of a charge, filled up to now."""
        now, budget = self._now(), charge.budget
        bucket = self._buckets.get(charge.key)
        if bucket is None:
            if len(self._buckets) >= BUCKETS and now - self._swept > _SWEEP:
                self._forget_full(now)
            # Where there is no room left all newcomers of a budget share one bucket: tighter, never wider.
            key = charge.key if len(self._buckets) < BUCKETS else f"rest {budget.name}"
            bucket = self._buckets.setdefault(key, Bucket(budget.burst, now))
        bucket.tokens = min(bucket.tokens + (now - bucket.at) * budget.rate, budget.burst)
        bucket.at = now
        return bucket

    def _forget_full(self, now: float) -> None:
        """Drop what has not been used for so long that it is full again. Not too often: it takes milliseconds."""
        self._swept = now
        slowest = max((each.burst / each.rate for each in self._budgets if each.rate), default=0.0)
        self._buckets = {key: each for key, each in self._buckets.items() if now - each.at < slowest}

    def _under(
        self,
        caller: tuple[str, str, str, tuple[str, ...], str],
        kind: ResourceKind,
        server: str,
        name: str,
    ) -> tuple[Charge, ...]:
        """The budgets that a use is under, with what it costs there."""
        identity, user, client, groups, tenant = caller
        who, resource = Principal(identity, "", groups, tenant, user, client), Resource(kind, server, name)
        return tuple(
            Charge(budget, _key(budget, who, resource), _cost(budget, resource))
            for budget in self._budgets
            if (not budget.to or not budget.to.isdisjoint(who.grantees))
            and (not budget.uses or any(pattern.names(resource) for pattern in budget.uses))
        )


def _cost(budget: Budget, resource: Resource) -> float:
    return max((units for pattern, units in budget.costs if pattern.names(resource)), default=1.0)


def _key(budget: Budget, who: Principal, resource: Resource) -> str:
    """Of a counter. Hashed: it outlives the process, and names of persons belong in no file but the log."""
    parts = {
        "principal": who.id,
        "user": who.user or who.id,
        "client": who.client or who.id,
        "tenant": who.tenant,
        "server": resource.server,
        "tool": f"{resource.kind}:{resource.id}",
    }
    # A thing is of a server, and a principal of a tenant: equal names of two tenants are two.
    shares = [[each, parts[each]] for each in budget.each]
    shares += [["tenant", who.tenant]] if {"principal", "user", "client"} & set(budget.each) else []
    return sha256(orjson.dumps([budget.name, shares])).hexdigest()


def _windows(charge: Charge, now_ns: int) -> Iterator[tuple[str, float, float, str]]:
    """Key, end (Unix seconds), size and name of each quota."""
    budget = charge.budget
    if budget.per_day:
        day = now_ns // _DAY_NS
        yield f"{charge.key} {day}", (day + 1) * 86_400.0, budget.per_day, "day"
    if budget.per_month:
        yield f"{charge.key} {period(now_ns)}", period_end(now_ns) / 1e9, budget.per_month, "month"
