"""Listings of tools, prompts and resources in JSON, whatever wraps them, with the place of every text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from keepgate.protocol.jsonc import Document, JsoncError, Lines, Node, scan

MAX_SETS: Final = 500
MAX_ITEMS: Final = 5000
_KINDS: Final = ("tools", "prompts", "resources", "resourceTemplates", "resource_templates")


@dataclass(frozen=True, slots=True)
class Item:
    """One tool, prompt or resource."""

    kind: str
    name: str
    node: Node

    @property
    def value(self) -> Any:
        """The definition as it is."""
        return self.node.plain()


@dataclass(frozen=True, slots=True)
class ToolSet:
    """What one server offers."""

    server: str
    items: tuple[Item, ...]
    instructions: Node | None = None
    session: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of other servers' tools that stand beside it, as `keepgate check` takes them."""

    @property
    def tools(self) -> tuple[Item, ...]:
        """Its tools."""
        return tuple(item for item in self.items if item.kind == "tools")


@dataclass(frozen=True, slots=True)
class Listing:
    """A file of tool sets."""

    text: str
    lines: Lines
    sets: tuple[ToolSet, ...]

    def place(self, node: Node, start: int = 0) -> tuple[int, int]:
        """Line and column of a character of a string as it stands in the file, escapes counted."""
        if node.kind != "scalar" or not isinstance(node.value, str):
            return self.lines.place(node.start)
        at = node.start + 1
        for _ in range(start):
            if at >= node.end - 1:
                break
            at += _width(self.text, at)
        return self.lines.place(at)


def _width(text: str, at: int) -> int:
    if text[at] != "\\":
        return 1
    if text[at + 1] != "u":
        return 2
    high = text[at + 2 : at + 4].lower() in ("d8", "d9", "da", "db")
    return 12 if high and text[at + 6 : at + 8] == "\\u" else 6


def read(text: str, name: str) -> Listing | None:
    """The tool sets of a JSON text or of JSON Lines; None for what is neither. `name` is for a set without one."""
    try:
        documents = [scan(text)]
    except JsoncError:
        documents = _lines(text)
    sets: list[ToolSet] = []
    for document in documents:
        sets += _sets(document.root, name, 0)
    return Listing(text, Lines(text), tuple(sets[:MAX_SETS])) if sets else None


def _lines(text: str) -> list[Document]:
    """JSON Lines, each as long as what stands before it, so that offsets stay true."""
    out: list[Document] = []
    at = 0
    for line in text.split("\n")[:MAX_ITEMS]:
        if line.strip():
            try:
                out.append(scan(" " * at + line) if at < 2_000_000 else scan(line))
            except JsoncError:
                return []
        at += len(line) + 1
    return out


def _sets(node: Node, name: str, depth: int) -> Iterator[ToolSet]:
    if depth > 6:
        return
    if node.kind == "array":
        items = tuple(_items("tools", node))
        if items and len(items) == len(node.value):
            yield ToolSet(name, items)
        else:
            for index, inner in enumerate(node.value[:MAX_ITEMS]):
                yield from _sets(inner, f"{name}-{index}", depth + 1)
        return
    artifact = node.get("tool") if node.kind == "object" else None
    if artifact is not None and artifact.kind == "object" and _text(artifact.get("name")):
        server = _text(node.get("server")) or _text(node.get("id")) or name
        yield ToolSet(server, (Item("tools", _text(artifact.get("name")), artifact),), session=_session(node))
        return
    if _text(node.get("name")) and (node.get("inputSchema") or node.get("input_schema")) is not None:
        yield ToolSet(name, (Item("tools", _text(node.get("name")), node),), session=_session(node))
        return
    own = tuple(item for kind in _KINDS for item in _items(kind, node.get(kind)))
    instructions = node.get("instructions")
    if own:
        yield ToolSet(_server(node) or name, own, instructions, _session(node))
        return
    for member in node.members:
        if member.node.kind in ("object", "array"):
            inner = (
                name
                if member.key in ("result", "servers", "mcpServers", "listing", "data", "response")
                else member.key
            )
            yield from _sets(member.node, inner, depth + 1)


def _items(kind: str, node: Node | None) -> Iterator[Item]:
    if node is None:
        return
    if node.kind == "object" and kind == "tools":
        for member in node.members[:MAX_ITEMS]:
            if member.node.kind == "object" and member.node.get("description") is not None:
                yield Item(kind, member.key, member.node)
    for each in node.value[:MAX_ITEMS] if node.kind == "array" else ():
        inner = each.get("function") if each.kind == "object" and each.get("function") is not None else each
        name = _text(inner.get("name")) or _text(inner.get("uri")) if inner.kind == "object" else ""
        described = inner.kind == "object" and any(
            inner.get(key) is not None
            for key in ("description", "inputSchema", "input_schema", "parameters", "uri", "arguments")
        )
        if name and described:
            yield Item(kind, name, inner)


def _server(node: Node) -> str:
    info = node.get("serverInfo") or node.get("server_info")
    told = _text(info.get("name")) if info is not None and info.kind == "object" else ""
    return told or _text(node.get("server")) or _text(node.get("name"))


def _session(node: Node) -> dict[str, tuple[str, ...]]:
    found = node.get("session") or node.get("other_servers") or node.get("others")
    return {
        member.key: tuple(_text(item) for item in member.node.value if _text(item))
        for member in (found.members if found is not None else ())
        if member.node.kind == "array"
    }


def _text(node: Node | None) -> str:
    return node.value if node is not None and isinstance(node.value, str) else ""
