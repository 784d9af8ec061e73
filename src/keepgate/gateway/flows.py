"""Flows of one gateway: labels that results put on them, and the facts that guards want before a call.

The key of a flow is the principal, which says who asks with which credential: all sessions and requests of it are one
flow, in both eras. A trace id or a new session splits nothing, so labels cannot be shed. Labels end when nothing was
heard of the flow for a while and no session of it is open, or when an administrator clears it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from keepgate.model.access import Resource
from keepgate.model.errors import LocalError
from keepgate.model.exchange import Exchange
from keepgate.model.finding import Confidence, Finding
from keepgate.model.flow import PERSONAL, PRIVATE, SECRET, UNTRUSTED, FlowFact, Mark, Origin, Reach
from keepgate.policy.servers import NOTHING_SAID, Server
from keepgate.ports import FlowStore
from keepgate.protocol import jsonrpc

MOST: Final = 10_000
"""Flows in memory; the store has the others."""
ORIGINS: Final = 64
"""Things on a flow that are named; of more only the server is."""
SAVE: Final = 30.0
"""Seconds that the store may be behind in when a flow was last heard of."""
LOOK: Final = 0.1
"""Seconds after which another process is asked for."""
KNOWN: Final = 16_384
_SEEN: Final = {
    "secret": SECRET,
    "personal": PERSONAL,
    "attack": UNTRUSTED,
    "hidden": UNTRUSTED,
    "exfil": UNTRUSTED,
}
"""Family of a finding to the label that it puts on a flow."""
_UNREADABLE: Final = "what is known of this flow cannot be read"


class Flow:
    """What is known of one."""

    __slots__ = ("facts", "last", "origins", "saved", "seen")

    def __init__(self, origins: Iterable[Origin], last: float) -> None:
        self.origins = {(each.label, each.server, each.name): each for each in origins}
        self.last = last
        self.saved = last
        self.seen: set[tuple[str, str]] = set()
        """Server and name of what has put its labels on it."""
        self.facts: dict[Reach, FlowFact] = {}

    def fact(self, reach: Reach) -> FlowFact:
        """Without values."""
        found = self.facts.get(reach)
        if found is None:
            ordered = sorted(self.origins.values(), key=lambda origin: origin.at)
            found = self.facts[reach] = FlowFact(tuple(ordered), reach)
        return found


class Flows:
    """All of them."""

    def __init__(
        self,
        store: FlowStore,
        clock: Callable[[], float],
        *,
        idle: float,
        open_session: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`clock`: Unix seconds. `open_session`: whether a principal has a session, which keeps its flow."""
        self._store = store
        self._clock = clock
        self._idle = idle
        self.open_session = open_session
        self._servers: Mapping[str, Server] = {}
        self._flows: OrderedDict[str, Flow] = OrderedDict()
        self._marks: dict[tuple[str, Resource | None], Mark] = {}
        self._reaches: dict[Resource, tuple[Any, Reach]] = {}
        self._looked = float("-inf")

    def use(self, servers: Mapping[str, Server]) -> None:
        """Judge by what the administrator says from now on. Labels stay."""
        self._servers = servers
        self._marks.clear()
        self._reaches.clear()

    def fact(self, exchange: Exchange) -> FlowFact | None:
        """What is known before a request of a client; None for a flow without labels. Raises LocalError."""
        flow = self._flow(exchange.principal.id, self._clock())
        if not flow.origins or exchange.resource is None:
            return None
        fact = flow.fact(self.reach(exchange))
        if fact.reach is not Reach.READING:
            return fact
        return replace(fact, length=length_of(exchange))

    def returned(self, exchange: Exchange, findings: Sequence[Finding]) -> None:
        """A server's words are about to reach a client. Raises LocalError: then they must not."""
        server, resource = exchange.server, exchange.resource
        name = "" if resource is None else resource.name
        now = self._clock()
        flow = self._flow(exchange.principal.id, now)
        if (server, name) in flow.seen and not findings:
            return
        mark = self._mark(server, resource)
        labels = mark.labels | _labels_seen(findings)
        if not labels:
            return
        found = [Origin(label, server, name, now, label in mark.said) for label in sorted(labels)]
        fresh = [each for each in map(flow_room(flow), found) if each is not None]
        if fresh:
            self._store.add(exchange.principal.id, fresh, now)
            flow.origins.update({(each.label, each.server, each.name): each for each in fresh})
            flow.facts.clear()
        if len(flow.seen) > KNOWN:
            flow.seen.clear()
        flow.seen.add((server, name))

    def reach(self, exchange: Exchange) -> Reach:
        """Where a request can carry data."""
        resource, contract = exchange.resource, exchange.contract
        assert resource is not None
        definition = None if contract is None else contract.definition
        known = self._reaches.get(resource)
        if known is None or known[0] is not definition:
            if len(self._reaches) >= KNOWN:
                self._reaches.clear()
            server = self._servers.get(resource.server, NOTHING_SAID)
            known = self._reaches[resource] = definition, server.reach_of(resource, definition)
        return known[1]

    def _mark(self, server: str, resource: Resource | None) -> Mark:
        known = self._marks.get((server, resource))
        if known is None:
            if len(self._marks) >= KNOWN:
                self._marks.clear()
            said = self._servers.get(server, NOTHING_SAID)
            known = self._marks[server, resource] = said.mark_of(resource)
        return known

    def _flow(self, principal: str, now: float) -> Flow:
        """The flow as it stands, heard of now."""
        if now - self._looked >= LOOK or now < self._looked:
            self._looked = now
            if self._changed():
                self._flows.clear()
        flow = self._flows.get(principal)
        if flow is None:
            flow = self._loaded(principal, now)
        if now - flow.last > self._idle:
            flow = self._idled(principal, flow, now)
        flow.last = now
        if flow.origins and now - flow.saved >= SAVE:
            flow.saved = now
            with suppress(LocalError):  # then it ends earlier after a restart, which loses nothing now
                self._store.touch(principal, now)
        return flow

    def _changed(self) -> bool:
        try:
            return self._store.changed()
        except LocalError:
            return True  # then it is read anew, and what cannot be read is closed

    def _idled(self, principal: str, flow: Flow, now: float) -> Flow:
        """Nothing was heard of it for long: it is forgotten, unless a session of it is still open."""
        if not flow.origins or self.open_session(principal):
            return flow
        with suppress(LocalError):
            self._store.clear(principal)
        fresh = self._flows[principal] = Flow((), now)
        return fresh

    def _loaded(self, principal: str, now: float) -> Flow:
        try:
            kept = self._store.load(principal)
        except LocalError:
            # Closed: as if everything that matters had been brought by somebody who is not asked about.
            both = (Origin(label, _UNREADABLE, "", now, said=True) for label in (UNTRUSTED, PRIVATE))
            flow = Flow(both, now)
        else:
            # The store may be behind by SAVE: rather too long than too short.
            flow = Flow((), now) if kept is None else Flow(kept.origins, kept.last + SAVE)
        self._flows[principal] = flow
        if len(self._flows) > MOST:
            self._flows.popitem(last=False)
        return flow


def length_of(exchange: Exchange) -> int:
    """Bytes of what a request says, as JSON: of its arguments, or of a resource its URI."""
    params = exchange.message.params
    return sum(len(jsonrpc.encode(params[key])) for key in ("arguments", "argument", "uri") if key in params)


def flow_room(flow: Flow) -> Callable[[Origin], Origin | None]:
    """What is left to note of an origin: nothing if it is known, its server alone where too much is named."""

    def of(origin: Origin) -> Origin | None:
        if (origin.label, origin.server, origin.name) in flow.origins:
            return None
        if len(flow.origins) < ORIGINS:
            return origin
        if (origin.label, origin.server, "") in flow.origins:
            return None
        return Origin(origin.label, origin.server, "", origin.at, origin.said)

    return of


def _labels_seen(findings: Iterable[Finding]) -> frozenset[str]:
    found = {
        _SEEN.get(each.rule.partition(".")[0])
        for each in findings
        if each.confidence is not Confidence.POSSIBLE
    }
    return frozenset(label for label in found if label is not None)
