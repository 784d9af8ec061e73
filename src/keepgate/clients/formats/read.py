"""From the text of a client's file to launch entries. Nothing is expanded, resolved or run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from keepgate.clients.formats.client import Client, KeyPath, Place
from keepgate.model.upstream import LaunchEntry, Origin, Transport
from keepgate.protocol.jsonc import Document, JsoncError, Node, pointer, position, scan

MAX_SERVERS = 500

_TRANSPORTS = {
    "stdio": Transport.STDIO,
    "local": Transport.STDIO,
    "http": Transport.HTTP,
    "streamable-http": Transport.HTTP,
    "streamableHttp": Transport.HTTP,
    "sse": Transport.SSE,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What a person should know about a file. `broken` means that nothing in it could be read."""

    file: str
    text: str
    line: int = 0
    column: int = 0
    broken: bool = False

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{where}: {self.text}"


@dataclass(frozen=True, slots=True)
class Reading:
    """What one file says."""

    entries: tuple[LaunchEntry, ...] = ()
    problems: tuple[Problem, ...] = ()


def containers(doc: Document, place: Place) -> list[tuple[KeyPath, Node]]:
    """The objects of servers in a file, by the keys that lead to them."""
    found = [hit for keys in place.keys for hit in _expand(doc.root, keys, ())]
    if not found and place.flat and doc.root.members and all(map(_is_server, doc.root.members)):
        return [((), doc.root)]
    return found


def read(client: Client, place: Place, text: str) -> Reading:
    """The servers in the text of one file, and what is wrong with it. A blank file says nothing."""
    if not text.strip("\ufeff \t\r\n"):
        return Reading()
    file = str(place.path)
    try:
        doc = scan(text)
    except JsoncError as error:
        return Reading(problems=(Problem(file, error.reason, error.line, error.column, broken=True),))
    entries: list[LaunchEntry] = []
    problems = list(_remarks(client, place, doc))
    for keys, node in containers(doc, place):
        if node.kind != "object":
            problems.append(Problem(file, "servers must be an object", *position(text, node.start)))
        # The last of several members with one name is the one the client sees.
        for name, member in {member.key: member for member in node.members}.items():
            spot = position(text, member.start)
            scope = f"project {keys[1]}" if len(keys) == 3 else place.scope
            origin = Origin(client.id, scope, file, pointer((*keys, name)), *spot)
            try:
                entries.append(_entry(name, member.node.plain(), origin))
            except ValueError as error:
                problems.append(Problem(file, f"server `{name}` {error}", *spot))
    if len(entries) > MAX_SERVERS:
        return Reading(problems=(Problem(file, f"more than {MAX_SERVERS} servers", broken=True),))
    return Reading(tuple(entries), tuple(problems))


def _expand(node: Node, keys: KeyPath, done: KeyPath) -> Iterator[tuple[KeyPath, Node]]:
    if not keys:
        yield done, node
        return
    names = dict.fromkeys(member.key for member in node.members) if keys[0] == "*" else (keys[0],)
    for name in names:
        if child := node.get(name):
            yield from _expand(child, keys[1:], (*done, name))


def _is_server(member: Any) -> bool:
    return member.node.get("command") is not None or member.node.get("url") is not None


def _remarks(client: Client, place: Place, doc: Document) -> Iterator[Problem]:
    file = str(place.path)
    for offset in doc.duplicates:
        yield Problem(file, "duplicate key: the last one counts", *position(doc.text, offset))
    lax = [start for start, _ in doc.comments[:1]] + list(doc.lax[:1])
    if client.strict and lax:
        text = f"a comment or trailing comma, which {client.title} refuses"
        yield Problem(file, text, *position(doc.text, min(lax)))


def _entry(name: str, raw: Any, origin: Origin) -> LaunchEntry:
    if not isinstance(raw, dict):
        raise ValueError("is not an object")
    command, url = _text(raw, "command"), _text(raw, "url")
    if bool(command) == bool(url):
        raise ValueError("needs either a `command` or a `url`")
    kind = raw.get("type", "stdio" if command else "http")
    transport = _TRANSPORTS.get(kind) if isinstance(kind, str) else None
    if transport is None or (transport is Transport.STDIO) != bool(command):
        raise ValueError("has a `type` that does not fit")
    args = raw.get("args", [])
    if not (isinstance(args, list) and all(isinstance(arg, str) for arg in args)):
        raise ValueError("needs a list of texts as `args`")
    return LaunchEntry(
        name,
        transport,
        origin,
        command=command,
        args=tuple(args),
        env=_table(raw, "env"),
        env_file=_text(raw, "envFile"),
        cwd=_text(raw, "cwd"),
        url=url,
        headers=_table(raw, "headers"),
        disabled=raw.get("disabled") is True,
    )


def _text(raw: dict[str, Any], key: str) -> str:
    value = raw.get(key, "")
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"needs a text as `{key}`")
    return value


def _table(raw: dict[str, Any], key: str) -> dict[str, str]:
    """A table of texts; numbers and booleans are written as the clients pass them on."""
    value = raw.get(key) or {}
    if not isinstance(value, dict):
        raise ValueError(f"needs an object as `{key}`")
    out = {}
    for name, item in value.items():
        if item is None:  # VS Code: unset
            continue
        if isinstance(item, (dict, list)):
            raise ValueError(f"needs texts in `{key}`")
        out[name] = (
            item if isinstance(item, str) else str(item).lower() if isinstance(item, bool) else str(item)
        )
    return out
