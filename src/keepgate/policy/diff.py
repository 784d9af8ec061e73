"""Who gains and who loses between two policies: their answers compared over given principals and names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from keepgate.model.access import Action, Principal, Request, Resource
from keepgate.model.verdict import Effect
from keepgate.policy.engine import Decision
from keepgate.policy.observe import Decides
from keepgate.policy.pattern import Pattern
from keepgate.policy.roles import VERBS, Grant, Role, pattern_of
from keepgate.policy.schema import ACTIONS


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
        if before.effect is after.effect and before.observed is after.observed:
            return None
        who, what = request.principal, request.resource
        return cls(who, request.action, what, before.effect, after.effect, observed)


def changes(
    old: Decides, new: Decides, principals: Iterable[Principal], resources: Iterable[Resource]
) -> Iterator[Change]:
    """Every difference, in the order of the principals, then of the resources, then of the actions.

    What conditions leave open counts as the best that they can allow.
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
