"""The only guard that can open the chain: by policy, or because a message belongs to an allowed request."""

from __future__ import annotations

from typing import Protocol

from keepgate.decide.facts import Fact, Facts
from keepgate.model.access import Request
from keepgate.model.exchange import Exchange
from keepgate.model.message import Direction, Kind
from keepgate.model.verdict import Effect, Verdict, deny
from keepgate.protocol.eras import lookup


class PolicyDecision(Protocol):
    """What a policy engine answers."""

    @property
    def effect(self) -> Effect: ...
    @property
    def rules(self) -> tuple[str, ...]: ...
    @property
    def reason(self) -> str: ...
    @property
    def errors(self) -> tuple[str, ...]: ...


class Policy(Protocol):
    """The part of the policy engine this guard uses."""

    def decide(self, request: Request) -> PolicyDecision: ...


class Authorize:
    """ALLOW what policy allows; everything else is DENY.

    - A client request that names a tool, prompt or resource: the policy's answer. DENY is hidden: what a principal may
      not use does not exist for it.
    - Other client messages of the protocol (lists, ping, handshake): ALLOW; their replies are filtered item by item.
    - Messages from a server: ALLOW if they belong to an allowed request, session or subscription (fact REQUEST).
    """

    id = "authorize"
    needs = frozenset((Fact.REQUEST,))

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def check(self, exchange: Exchange, facts: Facts) -> Verdict | None:
        """ALLOW, ASK or DENY; never no opinion."""
        message = exchange.message
        if exchange.direction is Direction.TO_CLIENT or message.is_reply:
            if facts[Fact.REQUEST] is True:
                return Verdict(Effect.ALLOW, guard=self.id)
            return deny("not allowed", guard=self.id, private="belongs to no allowed request", hidden=True)
        if exchange.action is not None and exchange.resource is not None:
            asked = Request(exchange.principal, exchange.action, exchange.resource)
            decision = self._policy.decide(asked)
            hidden = decision.effect is Effect.DENY
            private = "; ".join(decision.errors)
            return Verdict(
                decision.effect, decision.reason, self.id, private, hidden=hidden, rules=decision.rules
            )
        row = lookup(message.method, Direction.TO_SERVER, message.kind, exchange.revision)
        if row is None or (row.action is not None and message.kind is Kind.REQUEST):
            return deny("not allowed", guard=self.id, private="unknown method or nothing named", hidden=True)
        return Verdict(Effect.ALLOW, guard=self.id)
