"""The gateway as one object: builds what the fronts share, owns servers and sessions, reloads, stops."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from keepgate.decide.chain import Guard
from keepgate.decide.facts import Fact
from keepgate.decide.guards.authorize import Authorize
from keepgate.decide.guards.budgets import Budgets as BudgetsGuard
from keepgate.decide.guards.callbacks import Callbacks
from keepgate.decide.guards.content import Content
from keepgate.decide.guards.identity import Identity as IdentityGuard
from keepgate.decide.guards.limits import Limits as LimitsGuard
from keepgate.decide.guards.pins import Pins as PinsGuard
from keepgate.decide.guards.quarantine import Quarantine as QuarantineGuard
from keepgate.detect.honeytokens import HoneytokenDetector
from keepgate.gateway import authorization
from keepgate.gateway.access import Gatekeeper
from keepgate.gateway.approving import Approving
from keepgate.gateway.background import Background
from keepgate.gateway.budgets import Budgets
from keepgate.gateway.enforce import Enforcer, Rules
from keepgate.gateway.flows import Flows
from keepgate.gateway.gather import Meters
from keepgate.gateway.heavy import Heavy
from keepgate.gateway.http_front import HttpFront
from keepgate.gateway.listing import Listing
from keepgate.gateway.personal import Personal
from keepgate.gateway.pins import Pins, Withheld
from keepgate.gateway.pipe_front import PipeFront, Send
from keepgate.gateway.relay import Relay
from keepgate.gateway.replies import StateSealer
from keepgate.gateway.services import Services
from keepgate.gateway.session import Session
from keepgate.gateway.sessions import Sessions
from keepgate.gateway.settings import Identity, Limits, ServerSettings
from keepgate.gateway.shared_owner import SharedOwner
from keepgate.gateway.stateless import Stateless
from keepgate.gateway.subjects import NotingGatekeeper, Subjects
from keepgate.gateway.task_ledger import Ledger
from keepgate.gateway.task_relay import TaskRelay
from keepgate.gateway.task_table import TaskTable
from keepgate.gateway.upstream import Upstream
from keepgate.gateway.vetting import Vetting
from keepgate.model.access import Principal
from keepgate.model.errors import UpstreamError
from keepgate.model.message import Message
from keepgate.model.quarantine import Held
from keepgate.policy.assess import Assessed
from keepgate.ports import AccessTokens, Approver, AuditLog, ClientCertificates, KeyRing
from keepgate.protocol.seal import Sealer
from keepgate.protocol.session import State

SWEEP_SECONDS = 10.0
GARBAGE = 256
"""Ended sessions, some 30 kB each, after which the garbage collector runs through; some 10 ms."""
GARBAGE_SECONDS = 300.0
"""Seconds after which it does in any case."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys of this process, one per purpose, 32 bytes each."""

    request_state: bytes
    cursor: bytes


@dataclass(frozen=True, slots=True)
class Outside:
    """What the gateway uses of the world."""

    audit: AuditLog
    keys: KeyRing
    clock_ns: Callable[[], int]
    monotonic: Callable[[], float]
    tokens: AccessTokens | None = None
    certificates: ClientCertificates | None = None
    approver: Approver | None = None
    subjects: Subjects | None = None
    """Where tokens of callers are noted, if any is exchanged."""


PinsFactory = Callable[["Gateway"], Pins]
"""Makes the pins that a gateway is to hold servers to: they report to it."""


class Gateway:
    """One running gateway. Make it on the event loop it runs on."""

    def __init__(  # noqa: PLR0913 - the parts of a gateway
        self,
        servers: Sequence[ServerSettings],
        policy: authorization.Engine,
        outside: Outside,
        keys: Keys,
        limits: Limits,
        identity: Identity,
        *,
        anonymous: bool = False,
        sync: bool = False,
        inspection: Sequence[Guard] = (),
        pins: PinsFactory | None = None,
        budgets: Budgets | None = None,
        flows: Flows | None = None,
        leading: Sequence[Guard] = (),
    ) -> None:
        """`leading` guards come before policy: where both ask, theirs is the reason that is told."""
        self._held = Held()
        self._policy, self._assessed = policy, Assessed()
        policy.use_assessed(self._assessed)
        self._leading = tuple(leading)
        self._inspection = (*(() if budgets is None else (BudgetsGuard(),)), *inspection)
        self._outside = outside
        self._identity = identity
        self._limits = limits
        meters = Meters(limits, outside.monotonic)
        self.enforcer = Enforcer(
            self._rules(policy),
            outside.audit,
            meters,
            outside.clock_ns,
            sync=sync,
            budgets=budgets,
        )
        self._follow_flows(flows, policy)
        if outside.approver is not None:
            self.enforcer.approving = Approving(outside.approver)
        ledger = Ledger(TaskTable(limits, outside.monotonic))
        relay = Relay(self.enforcer, StateSealer(keys.request_state), ledger)
        cursors = Sealer(keys.cursor)
        self.services = Services(
            identity,
            limits,
            self.enforcer,
            relay,
            Listing(self.enforcer, self._current, identity, cursors),
            {},
            self._current,
            outside.monotonic,
            TaskRelay(relay, ledger, self._current, cursors),
            Personal(self._upstream, outside.monotonic),
        )
        judge = next((guard for guard in inspection if isinstance(guard, Content)), None)
        self.vetting = Vetting(judge, self, limits.list_items) if judge is not None else None
        self.enforcer.heavy = Heavy(judge) if judge is not None else None
        self.honeytokens: HoneytokenDetector | None = None
        """What is put in its place when tokens are issued."""
        self._pins = pins(self) if pins is not None else None
        for settings in servers:
            self.services.upstreams[settings.id] = self._upstream(settings)
        self.sessions = Sessions(self.services)
        self.stateless = Stateless(self.services)
        self.gatekeeper = (Gatekeeper if outside.subjects is None else NotingGatekeeper)(
            outside.keys,
            self.enforcer,
            anonymous=anonymous,
            tokens=outside.tokens,
            certificates=outside.certificates,
        )
        if isinstance(self.gatekeeper, NotingGatekeeper) and outside.subjects is not None:
            self.gatekeeper.subjects = outside.subjects
        self.http = HttpFront(self.services, self.gatekeeper, self.sessions, self.stateless)
        self._tasks = Background()
        self._piped: list[Session] = []
        self._collected = 0, outside.monotonic()
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep())

    def _rules(self, policy: authorization.Engine) -> Rules:
        """The guards in their order; only `authorize` opens the chain, those of the inspection can only tighten."""
        stopped: tuple[Guard, ...] = (QuarantineGuard(self._held),) if self._held.holds else ()
        guards: tuple[Guard, ...] = (
            *stopped,
            IdentityGuard(),
            LimitsGuard(),
            Callbacks(),
            *self._leading,
            Authorize(policy),
            PinsGuard(),
            *self._inspection,
        )
        timed = any(Fact.TIME in guard.needs for guard in guards)
        return Rules(guards, policy.hash, timed, self._held, policy.needs.approvals)

    def _follow_flows(self, flows: Flows | None, policy: authorization.Engine) -> None:
        if flows is not None:
            flows.use(policy.servers, tracing=policy.tracing)
            flows.open_session = self._has_session
        self.enforcer.flows = flows

    def _has_session(self, principal: str) -> bool:
        return any(session.principal.id == principal for session in self._every_session())

    def _current(self) -> authorization.Engine:
        return self._policy

    def _upstream(self, settings: ServerSettings) -> Upstream:
        owner = SharedOwner(self.enforcer, self._unsolicited)
        upstream = Upstream(settings, self._identity, self._limits, owner, self._outside.monotonic)
        upstream.barred, upstream.assess = self._bar(settings.id), partial(self._assess, settings.id)
        upstream.pins = self._pins.of(settings.id) if self._pins is not None else None
        if self.vetting is not None:
            upstream.vetting = self.vetting.of(settings.id, settings.prefix)
            self._learn(settings)
        owner.upstream = upstream
        return upstream

    def _assess(self, server: str, tools: Iterable[dict[str, Any]]) -> None:
        """A server has listed tools."""
        if self._policy.assessing:
            self._assessed.learn(server, tools)

    def _unsolicited(self, server: str, message: Message) -> None:
        self.stateless.unsolicited(server, message)

    def _every_upstream(self) -> list[Upstream]:
        """Those that all share, and each principal's own."""
        return [*self.services.upstreams.values(), *self.services.own.every()]

    def pipe(self, principal: Principal, mount: str | None, send: Send) -> PipeFront:
        """A front for a client on a pipe."""
        session = Session(self.services, principal, mount, "stdio")
        self._piped.append(session)
        return PipeFront(session, self.stateless, principal, mount, send)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                self._end_dead_keys()
                await self.sessions.sweep()
                await self.stateless.sweep()
                await self._end_idle()
                self._collect()
                self.services.tasks.ledger.table.sweep()
            except Exception as error:  # noqa: BLE001 - without sweeps everything would grow without end
                self.enforcer.mishap(error, "")

    async def _end_idle(self) -> None:
        """Forget what principals of their own have at servers, when they have not been here for long."""
        idle = self.services.own.idle(self._outside.monotonic() - self._limits.session_idle)
        if idle:
            await self.stateless.drop(idle)
            await asyncio.gather(*(upstream.close() for upstream in idle))

    def granted(self, principal: str) -> None:
        """A principal has logged in at a server: what it was shown before may be too little."""
        for session in self._every_session():
            if session.principal.id == principal:
                session.announce_lists()
        self.stateless.announce_lists()

    def _collect(self) -> None:
        """Free what ended sessions leave: each is a ring of objects, and calls alone never wake the collector up."""
        now = self._outside.monotonic()
        if self.sessions.ended - self._collected[0] >= GARBAGE or now - self._collected[1] >= GARBAGE_SECONDS:
            self._collected = self.sessions.ended, now
            gc.collect()

    def _end_dead_keys(self) -> None:
        """End what dead keys have open: sessions, streams, listens; of expired tokens the streams and listens."""
        live, now = self._outside.keys.live, self._outside.clock_ns() / 1e9
        for session in self._every_session():
            if not live(session.principal):
                self.enforcer.note("auth.ended", "the key has ended", principal=session.principal.id)
                self.sessions.end_later(session)
            elif session.principal.expired(now):
                session.standing.detach()  # a client with a fresh token opens it again, and misses nothing
        self.stateless.end_unless(live)
        self.stateless.listens.end_unless(lambda principal: not principal.expired(now))

    def _every_session(self) -> list[Session]:
        """Those over HTTP and those on pipes."""
        self._piped = [session for session in self._piped if session.state is not State.CLOSED]
        return [*self.sessions.all(), *self._piped]

    def started(self, what: str, principal: str = "") -> None:
        """Record that the gateway begins, and what its policy does not enforce. Raises AuditError."""
        self.enforcer.event("start", what, principal=principal)
        if self._policy.observing:
            self.enforcer.event("policy.observed", f"observe mode: {self._policy.said}", principal=principal)

    def use_policy(self, policy: authorization.Engine) -> None:
        """Decide by a new policy from the next message on; clients are told that lists may have changed."""
        self._policy = policy
        policy.use_assessed(self._assessed)
        if self.enforcer.flows is not None:
            self.enforcer.flows.use(policy.servers, tracing=policy.tracing)
        self.enforcer.rules = self._rules(policy)
        said = f", observe mode: {policy.said}" if policy.observing else ""
        self.enforcer.note("policy.changed", f"policy {policy.hash}{said}")
        self._announce_lists()

    def use_quarantine(self, held: Held) -> None:
        """Stop what is held now, calls in flight included, and let go on what is not held any more."""
        before, self._held = self._held, held
        if before.holds == held.holds:
            return
        self.enforcer.rules = self._rules(self._policy)
        targets = ", ".join(hold.target for hold in held.holds[:20])
        self.enforcer.note("quarantine.changed", targets[:500] or "nothing is quarantined")
        for upstream in self._every_upstream():
            upstream.barred = self._bar(upstream.id)
            if not upstream.barred:
                continue
            upstream.connector.rest()
            for link in list(upstream.links):
                link.fail(UpstreamError("closed", upstream.barred))
                _ = self._tasks.spawn(link.close())
        for calls in (self.services.relay.calls, self.http.lane, self.stateless.parking):
            calls.end(held.why)
        for session in self._every_session():
            if held.principal(session.principal.id):
                self.sessions.end_later(session)
        self.stateless.end_unless(lambda principal: not held.principal(principal.id))
        self._announce_lists()

    def _bar(self, server: str) -> str:
        return f"server `{server}` is quarantined" if self._held.server(server) else ""

    def use_pins(self, make: PinsFactory | None) -> None:
        """Hold what servers list against another lock from now on; None: against none."""
        self._pins = pins = make(self) if make is not None else None
        for upstream in self._every_upstream():
            upstream.pins = pins.of(upstream.id) if pins is not None else None
            self._learn(upstream.settings)
        self.enforcer.note("lock.changed", "the lock changed" if pins is not None else "no lock is in force")
        self._announce_lists()

    def _learn(self, settings: ServerSettings) -> None:
        """The lock knows what a server offers before anybody has asked it."""
        if self.vetting is not None and self._pins is not None:
            self.vetting.inventory.learn(settings.id, self._pins.tools(settings.id), settings.prefix)

    def refused(self, what: Withheld) -> None:
        """Something is withheld for what it says of itself."""
        self.enforcer.note(
            "content.withheld", f"{what.kind} {what.name[:200]}: {what.why}", server=what.server
        )

    def withheld(self, what: Withheld) -> None:
        """Something is withheld by the lock."""
        self.enforcer.note("lock.withheld", f"{what.kind} {what.name[:200]}: {what.why}", server=what.server)

    def trusted(self, server: str, kind: str, count: int) -> None:
        """A server that the lock does not have was trusted because it was seen first."""
        self.enforcer.note("lock.trusted", f"{count} {kind} trusted at first use", server=server)

    def _announce_lists(self) -> None:
        for session in self._every_session():
            session.announce_lists()
        self.stateless.announce_lists()

    async def use_servers(self, servers: Sequence[ServerSettings]) -> None:
        """Take over a new set of servers: changed ones are reached anew, removed ones are closed after their calls."""
        old = self.services.upstreams
        fresh: dict[str, Upstream] = {}
        for settings in servers:
            known = old.get(settings.id)
            fresh[settings.id] = (
                known if known is not None and known.settings == settings else self._upstream(settings)
            )
        gone = [upstream for key, upstream in old.items() if fresh.get(key) is not upstream]
        old.clear()
        old.update(fresh)
        self.services.tasks.ledger.table.forget_servers({upstream.id for upstream in gone})
        if self.vetting is not None:
            self.vetting.inventory.only(fresh)
        ids = [upstream.id for upstream in gone]
        gone += self.services.own.take(gone)
        await self.stateless.drop(gone)
        for session in self._every_session():
            _ = self._tasks.spawn(session.follow(ids))
        for upstream in gone:
            if not upstream.quiet:
                _ = self._tasks.spawn(upstream.retire(self._limits.call_maximum))
        await asyncio.gather(*(upstream.close() for upstream in gone if upstream.quiet))

    def end_streams(self) -> None:
        """Shutdown begins: end the standing streams, which would otherwise hold it up. Calls go on."""
        for session in self.sessions.all():
            session.standing.finish()
        self.stateless.listens.end()

    async def close(self, grace: float) -> None:
        """Let running requests finish for `grace` seconds, then end everything. Never raises."""
        await self.http.drain(grace)
        self._sweeper.cancel()
        await self._tasks.drain(0)
        await asyncio.gather(self.sessions.close(), self.stateless.close())
        await asyncio.gather(*(upstream.close() for upstream in self._every_upstream()))
        self.enforcer.close()
