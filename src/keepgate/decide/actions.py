"""What follows from what detectors see: by family and confidence, direction, server and tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, NamedTuple

from keepgate.detect.detector import Sighting
from keepgate.model.finding import Confidence
from keepgate.policy.pattern import Glob


class Action(IntEnum):
    """What follows from a sighting, mildest first."""

    IGNORE = 0
    RECORD = 1
    NEUTRALISE = 2
    """The text goes on, marked as data, and without what hides in it or leads out of it."""
    REDACT = 3
    ASK = 4
    DENY = 5


_SURE: Final = (Confidence.CONFIRMED,)
_FAIRLY: Final = (Confidence.CONFIRMED, Confidence.LIKELY)


@dataclass(frozen=True, slots=True)
class Table:
    """Family of findings to what follows, for one direction. Whatever is not said is recorded."""

    actions: Mapping[tuple[str, Confidence], Action] = field(default_factory=dict)

    def action(self, sighting: Sighting) -> Action:
        """What follows from it."""
        return self.actions.get((sighting.family, sighting.finding.confidence), Action.RECORD)

    def with_(self, family: str, action: Action) -> Table:
        """The same, but this for what is at least likely of a family; IGNORE also for what is only possible."""
        which = tuple(Confidence) if action is Action.IGNORE else _FAIRLY
        return Table({**self.actions, **{(family, confidence): action for confidence in which}})


NOTHING: Final = Table()


def _table(**families: tuple[Action, Sequence[Confidence]]) -> Table:
    return Table(
        {
            (family, confidence): action
            for family, (action, confidences) in families.items()
            for confidence in confidences
        }
    )


PROFILES: Final[Mapping[str, tuple[Table, Table]]] = {
    "relaxed": (NOTHING, NOTHING),
    "balanced": (
        _table(attack=(Action.DENY, _FAIRLY)),
        _table(
            secret=(Action.REDACT, _SURE),
            personal=(Action.REDACT, _SURE),
            exfil=(Action.REDACT, _FAIRLY),
            hidden=(Action.REDACT, _FAIRLY),
            attack=(Action.DENY, _FAIRLY),
        ),
    ),
    "strict": (
        _table(secret=(Action.DENY, _SURE), attack=(Action.DENY, _FAIRLY)),
        _table(
            secret=(Action.REDACT, _FAIRLY),
            personal=(Action.REDACT, _FAIRLY),
            exfil=(Action.REDACT, _FAIRLY),
            hidden=(Action.REDACT, _FAIRLY),
            attack=(Action.DENY, _FAIRLY),
        ),
    ),
}
"""By profile: what follows in messages to servers, and in messages to clients."""


class Terms(NamedTuple):
    """What follows for one tool, or for whatever else a server says."""

    to_server: Table
    to_client: Table
    wrap: bool = False
    """Every text of a result is marked as data of its server"""


@dataclass(frozen=True, slots=True)
class ServerTerms:
    """What follows for one server."""

    terms: Terms
    tools: Mapping[str, Terms] = field(default_factory=dict)
    """By name or pattern; of several that match the one with the longest literal text counts"""

    def of(self, tool: str) -> Terms:
        """For one tool, "" for what belongs to none."""
        found = [
            (pattern, terms) for pattern, terms in self.tools.items() if Glob.parse(pattern).matches(tool)
        ]
        if not found or not tool:
            return self.terms
        return max(found, key=lambda each: (len(each[0].replace("*", "")), each[0]))[1]


_KEPT: Final = 10_000


class Book:
    """What follows, for every server and tool."""

    def __init__(self, terms: Terms, servers: Mapping[str, ServerTerms] | None = None) -> None:
        self._terms = terms
        self._servers = servers or {}
        self._known: dict[tuple[str, str], Terms] = {}

    @property
    def particular(self) -> frozenset[str]:
        """The servers that have terms of their own."""
        return frozenset(self._servers)

    def of(self, server: str, tool: str = "") -> Terms:
        """The terms for what a tool is given and returns, or a server says besides."""
        own = self._servers.get(server)
        if own is None:
            return self._terms
        found = self._known.get((server, tool))
        if found is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            found = self._known[server, tool] = own.of(tool)
        return found
