"""What was used, collected from recorded decisions: who did what with which thing, how often, and when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from keepgate.model.access import Action, Principal, Request, Resource
from keepgate.model.verdict import Effect
from keepgate.policy.explain import Source, sources
from keepgate.policy.observed import Observed
from keepgate.policy.pattern import Pattern
from keepgate.policy.recorded import Recorded
from keepgate.policy.roles import Grant, Role


@dataclass(slots=True)
class Use:
    """One principal's use of one thing in one way."""

    principal: Principal
    action: Action
    resource: Resource
    asked: bool = True
    """It was asked for each time, whether somebody then approved it or not, never simply let through."""
    count: int = 0
    first: str = ""
    last: str = ""
    """RFC 3339, of the first and the last time."""
    observed: Observed | None = None
    """What its arguments had in common, where that is collected."""

    @property
    def request(self) -> Request:
        """As policy is asked for it, without arguments."""
        return Request(self.principal, self.action, self.resource)


@dataclass(slots=True)
class Usage:
    """All uses of some time. Memory: an entry for each principal, action and thing."""

    uses: dict[tuple[tuple[str, ...], Action, Resource], Use] = field(default_factory=dict)
    seen: set[Resource] = field(default_factory=set)
    """Everything that was asked for, also what was refused."""
    since: str = ""
    """When the first record was made."""
    arguments: bool = False
    """Whether arguments of calls are looked at."""

    def add(self, recorded: Recorded) -> None:
        """Count one decision. What was refused, by policy or by another guard, is no use."""
        request = recorded.request
        self.seen.add(request.resource)
        self.since = min(self.since or recorded.time, recorded.time)
        if recorded.effect is Effect.DENY:
            return
        key = request.principal.grantees, request.action, request.resource
        use = self.uses.get(key)
        if use is None:
            use = self.uses[key] = Use(
                request.principal, request.action, request.resource, first=recorded.time
            )
        use.asked = use.asked and (recorded.effect is Effect.ASK or any(map(_asks, recorded.rules)))
        if self.arguments and request.action is Action.CALL_TOOL:
            use.observed = use.observed or Observed()
            use.observed.add(request.context.get("arguments"))
        use.count += 1
        use.last = max(use.last, recorded.time)


@dataclass(frozen=True, slots=True)
class Aged:
    """A permission or a grant, and when it was last used."""

    path: tuple[str | int, ...]
    """Where it stands in the configuration."""
    what: str
    last: str
    """RFC 3339; empty for never since the log begins."""


def aged(roles: Mapping[str, Role], grants: Iterable[Grant], usage: Usage) -> Iterator[Aged]:
    """Every `allow` and `ask` of a role and every grant, with its last use, in the order of the file.

    A pattern is used where somebody who holds its role used what it names, whichever other role allows that too.
    Raises ValueError on a malformed pattern.
    """
    given, uses = list(grants), list(usage.uses.values())
    holders: dict[str, set[str]] = {}
    for grant in given:
        holders.setdefault(grant.role, set()).add(grant.to)
    used: dict[str, list[Use]] = {}
    for places in sources(roles).values():
        for source in places:
            if source.verb == "deny":
                continue
            found = [use for use in _through(source, uses) if _holds(use, holders.get(source.role, set()))]
            used.setdefault(source.role, []).extend(found)
            yield Aged(source.path, f"{source.verb} {source.pattern} of role {source.role}", _last(found))
    for number, grant in enumerate(given):
        role = roles.get(grant.role)
        if role is not None and (role.allow or role.ask):
            found = [use for use in used.get(grant.role, ()) if _holds(use, {grant.to})]
            yield Aged(("access", "grants", number), f"role {grant.role} of {grant.to}", _last(found))


def _asks(rule: str) -> bool:
    """Whether a rule of a role asks, by its id (`role:ask:pattern`): what was approved is recorded as let through."""
    return rule.split(":", 2)[1:2] == ["ask"]


def _through(source: Source, uses: Iterable[Use]) -> Iterator[Use]:
    pattern = Pattern.parse(source.pattern)
    return (use for use in uses if pattern.names(use.resource))


def _holds(use: Use, holders: set[str]) -> bool:
    return not holders.isdisjoint(use.principal.grantees)


def _last(uses: Iterable[Use]) -> str:
    return max((use.last for use in uses), default="")
