"""Who gains and who loses between two policies: their answers compared over given principals and names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import orjson

from keepgate.model.access import Action, Principal, Request, Resource
from keepgate.model.verdict import Effect
from keepgate.policy.engine import Decision
from keepgate.policy.observe import Decides
from keepgate.policy.pattern import Pattern
from keepgate.policy.roles import VERBS, Grant, Role, pattern_of
from keepgate.policy.schema import ACTIONS


class Kind(StrEnum):
    """What a change means for the principal."""

    GAINS = "gains"
    LOSES = "loses"
    DIFFERS = "differs"
    """Both policies allow the same at best, under other conditions: which calls that concerns depends on the calls."""


@dataclass(frozen=True, slots=True)
class Change:
    """One request that the two policies answer differently."""

    principal: Principal
    action: Action
    resource: Resource
    before: Effect
    after: Effect
    observed: tuple[bool, bool] = (False, False)
    """Whether observe mode lets it through nevertheless, before and after."""
    open: tuple[bool, bool] = (False, False)
    """Whether it depends on conditions, before and after, where nothing but these differs."""

    @property
    def kind(self) -> Kind:
        """What it means. A condition that goes or comes where all else is the same is a gain or a loss."""
        if self.open == (True, True):
            return Kind.DIFFERS
        gains = self.open[0] if any(self.open) else self.gains
        return Kind.GAINS if gains else Kind.LOSES

    @property
    def gains(self) -> bool:
        """Whether the principal may do more than before: ALLOW is more than ASK, ASK more than DENY.

        What is let through counts first, then what policy says of it.
        """
        before, after = self.observed
        return (not after and self.after, self.after) < (not before and self.before, self.before)

    @classmethod
    def between(cls, before: Decision, after: Decision, request: Request) -> Change | None:
        """How one request is answered otherwise; None if it is not."""
        observed = before.observed, after.observed
        same = before.effect is after.effect and before.observed is after.observed
        if same and _conditions(before) == _conditions(after):
            return None
        who, what = request.principal, request.resource
        depends = (before.open is not None, after.open is not None) if same else (False, False)
        return cls(who, request.action, what, before.effect, after.effect, observed, depends)


def changes(
    old: Decides, new: Decides, principals: Iterable[Principal], resources: Iterable[Resource]
) -> Iterator[Change]:
    """Every difference, in the order of the principals, then of the resources, then of the actions.

    What conditions leave open counts as the best that they can allow; where that is the same, but under other
    conditions, the change is of the kind DIFFERS.
    """
    things = list(resources)
    for who in principals:
        for resource in things:
            for action in ACTIONS[resource.kind]:
                request = Request(who, action, resource)
                before, after = old.static(who, action, resource), new.static(who, action, resource)
                change = Change.between(before, after, request)
                if change is not None:
                    yield change


def _conditions(decision: Decision) -> frozenset[bytes]:
    """What an open decision waits for: the rules that can apply, whatever they are called. Empty if it is not open."""
    if decision.open is None:
        return frozenset()
    told = []
    for rule in decision.open.sliced:
        # Rules of roles are in the slice because they reach the principal and the thing; an expert's may say more.
        scope = (
            [rule.body[part] for part in ("principal", "action", "resource")] if rule.pattern is None else []
        )
        told.append([rule.body["effect"], rule.ask, rule.body["conditions"], scope])
    return frozenset(orjson.dumps(each, option=orjson.OPT_SORT_KEYS) for each in told)


def named(grants: Iterable[Grant]) -> list[str]:
    """Every `to:` of the grants, once, sorted."""
    return sorted({grant.to for grant in grants})


def spelled_out(roles: Iterable[Role]) -> set[Resource]:
    """What patterns without a wildcard name; `server/name` alone names a tool, a resource and a prompt."""
    found = set[Resource]()
    for role in roles:
        for text in (pattern_of(entry) for verb in VERBS for entry in getattr(role, verb)):
            pattern = Pattern.parse(text)
            server, name = pattern.server.exact, pattern.name.exact
            if server is not None and name is not None:
                kinds = ACTIONS if pattern.kind is None else (pattern.kind,)
                found.update(Resource(kind, server, name) for kind in kinds)
    return found
