"""Data flow: what strangers wrote and what not everybody may know do not leave together.

Private data, untrusted text and a way out in one flow are what it takes to steal by asking (the lethal trifecta): then
a person decides, out of band. Nothing here reads what a text says, so nothing that it says gets around it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from keepgate.decide.facts import Fact, Facts
from keepgate.model.approval import OUT_OF_BAND
from keepgate.model.exchange import Exchange
from keepgate.model.flow import PRIVATE, SECRET, TRIFECTA, UNKNOWN, UNTRUSTED, FlowFact, Origin, Reach
from keepgate.model.message import Direction
from keepgate.model.verdict import Effect, Verdict

SHORT: Final = 256
"""Bytes that a question to an outside server may have without being taken for a way out."""
SAMPLING: Final = "sampling/createMessage"
_ABOUT_TASKS: Final = frozenset(("tasks/get", "tasks/result", "tasks/cancel"))
_CLOSED: Final = frozenset((PRIVATE, SECRET))
_LEAKS: Final = frozenset((PRIVATE, SECRET, UNKNOWN))
_SAYS: Final = {UNTRUSTED: "untrusted text", PRIVATE: "private data", SECRET: "a secret"}


class Posture(StrEnum):
    """What follows where the trifecta would close."""

    ASK = "ask"
    DENY = "deny"
    RECORD = "record"


_EFFECTS: Final = {
    Posture.ASK: Effect.ASK,
    Posture.DENY: Effect.DENY,
    Posture.RECORD: Effect.ALLOW,
}


class Flow:
    """ASK (or as configured) before a call leaves with private data in a flow that untrusted text may steer.

    - A sink: whatever its arguments are.
    - An outside server that only answers: if the arguments repeat what was returned, or are long.
    What a server returned may go back to it, unless the administrator said that it is private (`strict`: never).
    """

    id = "flow"
    needs: frozenset[Fact] = frozenset((Fact.FLOW,))

    def __init__(self, posture: Posture, *, strict: bool = False) -> None:
        self._posture = posture
        self._strict = strict

    def check(self, exchange: Exchange, facts: Facts) -> Verdict | None:
        """No opinion unless all three come together."""
        resource = exchange.resource
        if exchange.direction is Direction.TO_CLIENT:
            return self._asked_back(exchange, facts) if exchange.message.method == SAMPLING else None
        if resource is None or exchange.message.is_reply:
            return None
        flow: FlowFact | None = facts[Fact.FLOW]
        if flow is None or flow.reach is Reach.NONE or exchange.message.method in _ABOUT_TASKS:
            return None
        path = self._path(flow, resource.server)
        if not path or (flow.reach is Reach.READING and not _leaves(flow)):
            return None
        way = f"{_quoted(resource.server)}/{_quoted(resource.name)}"
        reason = f"private data could leave: {path}; now `{way}` leads outside{_carried(flow)}"
        return Verdict(
            _EFFECTS[self._posture],
            reason,
            self.id,
            rules=(TRIFECTA,),
            obligations=(OUT_OF_BAND,) if self._posture is Posture.ASK else (),
        )

    def _asked_back(self, exchange: Exchange, facts: Facts) -> Verdict | None:
        """A server asks the client's model, which knows what it was shown. Nobody can be asked about the answer."""
        flow: FlowFact | None = facts[Fact.FLOW]
        if flow is None or flow.reach is Reach.NONE or not (path := self._path(flow, exchange.server)):
            return None
        reason = f"private data could leave: {path}; now `{_quoted(exchange.server)}` asks the client's model"
        effect = Effect.ALLOW if self._posture is Posture.RECORD else Effect.DENY
        return Verdict(effect, reason, self.id, rules=(TRIFECTA,))

    def _path(self, flow: FlowFact, server: str) -> str:
        """The way that what must not leave together came, in words; "" where it has not."""
        untrusted, private = _newest(flow.origins, UNTRUSTED), self.closed(flow.origins, server)
        if untrusted is None or private is None:
            return ""
        first, second = sorted((untrusted, private), key=lambda origin: origin.at)
        return f"{_told(first, 'brought ')}, {_told(second, '')}"

    def closed(self, origins: Iterable[Origin], server: str) -> Origin | None:
        """The newest private data that must not reach a server."""
        found = [
            each
            for each in origins
            if each.label in _CLOSED and (each.server != server or each.said or self._strict)
        ]
        return found[-1] if found else None


def _leaves(flow: FlowFact) -> bool:
    """Whether arguments of a question carry more than a question."""
    return flow.length > SHORT or not _LEAKS.isdisjoint(flow.values)


def _carried(flow: FlowFact) -> str:
    servers = sorted(
        _quoted(word.partition(":")[2])
        for word in flow.values
        if word.partition(":")[0] in _CLOSED and ":" in word
    )
    return f", with data from {', '.join(f'`{each}`' for each in servers)}" if servers else ""


def _newest(origins: Iterable[Origin], label: str) -> Origin | None:
    found = [each for each in origins if each.label == label]
    return found[-1] if found else None


def _told(origin: Origin, verb: str) -> str:
    """`github/get_issue` brought untrusted text at 12:03."""
    minutes = int(origin.at // 60)
    at = f"{minutes // 60 % 24:02}:{minutes % 60:02} UTC"
    name = f"{_quoted(origin.server)}/{_quoted(origin.name)}" if origin.name else _quoted(origin.server)
    return f"`{name}` {verb}{_SAYS[origin.label]} at {at}"


def _quoted(name: str) -> str:
    """A name that an outsider chose, where it cannot end its quotes or be taken for something else."""
    return ascii(name)[1:-1].replace("`", "'")[:80]
