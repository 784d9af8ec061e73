"""Who gains and who loses between two policies: their answers compared over given principals and names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from keepgate.model.access import Action, Principal, Request, Resource
from keepgate.model.verdict import Effect
from keepgate.policy.engine import Engine
from keepgate.policy.explain import VERBS
from keepgate.policy.pattern import Pattern
from keepgate.policy.roles import Grant, Role
from keepgate.policy.schema import ACTIONS


@dataclass(frozen=True, slots=True)
class Change:
    """One request that the two policies answer differently."""

    principal: Principal
    action: Action
    resource: Resource
    before: Effect
    after: Effect

    @property
    def gains(self) -> bool:
        """Whether the principal may do more than before: ALLOW is more than ASK, ASK more than DENY."""
        return self.after < self.before


def changes(
    old: Engine, new: Engine, principals: Iterable[Principal], resources: Iterable[Resource]
) -> Iterator[Change]:
    """Every difference, in the order of the principals, then of the resources, then of the actions."""
    things = list(resources)
    for who in principals:
        for resource in things:
            for action in ACTIONS[resource.kind]:
                request = Request(who, action, resource)
                before, after = old.decide(request).effect, new.decide(request).effect
                if before is not after:
                    yield Change(who, action, resource, before, after)


def named(grants: Iterable[Grant]) -> list[str]:
    """Every `to:` of the grants, once, sorted."""
    return sorted({grant.to for grant in grants})


def spelled_out(roles: Iterable[Role]) -> set[Resource]:
    """What patterns without a wildcard name; `server/name` alone names a tool, a resource and a prompt."""
    found = set[Resource]()
    for role in roles:
        for text in (text for verb in VERBS for text in getattr(role, verb)):
            pattern = Pattern.parse(text)
            server, name = pattern.server.exact, pattern.name.exact
            if server is not None and name is not None:
                kinds = ACTIONS if pattern.kind is None else (pattern.kind,)
                found.update(Resource(kind, server, name) for kind in kinds)
    return found
