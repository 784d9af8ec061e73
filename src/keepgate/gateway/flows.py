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

from keepgate.decide.guards.flow import SHORT
from keepgate.detect.texts import MARK
from keepgate.gateway.traces import Traces, tracked_labels
from keepgate.model.access import Resource
from keepgate.model.errors import LocalError
from keepgate.model.exchange import Exchange
from keepgate.model.finding import Confidence, Finding
from keepgate.model.flow import PERSONAL, PRIVATE, SECRET, UNTRUSTED, FlowFact, Mark, Origin, Reach
from keepgate.model.verdict import Verdict
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
NAME: Final = 512
"""Characters of a name that are kept; what is called longer is looked at afresh each time."""
SEEN: Final = 256
TRACED: Final = 256
"""Flows of which values are known."""
_ENVELOPE: Final = frozenset(("_meta", "name", "requestState", "task"))
"""Parameters that are the client's, not what is said."""
_SEEN: Final = {
    "secret": SECRET,
    "personal": PERSONAL,
    "attack": UNTRUSTED,
    "hidden": UNTRUSTED,
    "exfil": UNTRUSTED,
}
"""Family of a finding to the label that it puts on a flow."""
_NEVER: Final = -1
_UNREADABLE: Final = "what is known of this flow cannot be read"


class Flow:
    """What is known of one."""

    __slots__ = ("facts", "kept", "last", "origins", "read", "saved", "seen", "traces")

    def __init__(self, origins: Iterable[Origin], last: float, read: int = 0) -> None:
        self.origins = {(each.label, each.server, each.name): each for each in origins}
        self.read = read
        """The state of the store that is known."""
        self.last = last
        self.saved = last
        self.kept = True
        """False while the store has lost it and did not take it again: then that it is gone there says nothing."""
        self.seen: set[tuple[str, str, str]] = set()
        """Server, kind and name of what has put its labels on it."""
        self.facts: dict[Reach, FlowFact] = {}
        self.traces: Traces | None = None
        """None while nothing was said, or where it was given up."""

    def fact(self, reach: Reach) -> FlowFact:
        """Without values."""
        found = self.facts.get(reach)
        if found is None:
            ordered = sorted(self.origins.values(), key=lambda origin: origin.at)
            found = self.facts[reach] = FlowFact(tuple(ordered), reach)
        return found

    @property
    def armed(self) -> bool:
        """Whether there is something to lose, and somebody who could ask for it."""
        labels = {label for label, _, _ in self.origins}
        return UNTRUSTED in labels and not labels.isdisjoint((PRIVATE, SECRET))

    def merge(self, origins: Iterable[Origin], read: int) -> None:
        """What is kept now; another process may have added to it."""
        kept = {(each.label, each.server, each.name): each for each in origins}
        if self.traces is not None and not kept.keys() <= self.origins.keys():
            self.traces.give_up()  # values that came by the other process are not known here
        self.origins, self.read = kept, read
        self.seen.clear()
        self.facts.clear()


class Flows:
    """All of them."""

    def __init__(
        self,
        store: FlowStore,
        clock: Callable[[], float],
        *,
        idle: float,
        key: bytes,
        open_session: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`clock`: Unix seconds. `key`: random, for fingerprints. `open_session`: whether a principal has one now."""
        self._store = store
        self._clock = clock
        self._idle = idle
        self.open_session = open_session
        self._key = key
        self._servers: Mapping[str, Server] = {}
        self._tracing = self._everything = False
        self._outside: set[str] = set()
        """Servers that what others returned could be told to."""
        self._watched: set[str] = set()
        """Servers of which that is so."""
        self._traced: OrderedDict[str, Flow] = OrderedDict()
        self._flows: OrderedDict[str, Flow] = OrderedDict()
        self._marks: dict[tuple[str, Resource | None], Mark] = {}
        self._reaches: dict[Resource, tuple[Any, Reach]] = {}
        self._looked = float("-inf")
        self._state = 0
        """Goes up whenever another process has changed the store."""

    def use(self, servers: Mapping[str, Server], *, tracing: bool = False) -> None:
        """Judge by what the administrator says from now on. Labels stay.

        `tracing`: policies ask what arguments repeat, of strangers as well.
        """
        self._servers = servers
        self._everything = tracing
        outside = {name for name, server in servers.items() if tracing or server.may_lead_out}
        self._tracing = len(servers) > 1 and bool(outside)  # with one there is nowhere else to repeat it
        self._outside = outside
        self._watched = {name for name in servers if outside - {name}} if self._tracing else set()
        self._marks.clear()
        self._reaches.clear()
        for flow in self._flows.values():
            flow.seen.clear()

    def close(self) -> None:
        """Nothing is held any more."""
        self._store.close()

    def fact(self, exchange: Exchange) -> FlowFact | None:
        """What is known before a request of a client; None for a flow without labels."""
        flow = self._flow(exchange.principal.id, self._clock())
        resource = exchange.resource
        if resource is None:
            return None
        if self._tracing:
            self._trace(exchange.principal.id, flow).asked(said_in(exchange), exchange.message.size)
        if not flow.origins:
            return None
        fact = flow.fact(self.reach(exchange))
        if fact.reach is Reach.NONE or not (self._everything or (fact.reach is Reach.READING and flow.armed)):
            return fact
        length = length_of(exchange)
        if length > SHORT and not self._everything:
            return replace(fact, length=length)  # that is enough to be asked about
        return replace(fact, length=length, values=self._values(exchange, flow, resource.server))

    def fact_towards(self, exchange: Exchange) -> FlowFact | None:
        """What is known before a server hears what a client's model answers it."""
        flow = self._flow(exchange.principal.id, self._clock())
        out = self._servers.get(exchange.server, NOTHING_SAID).may_lead_out
        return flow.fact(Reach.SINK if out else Reach.NONE) if flow.origins else None

    def _values(self, exchange: Exchange, flow: Flow, server: str) -> frozenset[str]:
        """Labels of what the arguments repeat."""
        if not self._tracing:
            return frozenset()
        traces = self._trace(exchange.principal.id, flow)
        if not (traces.full or traces.elsewhere(server)):
            return frozenset()
        labels = [(each.label, each.server) for each in flow.origins.values()]
        return traces.found(said_in(exchange), server, labels)

    def _trace(self, principal: str, flow: Flow) -> Traces:
        """Where the values of a flow are known. Of few flows at a time: of those that began last."""
        traces = flow.traces
        if traces is None:
            labels = frozenset(label for label, _, _ in flow.origins)
            begun = not tracked_labels(labels, all_of_them=self._everything)
            traces = flow.traces = Traces(self._key, begun=begun)
            self._traced[principal] = flow
            if len(self._traced) > TRACED:
                self._traced.popitem(last=False)[1].traces = None
        return traces

    def returned(self, exchange: Exchange, findings: Sequence[Finding]) -> None:
        """A server's words are about to reach a client. Raises LocalError: then they must not."""
        server, resource = exchange.server, exchange.resource
        name, kind = ("", "") if resource is None else (resource.name[:NAME], resource.kind.value)
        now = self._clock()
        flow = self._flow(exchange.principal.id, now)
        mark = self._mark(server, resource)
        labels = mark.labels | _labels_seen(findings) if findings else mark.labels
        if self._tracing:
            self._remember(exchange, flow, labels)
        if (server, kind, name) in flow.seen and not findings:
            return
        found = [Origin(label, server, name, now, label in mark.said) for label in sorted(labels)]
        fresh = [each for each in map(flow_room(flow), found) if each is not None]
        if fresh:
            self._store.add(exchange.principal.id, fresh, now)
            flow.origins.update({(each.label, each.server, each.name): each for each in fresh})
            flow.facts.clear()
        if len(name) == NAME:
            return  # it may be cut: what begins alike can have other labels
        if len(flow.seen) >= SEEN:
            flow.seen.clear()
        flow.seen.add((server, kind, name))

    def _remember(self, exchange: Exchange, flow: Flow, labels: frozenset[str]) -> None:
        """What a server returned is recognised elsewhere, and may go back to it."""
        server, message = exchange.server, exchange.message
        what = tracked_labels(labels, all_of_them=self._everything)
        if server in (self._watched if what else self._outside):
            self._trace(exchange.principal.id, flow).returned(message.body, server, what, message.size)

    def reach(self, exchange: Exchange) -> Reach:
        """Where a request can carry data."""
        resource, contract = exchange.resource, exchange.contract
        assert resource is not None
        definition = None if contract is None else contract.definition
        if len(resource.name) > NAME:
            return self._servers.get(resource.server, NOTHING_SAID).reach_of(resource, definition)
        known = self._reaches.get(resource)
        if known is None or known[0] is not definition:
            if len(self._reaches) >= KNOWN:
                self._reaches.clear()
            server = self._servers.get(resource.server, NOTHING_SAID)
            known = self._reaches[resource] = definition, server.reach_of(resource, definition)
        return known[1]

    def _mark(self, server: str, resource: Resource | None) -> Mark:
        if resource is not None and len(resource.name) > NAME:
            return self._servers.get(server, NOTHING_SAID).mark_of(resource)
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
            self._state += self._changed()
        flow = self._flows.get(principal)
        if flow is None or flow.read != self._state:
            flow = self._loaded(principal, flow, now)
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
        fresh = self._flows[principal] = Flow((), now, self._state)
        return fresh

    def _loaded(self, principal: str, known: Flow | None, now: float) -> Flow:
        try:
            kept = self._store.load(principal)
        except LocalError:
            # Closed: as if everything that matters had been brought by somebody who is not asked about.
            both = (Origin(label, _UNREADABLE, "", now, said=True) for label in (UNTRUSTED, PRIVATE))
            flow = Flow(both, now, _NEVER)  # and read again at the next call
        else:
            if kept is not None and known is not None:
                known.merge(kept.origins, self._state)
                return known
            if kept is None and known is not None and not known.origins:
                known.read = self._state
                return known
            if kept is None and known is not None and self._only_idle(principal, known, now):
                return known
            # The store may be behind by SAVE: rather too long than too short.
            flow = (
                Flow((), now, self._state)
                if kept is None
                else Flow(kept.origins, kept.last + SAVE, self._state)
            )
        self._flows[principal] = flow
        if len(self._flows) > MOST:
            self._flows.popitem(last=False)
        return flow

    def _only_idle(self, principal: str, known: Flow, now: float) -> bool:
        """Whether another process took a flow for ended that has a session here: then it is kept again."""
        if known.kept and (now - known.last <= self._idle or not self.open_session(principal)):
            return False
        try:
            self._store.add(principal, known.origins.values(), now)
        except LocalError:  # it is tried again at the next call; the labels are known here all the same
            known.kept = False
        else:
            known.read, known.kept = self._state, True
        return True


def remaining(verdict: Verdict) -> tuple[Finding, ...]:
    """The findings without those whose text the edits take out: that reaches nobody."""
    edited = {edit.path: str(edit.value) for edit in verdict.edits}
    return tuple(each for each in verdict.findings if f"{MARK}{each.rule}]" not in edited.get(each.path, ""))


def said_in(exchange: Exchange) -> list[Any]:
    """What a request says."""
    params = exchange.message.params
    return [value for key, value in params.items() if key not in _ENVELOPE]


def length_of(exchange: Exchange) -> int:
    """Bytes of what a request says, as JSON: of its arguments, or of a resource its URI."""
    return sum(len(jsonrpc.encode(each)) for each in said_in(exchange))


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
