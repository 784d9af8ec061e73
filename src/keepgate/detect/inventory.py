"""The tools of all servers, by what a definition may mean with their names.

`entities` looks for every foreign name in every definition. A gateway sees the same definitions over and over while
the servers around them come and go, so here it is turned round: what a definition mentions is collected once, and an
inventory says which foreign names matter to it. Judging with these alone gives what judging with all of them gives.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from keepgate.detect.entities import SHORTEST, core, distinct, identifiers, nearly
from keepgate.detect.fold import fold, skeleton
from keepgate.detect.texts import places
from keepgate.model.message import Json

MENTIONED: Final = 5_000
"""Names that one definition is taken to mention; one that mentions more is held against all there are."""
_END: Final = 4
"""Signs at the beginning and the end of a name, one of which a small slip leaves as it was."""

Session = Mapping[str, tuple[str, ...]]
"""Names of tools by server, as `Artifact.session`."""


@dataclass(frozen=True, slots=True)
class Mentions:
    """What of a definition can have to do with other servers' tools."""

    names: frozenset[str] | None
    """Identifiers in its texts, lower case; None for too many to keep"""
    own: str = ""
    """The name of a tool, which may be made to look like another's"""


def mentions_of(definition: Json, *, tool: bool) -> Mentions:
    """What a definition, or a text, mentions. Only a tool's own name can be taken for another tool."""
    found: set[str] = set()
    for place in places(definition):
        if not place.is_key and place.keys[-1:] != ("name",):
            text = place.text
            found.update(
                text[start:end].lower() for start, end in identifiers(text) if end - start >= SHORTEST
            )
        if len(found) > MENTIONED:
            break
    name = definition.get("name") if tool and isinstance(definition, dict) else None
    return Mentions(
        frozenset(found) if len(found) <= MENTIONED else None, name if isinstance(name, str) else ""
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """One tool of one server."""

    server: str
    name: str
    core: tuple[str, ...]


class Inventory:
    """What is known of the tools of all servers. `generation` grows with every change."""

    def __init__(self, most: int) -> None:
        self._most = most
        """Names kept of one server, the newest of them."""
        self._servers: dict[str, OrderedDict[str, tuple[str, ...]]] = {}
        """By server and name: the name, and as clients may see it."""
        self._spoken: dict[str, set[tuple[str, str]]] = {}
        """By a form in lower case that can only be meant as a name: server and form."""
        self._alike: dict[str, set[_Known]] = {}
        """By what a look-alike has in common."""
        self.generation = 0

    def learn(self, server: str, names: Iterable[str], prefix: str = "") -> None:
        """A server lists these tools. What it listed before counts on: a client may still have it in mind.

        With the prefix a name can be mentioned. It cannot be imitated: keepgate makes what clients call of prefixes.
        """
        known = self._servers.setdefault(server, OrderedDict())
        for name in names:
            if name in known:
                known.move_to_end(name)
                continue
            self.generation += 1
            known[name] = tuple(dict.fromkeys((name, prefix + name)))
            for form in known[name]:
                if distinct(form):
                    self._spoken.setdefault(form.lower(), set()).add((server, form))
            for key in _keys(name):
                self._alike.setdefault(key, set()).add(_Known(server, name, core(name)))
        while len(known) > self._most:
            self._drop(server, next(iter(known)))

    def forget(self, server: str) -> None:
        """A server is not configured any more."""
        for name in list(self._servers.get(server, ())):
            self._drop(server, name)
        self._servers.pop(server, None)

    def only(self, servers: Container[str]) -> None:
        """Forget every other server."""
        for server in [server for server in self._servers if server not in servers]:
            self.forget(server)

    def _drop(self, server: str, name: str) -> None:
        self.generation += 1
        for form in self._servers[server].pop(name):
            _take(self._spoken, form.lower(), (server, form))
        for key in _keys(name):
            _take(self._alike, key, _Known(server, name, core(name)))

    def about(self, server: str, mentions: Mentions) -> Session:
        """The names that matter to a definition of this server, those of the server itself among them."""
        found: dict[str, set[str]] = {}
        if mentions.names is None:
            for each, known in self._servers.items():
                found[each] = {form for forms in known.values() for form in forms}
        else:
            for spoken in mentions.names & self._spoken.keys():
                for each, form in self._spoken[spoken]:
                    found.setdefault(each, set()).add(form)
        for known_name in self._like(server, mentions.own):
            found.setdefault(known_name.server, set()).add(known_name.name)
        return {each: tuple(sorted(names)) for each, names in sorted(found.items())}

    def _like(self, server: str, own: str) -> Iterable[_Known]:
        if not own:
            return ()
        joined = "".join(core(own))
        return {
            known
            for key in _keys(own)
            for known in self._alike.get(key, ())
            if known.server != server and (key[0] not in "<>" or nearly(joined, "".join(known.core)))
        }


def _take(table: dict[str, set[Any]], key: str, value: object) -> None:
    found = table.get(key)
    if found is not None:
        found.discard(value)
        if not found:
            del table[key]


def _keys(name: str) -> set[str]:
    """What two names have in common of which one may be made to be taken for the other."""
    words = core(name)
    joined = "".join(words)
    ends = {f"<{joined[:_END]}", f">{joined[-_END:]}", f".{' '.join(words)}"} if joined else set()
    return {f"={name}", f"~{fold(name)}", f"~{skeleton(fold(name))}"} | ends
