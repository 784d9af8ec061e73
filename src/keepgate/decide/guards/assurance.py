"""Access tokens must have the scopes and the strength of login that their use needs (RFC 6750, RFC 9470).

Everything missing for one operation is named at once, as obligations `scope:<scope>`, `acr:<level>` and
`max_age:<seconds>`, from which the front makes one challenge. Scopes of every token concern tokens only; what is
demanded for the use of a thing concerns everybody: a key has no scope and no level, so it cannot have what asks for
one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from keepgate.decide.facts import Fact, Facts
from keepgate.model.access import Authentication, Resource
from keepgate.model.exchange import Exchange
from keepgate.model.message import Direction
from keepgate.model.verdict import Effect, Verdict
from keepgate.policy.pattern import Pattern

_NOBODY = Authentication("")


@dataclass(frozen=True, slots=True)
class Demand:
    """What the use of some things needs."""

    uses: tuple[Pattern, ...]
    scopes: frozenset[str] = frozenset()
    acr: tuple[str, ...] = ()
    """Levels of which the login must have reached one; none: any will do."""
    max_age: float | None = None
    """Seconds since the login."""

    def concerns(self, resource: Resource) -> bool:
        """Whether one of its patterns names the resource."""
        return any(
            pattern.kind in (None, resource.kind)
            and pattern.server.matches(resource.server)
            and pattern.name.matches(resource.name)
            for pattern in self.uses
        )


class Assurance:
    """DENY what the caller's authentication does not reach to, naming what is missing."""

    id = "assurance"
    needs = frozenset((Fact.TIME,))

    def __init__(self, scopes: Iterable[str] = (), demands: Iterable[Demand] = ()) -> None:
        self._scopes = frozenset(scopes)
        self._demands = tuple(demands)

    def check(self, exchange: Exchange, facts: Facts) -> Verdict | None:
        """DENY with obligations, else no opinion."""
        if exchange.direction is not Direction.TO_SERVER or exchange.message.is_reply:
            return None
        auth, resource = exchange.principal.auth, exchange.resource
        demands = [each for each in self._demands if each.concerns(resource)] if resource is not None else []
        needed = self._scopes if auth is not None else frozenset[str]()
        has = auth if auth is not None else _NOBODY
        scopes = needed.union(*(demand.scopes for demand in demands))
        levels, ages = _unmet(demands, has, facts[Fact.TIME])
        if scopes <= has.scopes and not levels and not ages:
            return None
        # All scopes of the operation, not only those missing: what a client asks for next replaces what it has.
        obligations = [f"scope:{scope}" for scope in sorted(scopes)]
        obligations += [f"acr:{level}" for level in levels]
        obligations += [f"max_age:{min(ages):.0f}"] if ages else []
        return Verdict(Effect.DENY, _reason(auth, levels, ages), self.id, obligations=tuple(obligations))


def _unmet(demands: list[Demand], has: Authentication, now: float) -> tuple[tuple[str, ...], list[float]]:
    """The levels and ages of login that are demanded and not reached."""
    levels: list[str] = []
    ages: list[float] = []
    for demand in demands:
        if demand.acr and has.acr not in demand.acr:
            levels += demand.acr
        if demand.max_age is not None and not _recent(has.auth_time, now, demand.max_age):
            ages.append(demand.max_age)
    return tuple(dict.fromkeys(levels)), ages


def _recent(auth_time: float | None, now: float, max_age: float) -> bool:
    return auth_time is not None and now - auth_time <= max_age


def _reason(auth: Authentication | None, levels: tuple[str, ...], ages: list[float]) -> str:
    if auth is None:
        return "this needs a login with an access token: a key or no credential cannot have it"
    if levels:
        return "this needs a stronger login"
    if ages:
        return "this needs a more recent login"
    return "the access token lacks a scope"
