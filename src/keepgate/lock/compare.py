"""What changed between an approved definition and the one offered now, and what that means for whoever uses it.

Names are compared, not positions, so that another order is no change. The digests say *that* something changed; *how*
can only be told while the approved text is at hand (`keepgate.stores.definitions` keeps it).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from keepgate.lock.document import KINDS, Launch, LockedServer, Pin
from keepgate.lock.fingerprint import digest, fingerprint, parts
from keepgate.lock.schema_change import schema_changes
from keepgate.model.message import Json


class Class(StrEnum):
    """What a change is, by what it can do."""

    COSMETIC = "cosmetic"
    TEXT = "changed text"
    INSTRUCTION = "new instruction"
    PARAMETER = "new parameter"
    WIDENED = "widened schema"
    NARROWED = "narrowed schema"
    SCHEMA = "changed schema"
    OUTPUT = "changed output schema"
    HINTS = "changed hints"
    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    CAPABILITY = "new capability"
    IDENTITY = "changed identity"
    LAUNCH = "changed launch"
    OTHER = "changed"


RISK = {
    Class.COSMETIC: "only spaces, case or punctuation: a model reads the same",
    Class.TEXT: "the model is told something else about it",
    Class.INSTRUCTION: "its text now does what attacks do",
    Class.PARAMETER: "it asks for something it did not ask for before: data can leave through it",
    Class.WIDENED: "it takes values that it did not take before",
    Class.NARROWED: "calls that worked may be refused",
    Class.SCHEMA: "it takes other values than before",
    Class.OUTPUT: "its results may have other contents",
    Class.HINTS: "it says other things of its own effects; keepgate never believed them",
    Class.ADDED: "nobody has approved it",
    Class.REMOVED: "it is no longer there",
    Class.RENAMED: "the same under another name: rules by name no longer meet it",
    Class.CAPABILITY: "the server can do something that nobody has approved",
    Class.IDENTITY: "another server answers, or the same under another name",
    Class.LAUNCH: "another program, other arguments or other variables",
    Class.OTHER: "a field that keepgate does not know changed",
}
"""What each means, in words."""

_TEXTS = ("description", "title", "instructions")
_HINTS = ("annotations", "execution")

Suspicion = Callable[[str], frozenset[str]]
"""Text to the ids of the rules that it meets."""
Kept = Callable[[str], Json | None]
"""Digest of a definition to its text, None if it was not kept."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server is now."""

    launch: Launch
    name: str
    instructions: str
    capabilities: tuple[str, ...]
    items: Mapping[str, Mapping[str, Mapping[str, Json]]] = field(default_factory=dict)
    """By the member of the list result, then by name, URI or template: the definition."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `before` and `after` are None where there was or is nothing, or where the old text was not kept."""

    change: Class
    kind: str
    """`server`, `tool`, `prompt`, `resource` or `resource template`"""
    name: str
    part: str = ""
    """The field, with the place inside of a schema."""
    before: Json = None
    after: Json = None

    @property
    def risk(self) -> str:
        """In words."""
        return RISK[self.change]


def no_suspicion(_: str) -> frozenset[str]:
    """For whoever has no detectors at hand."""
    return frozenset()


def compare(
    locked: LockedServer, offer: Offer, kept: Kept, suspicious: Suspicion = no_suspicion
) -> Iterator[Change]:
    """Every change of a server, the server's own first. Nothing if it is as it was approved."""
    yield from _server(locked, offer, kept, suspicious)
    for kind, noun in KINDS.items():
        pins, items = locked.pins.get(kind, {}), offer.items.get(kind, {})
        added = {name: item for name, item in items.items() if name not in pins}
        removed = {name: pin for name, pin in pins.items() if name not in items}
        for old, new in _renamed(removed, added):
            yield Change(Class.RENAMED, noun, new, "name", old, new)
            del added[new], removed[old]
        for name, pin in removed.items():
            yield Change(Class.REMOVED, noun, name, before=kept(pin.hash))
        for name, item in added.items():
            yield Change(Class.ADDED, noun, name, after=dict(item))
        for name, pin in pins.items():
            if name in items and fingerprint(items[name]) != pin.hash:
                yield from definition_changes(noun, name, pin, items[name], kept(pin.hash), suspicious)


def _server(locked: LockedServer, offer: Offer, kept: Kept, suspicious: Suspicion) -> Iterator[Change]:
    if locked.launch != offer.launch:
        before, after = locked.launch.value(), offer.launch.value()
        yield Change(Class.LAUNCH, "server", "", "launch", before, after)
    if locked.name != offer.name:
        yield Change(Class.IDENTITY, "server", "", "name", locked.name, offer.name)
    told = digest(offer.instructions) if offer.instructions else ""
    if locked.instructions != told:
        old = kept(locked.instructions) if locked.instructions else ""
        change = _text(old, offer.instructions, suspicious)
        yield Change(change, "server", "", "instructions", old, offer.instructions)
    for capability in offer.capabilities:
        if capability not in locked.capabilities:
            yield Change(Class.CAPABILITY, "server", "", capability, after=capability)


def _renamed(removed: Mapping[str, Pin], added: Mapping[str, Mapping[str, Json]]) -> list[tuple[str, str]]:
    """Old and new name of definitions whose other fields are all the same; only where that is unambiguous."""
    found: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for old, pin in removed.items():
        found.setdefault(_nameless(pin.fields), []).append(old)
    pairs = []
    for new, item in added.items():
        candidates = found.get(_nameless(parts(item)), [])
        if len(candidates) == 1:
            pairs.append((candidates.pop(), new))
    return pairs


def _nameless(fields: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((key, value) for key, value in fields.items() if key not in ("name", "uri")))


def definition_changes(
    kind: str,
    name: str,
    pin: Pin,
    item: Mapping[str, Json],
    old: Json | None,
    suspicious: Suspicion = no_suspicion,
) -> Iterator[Change]:
    """The changes of one definition whose fingerprint is another. `old` is the approved one, if it was kept."""
    now = parts(item)
    before = old if isinstance(old, dict) else {}
    for part in [*pin.fields, *(key for key in now if key not in pin.fields)]:
        if pin.fields.get(part) == now.get(part):
            continue
        was, is_ = before.get(part), item.get(part)
        if part == "inputSchema" and isinstance(was, dict) and isinstance(is_, dict):
            for change, place, one, other in schema_changes(was, is_):
                told = _BY_NAME[change]
                if told is Class.TEXT:
                    told = _text(one, other, suspicious)
                yield Change(told, kind, name, f"inputSchema{place}", one, other)
        else:
            yield Change(_class(part, was, is_, suspicious), kind, name, part, was, is_)


def _class(part: str, was: Json, is_: Json, suspicious: Suspicion) -> Class:
    if part in _TEXTS:
        return _text(was, is_, suspicious)
    if part == "inputSchema":
        return Class.SCHEMA
    if part == "outputSchema":
        return Class.OUTPUT
    return Class.HINTS if part in _HINTS else Class.OTHER


def _text(was: Json, is_: Json, suspicious: Suspicion) -> Class:
    if not isinstance(is_, str) or not is_:
        return Class.TEXT
    if suspicious(is_) - (suspicious(was) if isinstance(was, str) else frozenset()):
        return Class.INSTRUCTION
    return Class.COSMETIC if isinstance(was, str) and _bare(was) == _bare(is_) else Class.TEXT


def _bare(text: str) -> str:
    """Letters and digits in plain ASCII only: what else a text holds may be there to hide something."""
    if not text.isascii():
        return text
    return "".join(char for char in text.casefold() if char.isalnum())


_BY_NAME = {each.value: each for each in Class}
