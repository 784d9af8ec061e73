"""What a tool does, by our own reading of its name, description and arguments; never by its annotations.

The words are the server's own, and words can lie. So this counts only for servers that an administrator has called
reviewed or trusted, it says the better only where everything that is said agrees, and what was once said of a tool that
is worse stays for as long as the process runs: a server that lists something else to another session gains nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from keepgate.policy.reach import words_of
from keepgate.policy.servers import Effects

LONGEST: Final = 4000
"""Characters of a description; of a longer one nothing is said."""
MOST: Final = 10_000
"""Tools of one server that are remembered; of more nothing is said."""
_DEPTH: Final = 4

_READS: Final = frozenset(
    "check compare count describe diff explain find get head inspect list lookup ls peek preview read search show "
    "stat status summarize tail tree validate view".split()
)
"""Verbs of names that change nothing."""
_ADDS: Final = frozenset("add append attach create draft new".split())
"""Verbs of names that change something, and take nothing away."""
_REMOVES: Final = frozenset(
    "abort archive ban block cancel clean clear close commit delete deploy destroy detach disable discard drop "
    "empty erase expire flush force format kill lock merge move overwrite prune purge push rebase reject remove "
    "rename replace reset restore restart revert revoke rm rollback rotate shutdown stop terminate truncate undo "
    "uninstall unlink unpublish unset update upsert wipe write".split()
)
"""Words of what may be lost by a call."""
_CHANGES: Final = frozenset(
    "accept allow apply approve assign book buy call change configure copy click deny do edit email enable "
    "enroll eval evaluate exec execute export fill grant import insert install invite invoke join launch mark mkdir "
    "modify mutate navigate notify order patch pay perform place post press process propose publish put register "
    "reply run save schedule script send set share sign start submit subscribe sync toggle transfer trigger type "
    "upload vote".split()
)
"""Words of what a call may change, whatever it is."""
_EFFECTIVE: Final = frozenset(
    "body cmd code command content contents data expression input instruction instructions message method mutation "
    "new payload prompt script sql statement statements value values".split()
)
"""Words of arguments through which anything can be asked for."""
_PLURALS: Final = ("es", "s")


def assess(definition: Mapping[str, Any]) -> Effects:
    """What a listed tool does. Without an agreement of all its words the worst."""
    name, description = definition.get("name"), definition.get("description")
    if not isinstance(name, str) or not isinstance(description, str) or not 0 < len(description) <= LONGEST:
        return Effects()
    if not (name.isascii() and description.isascii()):
        return Effects()  # in another language, or in letters that look like ours
    verb, *rest = [*words_of(name), ""]
    title = definition.get("title")
    said = {*rest, *words_of(description), *words_of(title if isinstance(title, str) else "")}
    asked = frozenset(_arguments(definition.get("inputSchema"), 0))
    if _meant(said | asked | {verb}) & _REMOVES:
        return Effects()
    if verb in _ADDS:
        return Effects(destructive=False)
    quiet = not _meant(said | {verb}) & (_CHANGES | _ADDS) and not asked & (_EFFECTIVE | _CHANGES | {""})
    return Effects(read_only=True, destructive=False) if verb in _READS and quiet else Effects()


def _meant(words: Iterable[str]) -> set[str]:
    """The words, and what they are without an ending: `deletes` is `delete`."""
    found = set(words)
    for word in list(found):
        found.update(
            word.removesuffix(end) for end in _PLURALS if word.endswith(end) and len(word) > len(end) + 1
        )
    return found


def _arguments(schema: Any, depth: int) -> Iterator[str]:
    """Words of the names of all arguments; "" for what is not said, or too deep."""
    if not isinstance(schema, dict) or depth > _DEPTH:
        yield ""
        return
    properties = schema.get("properties", {})
    if not isinstance(properties, dict) or any(
        key in schema for key in ("$ref", "allOf", "anyOf", "oneOf", "if")
    ):
        yield ""
        return
    if schema.get("additionalProperties", False) not in (False, True) or "patternProperties" in schema:
        yield ""
    for name, part in properties.items():
        if not name.isascii():
            yield ""
        yield from words_of(name)
        inner = part.get("items", part) if isinstance(part, dict) else part
        if isinstance(inner, dict) and (inner.get("type") == "object" or "properties" in inner):
            yield from _arguments(inner, depth + 1)


class Assessed:
    """What was read of all tools of one process, the worst that was ever read of each."""

    def __init__(self) -> None:
        self.version = 0
        """Grows with every change."""
        self._effects: dict[str, dict[str, Effects]] = {}

    def learn(self, server: str, definitions: Iterable[Mapping[str, Any]]) -> None:
        """A server has listed these tools."""
        known, before = self._effects.setdefault(server, {}), self.version
        for definition in definitions:
            name = definition["name"]
            fresh, old = assess(definition), known.get(name)
            if old is None and len(known) >= MOST:
                continue
            now = fresh if old is None else _worse(fresh, old)
            if now != old:
                known[name] = now
                self.version = before + 1

    def of(self, server: str, tool: str) -> Effects | None:
        """None for a tool that no list has had."""
        return self._effects.get(server, {}).get(tool)


def _worse(one: Effects, other: Effects) -> Effects:
    return Effects(
        one.read_only and other.read_only,
        one.destructive or other.destructive,
        one.open_world or other.open_world,
    )
