"""ASK, carried out: a request that a person must decide on passes once, when that person has said so.

The caller is told at once that it waits, and asks again later: this works in both eras, for clients that can show a
form and for those that cannot, and over a restart. Where the client can show a form, and its answer is enough, it is
asked by `eliciting`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final, Protocol

from keepgate.audit.record import Entry, event
from keepgate.model.access import Resource
from keepgate.model.approval import (
    ASKABLE,
    OUT_OF_BAND,
    REMEMBERED,
    Claim,
    Pending,
    Remembered,
    State,
    Wanted,
)
from keepgate.model.errors import LocalError
from keepgate.model.exchange import Exchange
from keepgate.model.finding import Finding
from keepgate.model.message import Json
from keepgate.model.verdict import Effect, Verdict, deny
from keepgate.ports import Approver
from keepgate.protocol import jsonrpc
from keepgate.protocol.eras import STATELESS_REVISIONS

GUARD: Final = "approvals"
RULE: Final = "approval:"
"""Before the id of an approval, among the rules of a verdict."""
_HANDLE: Final = frozenset(("requestState", "inputResponses"))
"""Parameters that go on with a call that was let through, and are not what is asked for then."""
_OF_ONE_REQUEST: Final = frozenset(("progressToken", "traceparent", "tracestate", "baggage"))
_OF_THE_PROTOCOL: Final = "io.modelcontextprotocol/"
"""Of `_meta`: what says nothing of what is asked for, and is another each time."""


Again = Callable[[tuple[str, ...]], Verdict]
"""Who approved to the decision that follows."""


class Terms(Protocol):
    """What the administrator says of approvals."""

    def enough(self, resource: Resource) -> bool:
        """Whether an answer through the client itself may decide on it."""

    def risks(self, resource: Resource) -> tuple[str, ...]:
        """What is known, or must be assumed, of its effects, in words."""


def decided(
    asked: Pending, time_ns: int, *, approve: bool, by: str, client: str = "", reason: str = ""
) -> Entry:
    """The record of a decision. `client` is set where it said so, and nobody else."""
    return event(
        time_ns,
        "approval.given" if approve else "approval.refused",
        f"{RULE.rstrip(':')} {asked.id}" + (", as its client says" if client else ""),
        trace=asked.wanted.trace,
        principal=by,
        client=client,
        server=asked.wanted.server,
        name=asked.wanted.name,
        allowed=approve,
        private=reason,
    )


def revoked(one: Remembered, time_ns: int, *, by: str, reason: str = "") -> Entry:
    """The record of an approval that is not remembered any more."""
    asked = Pending(one.id, State.APPROVED, one.wanted, one.created, one.expires)
    return decided(asked, time_ns, approve=False, by=by, reason=reason)._replace(method="approval.revoked")


class Closed:
    """Nobody has said anything: what a client says of its user is never enough."""

    def enough(self, resource: Resource) -> bool:
        return False

    def risks(self, resource: Resource) -> tuple[str, ...]:
        return ()


class Approving:
    """Turns ASK into ALLOW, where it was approved, or says what it waits for."""

    def __init__(self, approver: Approver, terms: Terms | None = None) -> None:
        self.approver = approver
        self.terms: Terms = terms or Closed()
        self.told: Callable[[str, Wanted], None] = lambda _id, _wanted: None
        """Hears of every request that begins to wait."""
        self._told: set[str] = set()

    def settle(self, exchange: Exchange, verdict: Verdict, trace: str, again: Again | None = None) -> Verdict:
        """What follows from an ASK now. Never raises: whatever fails is a denial.

        `again` decides once more, for those who have approved: an approval can be one that does not do.
        """
        resource, message = exchange.resource, exchange.message
        if resource is None or exchange.action is None:
            return verdict
        handle = message.params.get("requestState")
        goes_on = handle if isinstance(handle, str) and exchange.revision in STATELESS_REVISIONS else ""
        params = _asked(message.params, goes_on=bool(goes_on))
        wanted = self._wanted(exchange, resource, params, verdict, trace)
        try:
            claim = self.approver.claim(wanted, goes_on=goes_on)
        except LocalError as error:
            return _with(
                deny(f"it needs approval, and {error.public}", guard=GUARD, private=error.private), verdict
            )
        rules = (f"{RULE}{claim.id}",)
        if claim.state is State.APPROVED and again is not None:
            verdict = again((claim.by.removesuffix(REMEMBERED),))
            if verdict.effect is Effect.DENY:
                text = f"approved by {claim.by}, and then: {verdict.reason}"
                return _with(deny(text, guard=verdict.guard, rules=rules), verdict)
        if claim.state is State.APPROVED:
            effect = Effect.REDACT if verdict.edits else Effect.ALLOW
            return _with(Verdict(effect, f"approved by {claim.by}", GUARD, rules=rules), verdict)
        if claim.state is State.DENIED:
            return _with(
                deny(f"a person refused it (approval {claim.id})", guard=GUARD, rules=rules), verdict
            )
        self._tell(claim, wanted)
        waits = (
            f"{verdict.reason or 'it needs approval'}: it waits for a person to decide (approval {claim.id})"
        )
        how = f"a person approves it with `keepgate approvals approve {claim.id}`"
        text = f"{waits}; {how}, and then the same request passes once"
        askable = () if wanted.out_of_band else (ASKABLE,)
        return _with(Verdict(Effect.ASK, text, GUARD, rules=rules, obligations=askable), verdict)

    def _wanted(
        self, exchange: Exchange, resource: Resource, params: dict[str, Json], verdict: Verdict, trace: str
    ) -> Wanted:
        definition = exchange.contract.definition if exchange.contract is not None else None
        return Wanted(
            exchange.principal.id,
            exchange.client,
            str(exchange.action),
            resource.server,
            resource.name,
            params,
            "" if definition is None else sha256(jsonrpc.canonical(definition)).hexdigest(),
            verdict.reason,
            verdict.rules,
            trace,
            OUT_OF_BAND in verdict.obligations or not self.terms.enough(resource),
            (*self.terms.risks(resource), *_found(verdict.findings)),
        )

    def _tell(self, claim: Claim, wanted: Wanted) -> None:
        if claim.id not in self._told:
            if len(self._told) >= _MOST_TOLD:
                self._told.clear()
            self._told.add(claim.id)
            self.told(claim.id, wanted)

    def waiting(self, verdict: Verdict) -> Pending | None:
        """What a verdict waits for, if the client may be asked for it."""
        if verdict.effect is not Effect.ASK or ASKABLE not in verdict.obligations:
            return None
        name = next((rule.removeprefix(RULE) for rule in verdict.rules[::-1] if rule.startswith(RULE)), "")
        try:
            found = self.approver.get(name)
        except LocalError:
            return None
        return found if found.state is State.PENDING and not found.wanted.out_of_band else None


_MOST_TOLD: Final = 10_000


def _found(findings: tuple[Finding, ...]) -> tuple[str, ...]:
    """What detectors found in the arguments."""
    found = dict.fromkeys(f"{finding.rule} ({finding.severity.name.lower()})" for finding in findings[:20])
    return (f"found in it: {', '.join(found)}",) if found else ()


def _asked(params: Mapping[str, Json], *, goes_on: bool) -> dict[str, Json]:
    """What a person sees and what the approval then holds for: whatever the server could act on."""
    out = {key: value for key, value in params.items() if key != "_meta" and not (goes_on and key in _HANDLE)}
    meta = params.get("_meta")
    if isinstance(meta, dict):
        rest = {
            key: value
            for key, value in meta.items()
            if key not in _OF_ONE_REQUEST and not key.startswith(_OF_THE_PROTOCOL)
        }
        return {**out, "_meta": rest} if rest else out
    return out


def _with(now: Verdict, asked: Verdict) -> Verdict:
    """What was found and must be done stays; only the effect and its reason are new."""
    return Verdict(
        now.effect,
        now.reason,
        now.guard,
        now.private or asked.private,
        rules=asked.rules + now.rules,
        findings=asked.findings,
        edits=asked.edits,
        obligations=asked.obligations + now.obligations,
        told=asked.told,
    )
