"""The only guard that can open the chain: by policy, or because a message belongs to an allowed request."""

from __future__ import annotations

from typing import Any, Protocol

from keepgate.decide.facts import Fact, Facts
from keepgate.model.access import Action, Principal, Request, Resource, ResourceKind
from keepgate.model.exchange import Exchange
from keepgate.model.message import Direction, Kind
from keepgate.model.verdict import Effect, Verdict, deny
from keepgate.policy.facts.paths import climbs
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
    @property
    def told(self) -> bytes: ...
    @property
    def shown(self) -> bool: ...
    @property
    def open(self) -> object | None: ...


class Policy(Protocol):
    """The part of the policy engine this guard uses."""

    @property
    def timed(self) -> bool: ...
    @property
    def flowing(self) -> bool: ...
    def static(self, who: Principal, action: Action, resource: Resource) -> PolicyDecision: ...
    def weigh(self, decision: Any, request: Request) -> PolicyDecision: ...


_TO_CLIENT, _TO_SERVER, _REQUEST = Direction.TO_CLIENT, Direction.TO_SERVER, Kind.REQUEST
_URI = ResourceKind.RESOURCE
_DENY, _BELONGS, _TIME, _APPROVALS = Effect.DENY, Fact.REQUEST, Fact.TIME, Fact.APPROVALS
_ABOUT_TASKS = frozenset(("tasks/get", "tasks/result", "tasks/cancel", "tasks/update"))
"""Their call was decided on with its arguments; what is asked now is whether the tool may still be used at all."""
_ALLOWED = Verdict(Effect.ALLOW, guard="authorize")
_KNOWN_DECISIONS = 16_384


class Authorize:
    """ALLOW what policy allows; everything else is DENY.

    - A client request that names a tool, prompt or resource: the policy's answer. DENY is hidden: what a principal may
      not use does not exist for it. It is shown where only a condition (arguments, time, login) was not met.
      A URI with `..` in it is not looked at: a pattern such as `file:///srv/*` would fit what lies elsewhere.
      In observe mode (`policy.observe`) a refusal is ALLOW, and the verdict says what was observed.
    - Other client messages of the protocol (lists, ping, handshake): ALLOW; their replies are filtered item by item.
    - Messages from a server: ALLOW if they belong to an allowed request, session or subscription (fact REQUEST), and
      the client's revision has them.
    """

    id = "authorize"

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        needs = [Fact.REQUEST]
        if policy.timed:
            needs.append(Fact.TIME)
        if policy.flowing:
            needs.append(Fact.FLOW)
        self.needs = frozenset(needs)
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
            if exchange.resource.kind is _URI and climbs(exchange.resource.name):
                return deny("not allowed", guard=self.id, private="the URI has a `..` segment", hidden=True)
            decision = self._policy.static(exchange.principal, exchange.action, exchange.resource)
            if decision.open is not None and message.method not in _ABOUT_TASKS:
                return _verdict(self._weighed(decision, exchange, facts))
            return self._verdict(decision)
        row = lookup(message.method, _TO_SERVER, message.kind, exchange.revision)
        if row is None or (row.action is not None and message.kind is _REQUEST):
            return deny("not allowed", guard=self.id, private="unknown method or nothing named", hidden=True)
        return _ALLOWED

    def _weighed(self, decision: PolicyDecision, exchange: Exchange, facts: Facts) -> PolicyDecision:
        """The answer to a question that depends on more than who, what and on what."""
        assert exchange.action is not None
        assert exchange.resource is not None
        given: dict[str, Any] = {"arguments": exchange.message.params.get("arguments")}
        if exchange.contract is not None:
            given["schema"] = exchange.contract.arguments
        if self._policy.timed:
            given["time"] = facts[_TIME]
        if self._policy.flowing and (flow := facts[Fact.FLOW]) is not None:
            given["flow"] = flow.as_context()
        if _APPROVALS in facts:
            given["approvals"] = facts[_APPROVALS]
        request = Request(exchange.principal, exchange.action, exchange.resource, given)
        return self._policy.weigh(decision, request)

    def _verdict(self, decision: PolicyDecision) -> Verdict:
        known = self._verdicts.get(id(decision))
        if known is not None and known[0] is decision:
            return known[1]
        made = _verdict(decision)
        if len(self._verdicts) >= _KNOWN_DECISIONS:
            self._verdicts.clear()
        self._verdicts[id(decision)] = decision, made
        return made


def _verdict(decision: PolicyDecision) -> Verdict:
    if decision.observed:
        # Let through, and said: the record tells what would have been, and by which rules.
        said = f"observe mode, policy says {decision.effect.name.lower()}: {decision.reason}"
        return Verdict(
            Effect.ALLOW,
            said,
            Authorize.id,
            rules=decision.rules,
            observed=decision.effect,
            told=decision.told,
        )
    return Verdict(
        decision.effect,
        decision.reason,
        Authorize.id,
        "; ".join(decision.errors),
        hidden=decision.effect is _DENY and not decision.shown,
        rules=decision.rules,
        told=decision.told,
    )
