"""ASK, carried out: a request that a person must decide on passes once, when that person has said so.

The caller is told at once that it waits, and asks again later: this works in both eras, for clients that can show a
form and for those that cannot, and over a restart.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from keepgate.model.approval import State, Wanted
from keepgate.model.errors import LocalError
from keepgate.model.exchange import Exchange
from keepgate.model.verdict import Effect, Verdict, deny
from keepgate.ports import Approver
from keepgate.protocol import jsonrpc
from keepgate.protocol.eras import STATELESS_REVISIONS

GUARD: Final = "approvals"
_ENVELOPE: Final = frozenset(("_meta", "requestState", "inputResponses"))
"""Parameters that are not what is asked for."""


class Approving:
    """Turns ASK into ALLOW, where it was approved, or says what it waits for."""

    def __init__(self, approver: Approver) -> None:
        self._approver = approver

    def settle(self, exchange: Exchange, verdict: Verdict, trace: str) -> Verdict:
        """What follows from an ASK now. Never raises: whatever fails is a denial."""
        resource, message = exchange.resource, exchange.message
        if resource is None or exchange.action is None:
            return verdict
        params = {key: value for key, value in message.params.items() if key not in _ENVELOPE}
        definition = exchange.contract.definition if exchange.contract is not None else None
        wanted = Wanted(
            exchange.principal.id,
            exchange.client,
            exchange.action,
            resource.server,
            resource.name,
            params,
            "" if definition is None else sha256(jsonrpc.canonical(definition)).hexdigest(),
            verdict.reason,
            verdict.rules,
            trace,
        )
        try:
            handle = message.params.get("requestState")
            goes_on = handle if isinstance(handle, str) and exchange.revision in STATELESS_REVISIONS else ""
            claim = self._approver.claim(wanted, goes_on=goes_on)
        except LocalError as error:
            return _with(
                deny(f"it needs approval, and {error.public}", guard=GUARD, private=error.private), verdict
            )
        rules = (f"approval:{claim.id}",)
        if claim.state is State.APPROVED:
            effect = Effect.REDACT if verdict.edits else Effect.ALLOW
            return _with(Verdict(effect, f"approved by {claim.by}", GUARD, rules=rules), verdict)
        if claim.state is State.DENIED:
            return _with(
                deny(f"a person refused it (approval {claim.id})", guard=GUARD, rules=rules), verdict
            )
        waits = (
            f"{verdict.reason or 'it needs approval'}: it waits for a person to decide (approval {claim.id})"
        )
        text = f"{waits}; once approved, the same request passes once"
        return _with(Verdict(Effect.ASK, text, GUARD, rules=rules), verdict)


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
        obligations=asked.obligations,
        told=asked.told,
    )
