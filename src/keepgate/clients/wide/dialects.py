"""JSON with comments, YAML and TOML as one tree of nodes with positions, bounded in size, depth and expansion."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from keepgate.protocol.jsonc import JsoncError, Lines, Member, Node, scan

MAX_YAML: Final = 512 * 1024
"""Characters: it is read in Python, at about a megabyte a second."""
MAX_TOML: Final = 1024 * 1024
MAX_DEPTH: Final = 64
MAX_NODES: Final = 100_000
"""With aliases written out."""

_WORDS: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}


class UnparsedError(ValueError):
    """The text is not what its name says. `line` and `column` count from 1."""

    def __init__(self, reason: str, line: int = 1, column: int = 1) -> None:
        self.reason, self.line, self.column = reason, line, column
        super().__init__(f"{line}:{column}: {reason}")


@dataclass(frozen=True, slots=True)
class Parsed:
    """The roots of a text (several documents in YAML), and what may be read in two ways."""

    text: str
    lines: Lines
    roots: tuple[Node, ...]
    duplicates: tuple[int, ...] = ()
    comments: tuple[tuple[int, int], ...] = ()


def dialect_of(name: str) -> str:
    """json, yaml or toml, by the name of a file."""
    lowered = name.lower()
    if lowered.endswith((".yaml", ".yml")):
        return "yaml"
    return "toml" if lowered.endswith(".toml") else "json"


def parse(text: str, dialect: str) -> Parsed:
    """Read a text. Raises UnparsedError."""
    if dialect == "yaml":
        return _yaml(text)
    if dialect == "toml":
        return _toml(text)
    try:
        doc = scan(text)
    except JsoncError as error:
        raise UnparsedError(error.reason, error.line, error.column) from None
    return Parsed(text, Lines(text), (doc.root,), doc.duplicates, doc.comments)


# YAML


def _yaml(text: str) -> Parsed:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(text) > MAX_YAML:
        raise UnparsedError(f"longer than {MAX_YAML} characters")
    tree = _Tree()
    try:
        roots = tuple(tree.documents(YAML(typ="safe", pure=True).parse(text)))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise UnparsedError(f"not valid YAML: {error.problem or error.context}", *place) from None
    except (YAMLError, RecursionError, ValueError) as error:
        if isinstance(error, UnparsedError):
            raise
        raise UnparsedError("not valid YAML") from None
    return Parsed(text, Lines(text), roots, tuple(tree.duplicates))


@dataclass(slots=True)
class _Open:
    """A collection that is not closed yet."""

    kind: str
    start: int
    anchor: str | None
    items: list[Any] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    key: tuple[str, int] | None = None
    weight: int = 1


@dataclass(slots=True)
class _Tree:
    """Nodes from the events of a YAML stream, with a stack of its own."""

    duplicates: list[int] = field(default_factory=list)
    anchors: dict[str, tuple[Node, int]] = field(default_factory=dict)
    nodes: int = 0

    def documents(self, events: Iterator[Any]) -> Iterator[Node]:
        stack: list[_Open] = []
        for event in events:
            kind = type(event).__name__
            done: tuple[Node, int] | None = None
            if kind == "DocumentStartEvent":
                self.anchors.clear()
            elif kind in ("MappingStartEvent", "SequenceStartEvent"):
                if len(stack) == MAX_DEPTH:
                    raise UnparsedError(f"nested deeper than {MAX_DEPTH} levels", event.start_mark.line + 1)
                what = "object" if kind[0] == "M" else "array"
                stack.append(_Open(what, event.start_mark.index, event.anchor))
            elif kind in ("MappingEndEvent", "SequenceEndEvent"):
                top = stack.pop()
                node = Node(top.kind, top.start, event.end_mark.index, tuple(top.items))
                done = self._anchored(top.anchor, node, top.weight)
            elif kind == "ScalarEvent":
                done = self._anchored(event.anchor, _scalar(event), 1)
            elif kind == "AliasEvent":
                done = self._alias(event)
            if done is not None and (root := self._attach(stack, *done)) is not None:
                yield root

    def _anchored(self, anchor: str | None, node: Node, weight: int) -> tuple[Node, int]:
        if anchor is not None:
            self.anchors[anchor] = (node, weight)
        return node, weight

    def _alias(self, event: Any) -> tuple[Node, int]:
        if event.anchor not in self.anchors:
            raise UnparsedError("an alias of nothing", event.start_mark.line + 1, event.start_mark.column + 1)
        return self.anchors[event.anchor]

    def _attach(self, stack: list[_Open], node: Node, weight: int) -> Node | None:
        self.nodes += weight
        if self.nodes > MAX_NODES:
            raise UnparsedError(f"more than {MAX_NODES} values")
        if not stack:
            return node
        top = stack[-1]
        top.weight += weight
        if top.kind == "array":
            top.items.append(node)
        elif top.key is None:
            key = node.value if isinstance(node.value, str) else str(node.value)[:200]
            if key in top.keys:
                self.duplicates.append(node.start)
            top.keys.add(key)
            top.key = (key, node.start)
        else:
            _put(top, node)
        return None


def _put(top: _Open, node: Node) -> None:
    """A member, or with `<<` those of a mapping that the others stand before."""
    assert top.key is not None
    name, start = top.key
    top.key = None
    if name == "<<":
        parts = node.value if node.kind == "array" else (node,)
        merged = [member for part in parts if isinstance(part, Node) for member in part.members]
        top.items[:0] = merged
    else:
        top.items.append(Member(name, start, node, -1))


def _scalar(event: Any) -> Node:
    value: Any = event.value
    if event.style is None and event.implicit[0]:
        value = _WORDS.get(value, value)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 18:
            value = int(value)
    return Node("scalar", event.start_mark.index, event.end_mark.index, value)


# TOML: the standard library says no positions, so keys are looked for where headers and lines say they are.


def _toml(text: str) -> Parsed:
    if len(text) > MAX_TOML:
        raise UnparsedError(f"longer than {MAX_TOML} characters")
    try:
        value = tomllib.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:  # ValueError: a number of thousands of digits as well
        raise UnparsedError(f"not valid TOML: {str(error)[:200]}") from None
    return Parsed(text, Lines(text), (_Located(text, _keys(text)).node(value, (), 0),))


def _keys(text: str) -> dict[tuple[str, ...], int]:
    """Where the tables and keys of a file stand."""
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    at = 0
    for line in text.splitlines(keepends=True):
        bare = line.strip()
        indent = len(line) - len(line.lstrip())
        if bare.startswith("[") and "]" in bare:
            table = _dotted(bare.strip("[").split("]", 1)[0])
            found.setdefault(table, at + indent)
        elif "=" in bare and not bare.startswith("#"):
            key = _dotted(bare.split("=", 1)[0])
            found.setdefault((*table, *key), at + indent)
        at += len(line)
    return found


def _dotted(text: str) -> tuple[str, ...]:
    out, word, quote = [], "", ""
    for sign in text.strip():
        if quote:
            quote, word = ("", word) if sign == quote else (quote, word + sign)
        elif sign in "'\"":
            quote = sign
        elif sign == ".":
            out.append(word.strip())
            word = ""
        else:
            word += sign
    return (*out, word.strip())


_NEAR: Final = 4096
"""Characters behind its key in which a string is looked for: through the whole file for each would be quadratic."""


@dataclass(frozen=True, slots=True)
class _Located:
    """Values of TOML as nodes, each where it seems to stand."""

    text: str
    keys: Mapping[tuple[str, ...], int]

    def node(self, value: Any, path: tuple[str, ...], near: int) -> Node:
        if len(path) > MAX_DEPTH:
            raise UnparsedError(f"nested deeper than {MAX_DEPTH} levels")
        start = self.keys.get(path, near)
        if isinstance(value, dict):
            members = []
            for name, item in value.items():
                node = self.node(item, (*path, name), start)
                members.append(Member(name, self.keys.get((*path, name), node.start), node, -1))
            return Node("object", start, start, tuple(members))
        if isinstance(value, list):
            items, at = [], start
            for item in value:
                node = self.node(item, (*path, "[]"), at)
                at = max(at, node.end)
                items.append(node)
            return Node("array", start, at, tuple(items))
        if isinstance(value, str):
            found = self._string(value, start)
            return Node("scalar", found, found + len(value), value)
        return Node("scalar", start, start, value if isinstance(value, bool | int | float) else str(value))

    def _string(self, value: str, start: int) -> int:
        """Where a string is written; where its key is for one that is written in another way."""
        end = start + len(value) + _NEAR
        for quote in "\"'":
            at = self.text.find(quote + value + quote, start, end)
            if at >= 0:
                return at
        return start
