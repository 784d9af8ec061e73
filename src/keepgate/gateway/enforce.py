"""The policy enforcement point: gather facts, decide, record, and only then let the effect happen.

Every message in either direction goes through `Enforcer.judge`. It returns after the record has been written; in
`sync` durability the effect additionally waits, in order, until the record is on stable storage (`after`, `settled`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from keepgate.audit.record import Entry, event
from keepgate.decide.chain import Guard, decide
from keepgate.decide.facts import Fact
from keepgate.decide.guards.flow import SAMPLING
from keepgate.decide.rewrite import carry_out
from keepgate.gateway.approving import GUARD, Again, Approving
from keepgate.gateway.budgets import Budgets
from keepgate.gateway.flows import Flows, remaining
from keepgate.gateway.gather import Meters
from keepgate.gateway.heavy import BIG, Heavy
from keepgate.model.errors import AuditError, LocalError
from keepgate.model.exchange import Exchange
from keepgate.model.message import Direction, Kind, Message
from keepgate.model.quarantine import Held
from keepgate.model.verdict import Effect, Verdict, deny, join
from keepgate.policy.recorded import Facts as PolicyFacts
from keepgate.ports import AuditLog
from keepgate.protocol import jsonrpc

log = logging.getLogger("keepgate")

REFUSALS = frozenset(
    (
        "auth.failed",
        "auth.scope",
        "content.withheld",
        "lock.withheld",
        "message.refused",
        "upstream.dropped",
    )
)
"""Events that tell of something that was not let through."""

_KNOWN_PRINCIPALS = 4096
_BELONGS = {Fact.REQUEST: True}
_STRANGER = {Fact.REQUEST: False}
_TO_SERVER = Direction.TO_SERVER
_ASK = Effect.ASK
_RESULT, _ERROR = Kind.RESULT, Kind.ERROR
_NAME = {member: member.value for kinds in (Direction, Kind) for member in kinds}
_EFFECT = {effect: effect.name.lower() for effect in Effect}
_OBSERVED = {**_EFFECT, Effect.ALLOW: ""}


NOTHING = Held()


@dataclass(slots=True)
class Rules:
    """What decides: swapped as a whole on reload, so no message sees half of an old and half of a new policy."""

    guards: Sequence[Guard]
    policy_hash: str
    timed: bool = False
    """Whether a guard needs the time of day."""
    held: Held = NOTHING
    """What is quarantined"""
    approvals: bool = False
    """Whether a policy asks who approved a request"""


class Enforcer:
    """Decides and records every message of one process."""

    def __init__(
        self,
        rules: Rules,
        audit: AuditLog,
        meters: Meters,
        clock_ns: Callable[[], int],
        *,
        sync: bool = False,
        budgets: Budgets | None = None,
    ) -> None:
        self.budgets = budgets
        """None where no budget is configured: then calls cost nothing for it."""
        self.rules = rules
        self.flows: Flows | None = None
        """None where no flow is followed."""
        self.approving: Approving | None = None
        """Who carries ASK out; None where nobody can be asked."""
        self.heavy: Heavy | None = None
        """Looks at large messages; None where nothing is looked at."""
        self.audit = audit
        self.meters = meters
        self._clock_ns = clock_ns
        self.sync = sync
        """Whether effects wait for stable storage; else they follow at once."""
        self._facts: dict[int, PolicyFacts] = {}
        """What is recorded of each principal, by identity."""
        self._waiting: deque[tuple[int, Callable[[bool], None]]] = deque()
        self._drain: asyncio.Task[None] | None = None

    def judge(
        self,
        exchange: Exchange,
        trace: str,
        *,
        belongs: bool = False,
        name: str = "",
        payload: bytes | None = None,
    ) -> tuple[Verdict, int]:
        """Decide on a message and record the decision. Raises AuditError: then nothing may happen.

        `belongs`: the message belongs to an allowed request, session or subscription. `payload` is what `payload_of`
        the message gives, if the caller needs it too; it is void if the verdict has edits, since under REDACT the
        message is changed in place, and recorded as it is sent on. Returns the verdict and the sequence number of its
        record.
        """
        if (
            payload is None
        ):  # encoded before it is inspected: Python keeps the UTF-8 of a text that was asked for once
            payload = payload_of(exchange.message)
        if exchange.direction is _TO_SERVER and not exchange.message.is_reply:
            facts = self.meters.facts(exchange.principal.id)
            if self.rules.timed:
                facts[Fact.TIME] = self._clock_ns() / 1e9
            if self.flows is not None:
                facts[Fact.FLOW] = self.flows.fact(exchange)
            if self.budgets is None:
                verdict = decide(self.rules.guards, exchange, facts)
            else:
                verdict = self._within(self.budgets, exchange, facts, trace)
            if verdict.effect is _ASK:
                verdict = self._asked_for(exchange, verdict, trace, facts)
        else:
            known: Mapping[Fact, object] = _BELONGS if belongs else _STRANGER
            if self.flows is not None and exchange.message.method == SAMPLING:
                known = {**known, Fact.FLOW: self.flows.fact_towards(exchange)}
            verdict = decide(self.rules.guards, exchange, known)
            if self.flows is not None and verdict.effect < _ASK and exchange.server:
                verdict = self._tainted(self.flows, exchange, verdict)
        if verdict.edits:
            verdict, payload = carry_out(verdict, exchange), None
        return verdict, self.record(exchange, verdict, trace, name=name, payload=payload)

    def close(self) -> None:
        """Nothing more will be judged."""
        if self.budgets is not None:
            self.budgets.close()
        if self.flows is not None:
            self.flows.close()
        if self.heavy is not None:
            self.heavy.close()

    async def foresee(self, exchange: Exchange) -> None:
        """Have a large message looked at beside the loop, before it is judged."""
        if self.heavy is not None and exchange.message.size > BIG and exchange.message.seen is None:
            await self.heavy.foresee(exchange.message, exchange.direction)

    def _asked_for(
        self, exchange: Exchange, verdict: Verdict, trace: str, facts: dict[Fact, object]
    ) -> Verdict:
        """What became of an ASK; one that was settled is not asked for again.

        Where a policy asks who approved, all is decided anew when somebody has.
        """
        if self.approving is None or verdict.guard == GUARD:
            return verdict
        again: Again | None = None
        if self.rules.approvals:
            again = lambda by: decide(self.rules.guards, exchange, {**facts, Fact.APPROVALS: by})  # noqa: E731
        return self.approving.settle(exchange, verdict, trace, again)

    def _tainted(self, flows: Flows, exchange: Exchange, verdict: Verdict) -> Verdict:
        """What a server returned has put its labels on the flow; else it does not reach the client."""
        if exchange.direction is _TO_SERVER:
            return verdict
        try:
            flows.returned(exchange, remaining(verdict) if verdict.edits else verdict.findings)
        except LocalError as error:
            return join(verdict, deny("keepgate could not decide", guard="flow", private=str(error)))
        return verdict

    def _within(self, budgets: Budgets, exchange: Exchange, facts: dict[Fact, object], trace: str) -> Verdict:
        """The decision where there are budgets; what is let through uses them."""
        charges = budgets.charges(exchange)
        facts[Fact.BUDGETS] = budgets.standing(charges)
        verdict = decide(self.rules.guards, exchange, facts)
        if verdict.effect is _ASK:
            verdict = self._asked_for(exchange, verdict, trace, facts)
        if charges and verdict.effect < Effect.ASK:
            budgets.charge(charges)
        return verdict

    def enter(self, exchange: Exchange) -> None:
        """A call starts that was let through."""
        self.meters.enter(exchange.principal.id)
        if self.budgets is not None:
            self.budgets.enter(exchange)

    def leave(self, exchange: Exchange) -> None:
        """It has ended."""
        self.meters.leave(exchange.principal.id)
        if self.budgets is not None:
            self.budgets.leave(exchange)

    def weigh(self, exchange: Exchange) -> Verdict:
        """The decision on a part of our own answer to an allowed request, before the whole is recorded."""
        return decide(self.rules.guards, exchange, _BELONGS)

    def record(
        self,
        exchange: Exchange,
        verdict: Verdict,
        trace: str,
        *,
        name: str = "",
        payload: bytes | None = None,
    ) -> int:
        """Write the record of a decision. Raises AuditError."""
        message, resource, findings = exchange.message, exchange.resource, verdict.findings
        return self.audit.append(
            Entry(  # by position, for speed: the order is that of the class
                self._clock_ns(),
                trace,
                _NAME[exchange.direction],
                _NAME[message.kind],
                message.method,
                exchange.principal.id,
                exchange.client,
                exchange.server,
                name if resource is None else resource.name,
                _EFFECT[verdict.effect],
                verdict.reason,
                self.rules.policy_hash,
                verdict.rules,
                tuple([finding.rule for finding in findings]) if findings else (),
                _OBSERVED[verdict.observed],
                message.size,
                payload_of(message) if payload is None else payload,
                verdict.private,
                b""
                if resource is None or exchange.direction is not _TO_SERVER
                else self._asked(exchange, verdict.told),
            )
        )

    def _asked(self, exchange: Exchange, told: bytes) -> bytes:
        """What policy was asked besides what stands in the record."""
        principal = exchange.principal
        known = self._facts.get(id(principal))
        if known is None or known.principal is not principal:
            if len(self._facts) >= _KNOWN_PRINCIPALS:
                self._facts.clear()
            known = self._facts[id(principal)] = PolicyFacts.of(principal)
        return known.with_context(told) if told else known.encoded

    def event(
        self,
        name: str,
        reason: str,
        *,
        private: str = "",
        principal: str = "",
        server: str = "",
        client: str = "",
    ) -> None:
        """Record something that is no message: start, refused login, lost upstream. Raises AuditError.

        `reason` is written in plain, `private` (what a server printed, say) is sealed.
        """
        self.audit.append(
            event(
                self._clock_ns(),
                name,
                reason,
                principal=principal,
                client=client,
                server=server,
                allowed=name not in REFUSALS,
                policy=self.rules.policy_hash,
                private=private,
            )
        )

    def note(
        self, name: str, reason: str, *, private: str = "", principal: str = "", server: str = ""
    ) -> None:
        """As `event`, for places that have no one to tell: an unwritable log already stops all forwarding."""
        with contextlib.suppress(AuditError):
            self.event(name, reason, private=private, principal=principal, server=server)

    def mishap(self, error: Exception, principal: str) -> None:
        """Our own code failed on a message: nobody may be left waiting, and the cause must be found."""
        log.error("a message could not be handled", exc_info=error)
        self.note("internal.error", type(error).__name__, principal=principal)

    def after(self, seq: int, effect: Callable[[bool], None]) -> None:
        """Run `effect(True)` once record `seq` is as durable as configured, in order; `effect(False)` if it fails."""
        if not self.sync:
            effect(True)  # noqa: FBT003 - a callback's only argument
            return
        self._waiting.append((seq, effect))
        if self._drain is None:
            self._drain = asyncio.get_running_loop().create_task(self._drain_waiting())

    async def _drain_waiting(self) -> None:
        """Whatever fails here fails its own message only: a loop that died would hold up all that follow."""
        while self._waiting:
            newest = self._waiting[-1][0]
            try:
                await self.audit.durable(newest)
                durable = True
            except AuditError:
                durable = False
            except Exception:
                log.exception("the audit log failed")
                durable = False
            while self._waiting and self._waiting[0][0] <= newest:
                effect = self._waiting.popleft()[1]
                try:
                    effect(durable)
                except Exception as error:  # noqa: BLE001 - see above
                    self.mishap(error, "")
        self._drain = None

    async def settled(self, seq: int) -> None:
        """Wait until record `seq` is as durable as configured. Raises AuditError."""
        if not self.sync:
            return
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.after(seq, lambda ok: None if done.done() else done.set_result(ok))
        if not await done:
            raise AuditError("audit", "the record could not be brought to stable storage")


def payload_of(message: Message) -> bytes:
    """What is recorded of a message's content: its encoded params, result or error."""
    kind = message.kind
    if kind is _RESULT:
        return jsonrpc.encode(message.body["result"])
    if kind is _ERROR:
        return jsonrpc.encode(message.body["error"])
    params = message.body.get("params")
    return b"" if params is None else jsonrpc.encode(params)
