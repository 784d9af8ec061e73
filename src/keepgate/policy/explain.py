"""Why a request is decided as it is, and what would have to change for another answer.

Every answer here is the engine's: what would be without a rule, or with a grant, is decided by an engine that was
compiled so, never worked out from patterns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from keepgate.model.access import Request
from keepgate.model.verdict import Effect
from keepgate.policy.engine import Decision, Engine
from keepgate.policy.roles import VERBS, Entry, Grant, Role, pattern_of, rule_id


@dataclass(frozen=True, slots=True)
class Source:
    """Where a rule was written: an entry of a list of patterns of a role."""

    role: str
    verb: str
    """allow, ask or deny"""
    number: int
    """position in the list, from 0"""
    entry: Entry

    @property
    def pattern(self) -> str:
        """What it names, its condition aside."""
        return pattern_of(self.entry)

    @property
    def conditional(self) -> bool:
        """Whether it counts only under a condition."""
        return not isinstance(self.entry, str)

    @property
    def rule(self) -> str:
        """The id that decisions and their records name it by."""
        return rule_id(self.role, self.verb, self.entry)

    @property
    def path(self) -> tuple[str | int, ...]:
        """Its place in the configuration file."""
        return ("access", "roles", self.role, self.verb, self.number)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer to a request, where it comes from and what else it could be."""

    decision: Decision
    held: tuple[tuple[int, Grant], ...]
    """The grants that reach the principal, with their positions in the file."""
    sources: tuple[Source, ...]
    """What determined it; for ASK first of all what asks. Empty for a denial because nothing allows it."""
    deciding: tuple[Source, ...]
    """Those of `sources` without which the answer is `otherwise`."""
    otherwise: Decision | None
    """None if there are no `deciding` ones."""
    experts: tuple[tuple[str, str], ...]
    """Experts' policies that determined it: id, and `file:line`."""
    helpful: tuple[tuple[str, Effect], ...]
    """Roles the principal does not hold with which the answer would become this, where it is a denial with the
    `deciding` ones and without."""


def sources(roles: Mapping[str, Role]) -> dict[str, tuple[Source, ...]]:
    """Where each rule stands, by its id; several places if it was written twice."""
    found: dict[str, tuple[Source, ...]] = {}
    for name, role in roles.items():
        for verb in VERBS:
            for number, entry in enumerate(getattr(role, verb)):
                source = Source(name, verb, number, entry)
                found[source.rule] = (*found.get(source.rule, ()), source)
    return found


class Compile(Protocol):
    """`Engine.compile`, with all that stands beside roles and grants already given."""

    def __call__(self, roles: Mapping[str, Role], grants: Sequence[Grant]) -> Engine: ...


def explain(
    roles: Mapping[str, Role],
    grants: Sequence[Grant],
    request: Request,
    compiled: Compile = Engine.compile,
) -> Explanation:
    """Decide `request` and say why. Raises ConfigError as `Engine.compile` does."""
    engine = compiled(roles, grants)
    decision = engine.decide(request)
    known = sources(roles)
    found = [source for rule in decision.rules for source in known.get(rule, ())]
    top = {Effect.ASK: "ask", Effect.ALLOW: "allow"}.get(decision.effect, "deny")
    found.sort(key=lambda source: (source.verb != top, source.path[2], source.number))
    deciding = tuple(source for source in found if source.verb == top)
    grantees = request.principal.grantees
    held = tuple((number, grant) for number, grant in enumerate(grants) if grant.to in grantees)
    rest = without(roles, deciding)
    otherwise = compiled(rest, grants).decide(request) if deciding else None
    denied = decision.effect is Effect.DENY and (otherwise or decision).effect is Effect.DENY
    helpful = tuple(_helpful(rest, grants, request, compiled)) if denied else ()
    experts = tuple((rule, where) for rule in decision.rules if (where := engine.rules[rule].where))
    return Explanation(decision, held, tuple(found), deciding, otherwise, experts, helpful)


def without(roles: Mapping[str, Role], removed: Iterable[Source]) -> dict[str, Role]:
    """The roles without these patterns."""
    out = dict(roles)
    for source in removed:
        role = out[source.role]
        lists = {verb: getattr(role, verb) for verb in VERBS}
        lists[source.verb] = tuple(each for each in lists[source.verb] if each != source.entry)
        out[source.role] = replace(role, **lists)
    return out


def _helpful(
    roles: Mapping[str, Role], grants: Sequence[Grant], request: Request, compiled: Compile
) -> Iterable[tuple[str, Effect]]:
    grantees = request.principal.grantees
    held = {grant.role for grant in grants if grant.to in grantees}
    for name in sorted(roles.keys() - held):
        # Rules of roles that it does not hold say nothing about it, and compiling all of them each time takes long.
        needed = {each: role for each, role in roles.items() if each == name or each in held}
        given = [grant for grant in grants if grant.role in held]
        effect = compiled(needed, [*given, Grant(grantees[0], name)]).decide(request).effect
        if effect is not Effect.DENY:
            yield name, effect
