"""The lock at work: what a server lists now against what was approved, for every list that is fetched.

What differs is withheld: not listed, not called, its text not passed on. Each new difference is reported once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Protocol

from keepgate.gateway.shelf import KEY
from keepgate.lock.compare import Class, definition_changes
from keepgate.lock.document import KINDS, Lock, LockedServer, Pin
from keepgate.lock.fingerprint import digest, fingerprint
from keepgate.model.errors import LocalError
from keepgate.protocol import jsonrpc
from keepgate.protocol.envelope import SERVER_INFO_KEY
from keepgate.protocol.eras import LISTS

MAX_REMEMBERED = 50_000
"""Fingerprints, and reports that were made."""


class Definitions(Protocol):
    """Where approved and withheld definitions are kept, by fingerprint, so that a change can be shown."""

    def get(self, fingerprint: str) -> Any: ...

    def keep(self, fingerprint: str, definition: Any) -> None: ...


class FirstUse(Protocol):
    """What was seen first of servers that the lock does not have, where the configuration trusts that."""

    def pins(self, server: str, kind: str) -> Mapping[str, str] | None: ...

    def trust(self, server: str, kind: str, pins: Mapping[str, str]) -> None: ...


@dataclass(frozen=True, slots=True)
class Withheld:
    """One thing that is withheld, for the log."""

    server: str
    kind: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Terms:
    """How the lock is applied."""

    accept: frozenset[Class] = frozenset()
    """Changes that pass without a new approval."""
    first_use: FirstUse | None = None
    """None: a server that the lock does not have is withheld whole."""
    ends: Mapping[str, float] = field(default_factory=dict)
    """When the approval of a server ends, Unix seconds; without one it does not."""


class Hearer(Protocol):
    """Hears of what the lock does, for the log."""

    def withheld(self, what: Withheld) -> None:
        """Something is withheld: told once."""

    def trusted(self, server: str, kind: str, count: int) -> None:
        """What a server listed was trusted because it was seen first."""


class Pins:
    """The lock in force, for all servers of one process."""

    def __init__(
        self, lock: Lock, terms: Terms, kept: Definitions, clock: Callable[[], float], hearer: Hearer
    ) -> None:
        self._lock = lock
        self._terms = terms
        self._clock = clock
        self._hearer = hearer
        self.kept = kept
        """The definitions that are at hand."""
        self.trusted = hearer.trusted
        self._reported: OrderedDict[Withheld, None] = OrderedDict()
        self._prints: OrderedDict[bytes, str] = OrderedDict()
        self._made: dict[str, ServerPins] = {}

    def of(self, server: str) -> ServerPins:
        """The pins of one server."""
        found = self._made.get(server)
        if found is None:
            found = self._made[server] = ServerPins(self, server, self._lock.servers.get(server), self._terms)
        return found

    def tools(self, server: str) -> Iterable[str]:
        """The names of the tools that are approved of a server."""
        locked = self._lock.servers.get(server)
        return locked.pins.get("tools", {}) if locked is not None else ()

    def ended(self, server: str) -> bool:
        """Whether the approval has ended."""
        end = self._terms.ends.get(server)
        return end is not None and self._clock() >= end

    def print_of(self, definition: dict[str, Any]) -> str:
        """`fingerprint`, remembered: sessions list the same definitions over and over."""
        key = sha256(jsonrpc.canonical(definition)).digest()
        found = self._prints.get(key)
        if found is None:
            found = self._prints[key] = fingerprint(definition)
            while len(self._prints) > MAX_REMEMBERED:
                self._prints.popitem(last=False)
        return found

    def tell(self, withheld: Withheld) -> None:
        """Report it, unless that was done."""
        if withheld not in self._reported:
            self._reported[withheld] = None
            while len(self._reported) > MAX_REMEMBERED:
                self._reported.popitem(last=False)
            self._hearer.withheld(withheld)


class ServerPins:
    """What one server may be."""

    def __init__(self, pins: Pins, server: str, locked: LockedServer | None, terms: Terms) -> None:
        self._pins = pins
        self._server = server
        self._locked = locked
        self._terms = terms

    def fault(self, server_name: str) -> str:
        """Why nothing of the server may be used, in public words; "" if that is not so."""
        if self._locked is None:
            if self._terms.first_use is not None:
                return ""
            why = "its server is not in keepgate.lock: `keepgate lock approve` puts it there"
        elif self._pins.ended(self._server):
            why = "the approval of its server has ended: `keepgate lock approve` renews it"
        elif self._locked.name != server_name:
            why = "its server calls itself otherwise than when it was approved: `keepgate lock diff` shows it"
        else:
            return ""
        self._pins.tell(Withheld(self._server, "server", "", why))
        return why

    def withheld(self, method: str, items: Sequence[dict[str, Any]]) -> dict[str, str]:
        """Names of a list that must not be used, and why, in public words."""
        kind = LISTS[method]
        pins = (
            self._locked.pins.get(kind, {}) if self._locked is not None else self._first(kind, method, items)
        )
        out = {}
        for item in items:
            name = item[KEY[method]]
            why = self._fault(kind, name, item, pins.get(name))
            if why:
                out[name] = why
                self._pins.tell(Withheld(self._server, KINDS[kind], name, why))
        return out

    def _first(self, kind: str, method: str, items: Sequence[dict[str, Any]]) -> Mapping[str, Pin]:
        """What was seen first, which may be what is seen now; nothing if that cannot be remembered."""
        if self._terms.first_use is None:
            return {}
        first = self._terms.first_use.pins(self._server, kind)
        if first is None:
            first = {item[KEY[method]]: self._pins.print_of(item) for item in items}
            try:
                self._terms.first_use.trust(self._server, kind, first)
            except LocalError as error:
                self._pins.tell(Withheld(self._server, "server", "", error.public))
                return {}
            for item in items:
                self._pins.kept.keep(first[item[KEY[method]]], item)
            self._pins.trusted(self._server, kind, len(first))
        return {name: Pin(seen) for name, seen in first.items()}

    def _fault(self, kind: str, name: str, item: dict[str, Any], pin: Pin | None) -> str:
        if pin is None:
            self._pins.kept.keep(self._pins.print_of(item), item)
            return (
                "it is not in keepgate.lock: `keepgate lock diff` shows it, `keepgate lock approve` adds it"
            )
        now = self._pins.print_of(item)
        if now == pin.hash:
            return ""
        self._pins.kept.keep(now, item)
        old = self._pins.kept.get(pin.hash)
        changes = list(definition_changes(KINDS[kind], name, pin, item, old))
        if changes and all(change.change in self._terms.accept for change in changes):
            return ""
        classes = ", ".join(dict.fromkeys(str(change.change) for change in changes)) or str(Class.OTHER)
        return f"it changed since it was approved ({classes}): `keepgate lock diff` shows it"

    def instructions(self, text: str) -> bool:
        """Whether the server's instructions may be passed on."""
        if self._locked is None:
            return self._terms.first_use is not None
        if not text or self._locked.instructions == digest(text):
            return True
        why = "its instructions changed since they were approved"
        self._pins.kept.keep(digest(text), text)
        self._pins.tell(Withheld(self._server, "server", "instructions", why))
        return False

    def capabilities(self, declared: dict[str, Any]) -> dict[str, Any]:
        """Of what a server declares, what was approved."""
        if self._locked is None:
            return declared
        approved = frozenset(self._locked.capabilities)
        for name in declared.keys() - approved:
            why = f"the server declares `{name[:64]}` anew: `keepgate lock approve` allows it"
            self._pins.tell(Withheld(self._server, "server", name[:64], why))
        return {name: value for name, value in declared.items() if name in approved}


def own_name(hello: dict[str, Any]) -> str:
    """How a server calls itself in its initialize result or in that of `server/discover`; "" if it does not."""
    meta = hello.get("_meta")
    info = hello.get("serverInfo") or (meta.get(SERVER_INFO_KEY) if isinstance(meta, dict) else None)
    name = info.get("name") if isinstance(info, dict) else None
    return name if isinstance(name, str) else ""
