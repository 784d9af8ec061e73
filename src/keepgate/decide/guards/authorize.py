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
    @property
    def observed(self) -> bool: ...


class Policy(Protocol):
    """The part of the policy engine this guard uses."""

    def decide(self, request: Request) -> PolicyDecision: ...


_TO_CLIENT, _TO_SERVER, _REQUEST = Direction.TO_CLIENT, Direction.TO_SERVER, Kind.REQUEST
_DENY, _BELONGS = Effect.DENY, Fact.REQUEST
_ALLOWED = Verdict(Effect.ALLOW, guard="authorize")
_KNOWN_DECISIONS = 16_384


class Authorize:
    """ALLOW what policy allows; everything else is DENY.

    - A client request that names a tool, prompt or resource: the policy's answer. DENY is hidden: what a principal may
      not use does not exist for it.
      In observe mode (`policy.observe`) a refusal is ALLOW, and the verdict says what was observed.
    - Other client messages of the protocol (lists, ping, handshake): ALLOW; their replies are filtered item by item.
    - Messages from a server: ALLOW if they belong to an allowed request, session or subscription (fact REQUEST), and
      the client's revision has them.
    """

    id = "authorize"
    needs = frozenset((Fact.REQUEST,))

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._verdicts: dict[int, tuple[PolicyDecision, Verdict]] = {}
        """The verdict for each decision that the policy repeats (it memoises them), by identity."""

    def check(self, exchange: Exchange, facts: Facts) -> Verdict | None:
        """ALLOW, ASK or DENY; never no opinion."""
        message = exchange.message
        if exchange.direction is _TO_CLIENT and not message.is_reply:
            row = lookup(message.method, _TO_CLIENT, message.kind, exchange.revision)
            if row is None:
                return deny("not allowed", guard=self.id, private="not in the client's revision", hidden=True)
        if exchange.direction is _TO_CLIENT or message.is_reply:
            if facts[_BELONGS] is True:
                return _ALLOWED
            return deny("not allowed", guard=self.id, private="belongs to no allowed request", hidden=True)
        if exchange.action is not None and exchange.resource is not None:
            return self._verdict(
                self._policy.decide(Request(exchange.principal, exchange.action, exchange.resource))
            )
        row = lookup(message.method, _TO_SERVER, message.kind, exchange.revision)
        if row is None or (row.action is not None and message.kind is _REQUEST):
            return deny("not allowed", guard=self.id, private="unknown method or nothing named", hidden=True)
        return _ALLOWED

    def _verdict(self, decision: PolicyDecision) -> Verdict:
        known = self._verdicts.get(id(decision))
        if known is not None and known[0] is decision:
            return known[1]
        made = self._observed(decision) if decision.observed else self._acted_on(decision)
        if len(self._verdicts) >= _KNOWN_DECISIONS:
            self._verdicts.clear()
        self._verdicts[id(decision)] = decision, made
        return made

    def _acted_on(self, decision: PolicyDecision) -> Verdict:
        return Verdict(
            decision.effect,
            decision.reason,
            self.id,
            "; ".join(decision.errors),
            hidden=decision.effect is _DENY,
            rules=decision.rules,
        )

    def _observed(self, decision: PolicyDecision) -> Verdict:
        """Let through, and said: the record tells what would have been, and by which rules."""
        said = f"observe mode, policy says {decision.effect.name.lower()}: {decision.reason}"
        return Verdict(Effect.ALLOW, said, self.id, rules=decision.rules, observed=decision.effect)
