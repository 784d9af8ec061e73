"""Observe mode: what policy would refuse is let through, and said.

The decision keeps policy's own effect and says `observed`; who acts on decisions lets it through. What could not be
decided is never let through.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from typing import Protocol

from keepgate.model.access import Action, Principal, Request, Resource
from keepgate.model.verdict import Effect
from keepgate.policy import schema
from keepgate.policy.assess import Assessed
from keepgate.policy.context import Needs
from keepgate.policy.engine import Decision, Engine
from keepgate.policy.roles import VERBS, Grant, Role, observed_roles, rule_id
from keepgate.policy.servers import Server


class Decides(Protocol):
    """Anything that answers what policy is asked: an `Engine`, or one that is observed."""

    def decide(self, request: Request) -> Decision: ...
    def static(self, who: Principal, action: Action, resource: Resource) -> Decision: ...


class Observing:
    """An engine of which some refusals are only observed.

    - On a server in observe mode: every refusal, whoever asks.
    - For who holds a role in observe mode: every refusal but those that a rule of another role, or a policy written by
      hand, demands. That nothing allows it is no such demand.
    """

    observing = True

    def __init__(
        self, engine: Engine, roles: Mapping[str, Role], grants: Iterable[Grant], servers: Iterable[str]
    ) -> None:
        self._engine = engine
        self._servers = frozenset(servers)
        self._roles = frozenset(observed_roles(roles))
        self._holders = frozenset(grant.to for grant in grants if grant.role in self._roles)
        self._harmless = frozenset(_rules(roles, self._roles))
        self._let_through = lru_cache(1024)(_observed)
        self.text = f"{engine.text}// observed: {self.said}\n"
        """As that of the engine, with what is observed."""
        self.hash = sha256(self.text.encode()).hexdigest()
        """Of `text`, hex."""

    @property
    def said(self) -> str:
        """What is observed, in words."""
        servers = [f"server `{each}`" for each in sorted(self._servers)]
        return ", ".join(servers + [f"role `{each}`" for each in sorted(self._roles)])

    @property
    def assessing(self) -> bool:
        """Whether any policy asks what tools do."""
        return self._engine.assessing

    def use_assessed(self, assessed: Assessed) -> None:
        """As that of the engine."""
        self._engine.use_assessed(assessed)

    @property
    def needs(self) -> Needs:
        """What any policy reads of the context."""
        return self._engine.needs

    @property
    def timed(self) -> bool:
        """Whether any policy reads the time."""
        return self._engine.timed

    @property
    def flowing(self) -> bool:
        """Whether any policy reads what was returned before."""
        return self._engine.flowing

    @property
    def tracing(self) -> bool:
        """Whether any policy reads what of it the arguments repeat."""
        return self._engine.tracing

    @property
    def servers(self) -> Mapping[str, Server]:
        """What the administrator says of each."""
        return self._engine.servers

    def decide(self, request: Request) -> Decision:
        """Policy's own answer; `observed` if it is not to be acted on."""
        return self._looked_at(self._engine.decide(request), request.principal, request.resource)

    def static(self, who: Principal, action: Action, resource: Resource) -> Decision:
        """The answer without a context; one that is open is not looked at before it is weighed."""
        decision = self._engine.static(who, action, resource)
        return decision if decision.open is not None else self._looked_at(decision, who, resource)

    def weigh(self, decision: Decision, request: Request) -> Decision:
        """The answer to a question that was open."""
        return self._looked_at(self._engine.weigh(decision, request), request.principal, request.resource)

    def _looked_at(self, decision: Decision, who: Principal, resource: Resource) -> Decision:
        if decision.effect is Effect.ALLOW or decision.errors or not self._lets(who, resource, decision):
            return decision
        return self._let_through(decision)

    def visible(self, principal: Principal, resource: Resource) -> bool:
        """Whether it exists for the principal: if policy shows it, or observe mode does."""
        return self._engine.visible(principal, resource) or self.observed(principal, resource)

    def observed(self, principal: Principal, resource: Resource) -> bool:
        """Whether it exists for the principal by observe mode only: policy denies its main use."""
        decision = self.static(principal, schema.ACTIONS[resource.kind][0], resource)
        return decision.observed and decision.effect is Effect.DENY

    def may_use(self, principal: Principal, server: str) -> bool:
        """Whether anything on `server` could be let through."""
        return server in self._servers or self._holds(principal) or self._engine.may_use(principal, server)

    def _lets(self, who: Principal, resource: Resource, decision: Decision) -> bool:
        if resource.server in self._servers:
            return True
        return self._holds(who) and self._harmless.issuperset(decision.rules)

    def _holds(self, principal: Principal) -> bool:
        return not self._holders.isdisjoint(principal.grantees)


def _rules(roles: Mapping[str, Role], observed: frozenset[str]) -> Iterable[str]:
    """Ids of the rules that keep nothing from being let through: all of observed roles, of others those that allow."""
    for name, role in roles.items():
        for verb in VERBS:
            if verb == "allow" or name in observed:
                yield from (rule_id(name, verb, entry) for entry in getattr(role, verb))


def _observed(decision: Decision) -> Decision:
    return replace(decision, observed=True)
