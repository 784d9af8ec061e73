"""YAML 1.2 text to plain values that remember where they stand.

ruamel.yaml scans and parses; the values are built here from its events, so that size, depth and alias expansion are
bounded, duplicate keys and tags are refused, and `no` is a word and not a boolean (YAML 1.2 core schema).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf
from typing import Any, Final, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from ruamel.yaml.reader import ReaderError

from keepgate.model.errors import ConfigError

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 16
"""The deepest key of the format is seven levels down."""
MAX_VALUES: Final = 50_000
"""After expansion of aliases: `*a` counts as much as what it stands for."""

Path = tuple[str | int, ...]
"""Keys and list positions from the root of the file."""

MAX_NUMBER: Final = 18
"""Characters; what is longer is text, and refused where a number is wanted."""

_WORDS: Final = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}
_NUMERIC: Final = frozenset("0123456789abcdefABCDEFxo.+-")


@dataclass(frozen=True, slots=True)
class Tree:
    """A parsed file: its value and the line and column (from 1) of every key and value."""

    name: str
    """The file, as it is named in errors."""
    value: Any
    marks: dict[Path, tuple[int, int]]
    keys: dict[Path, tuple[int, int]]

    def where(self, path: Path, *, key: bool = False) -> str:
        """`file:line:column` of the value (or key) at `path`, or of its nearest parent that stands in the file."""
        marks = self.keys if key else self.marks
        while path and path not in marks:
            path, marks = path[:-1], self.marks
        line, column = marks.get(path, (1, 1))
        return f"{self.name}:{line}:{column}"


def parse(text: str, name: str) -> Tree:
    """Build the tree. Raises ConfigError with file, line and column."""
    if len(text) > MAX_BYTES:
        raise ConfigError(f"the file is larger than {MAX_BYTES} characters", where=name)
    builder = _Builder(name, YAML(typ="safe", pure=True).parse(text))
    try:
        return Tree(name, builder.document(), builder.marks, builder.keys)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        problem = str(error.problem or error.context)
        if "'\\t'" in problem:
            problem = "a tab: indent with blanks"
        raise ConfigError(f"not valid YAML: {problem}", where=where) from error
    except ReaderError as error:
        before = text[: error.position]
        where = f"{name}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
        raise ConfigError("not valid YAML: a character that YAML does not allow", where=where) from error


@dataclass(slots=True)
class _Node:
    """A value and its weight: how many values it is when aliases are written out."""

    value: Any
    weight: int = 1


@dataclass(slots=True)
class _Builder:
    name: str
    events: Iterator[Event]
    marks: dict[Path, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Path, tuple[int, int]] = field(default_factory=dict)
    anchors: dict[str, _Node] = field(default_factory=dict)

    def document(self) -> Any:
        event = next(self.events)
        while not isinstance(event, DocumentStartEvent):
            if isinstance(event, StreamEndEvent):
                return None
            event = next(self.events)
        node = self._node(next(self.events), ())
        next(self.events)
        if not isinstance(after := next(self.events), StreamEndEvent):
            self._refuse(after, "a second document in the file: keep one")
        return node.value

    def _node(self, event: Event, path: Path) -> _Node:
        self.marks[path] = _place(event)
        if isinstance(event, AliasEvent):
            if event.anchor not in self.anchors:
                self._refuse(event, f"`*{event.anchor}` stands for nothing above it")
            return self.anchors[event.anchor]
        assert isinstance(event, ScalarEvent | SequenceStartEvent | MappingStartEvent)
        if event.tag is not None:
            self._refuse(event, f"`{event.tag}`: tags are not used here")
        if len(path) > MAX_DEPTH:
            self._refuse(event, f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, MappingStartEvent):
            node = self._mapping(path)
        elif isinstance(event, SequenceStartEvent):
            node = self._sequence(path)
        else:
            node = _Node(_scalar(event))
        if node.weight > MAX_VALUES or len(self.marks) > MAX_VALUES:
            self._refuse(event, f"more than {MAX_VALUES} values, aliases counted as what they stand for")
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def _mapping(self, path: Path) -> _Node:
        node = _Node({})
        while not isinstance(event := next(self.events), MappingEndEvent):
            if not isinstance(event, ScalarEvent):
                self._refuse(event, "a key must be a plain word")
            key = str(event.value)
            if key in node.value:
                line = self.keys[*path, key][0]
                self._refuse(event, f"`{key}` stands here twice, first on line {line}: keep one")
            self.keys[*path, key] = _place(event)
            child = self._node(next(self.events), (*path, key))
            node.value[key] = child.value
            node.weight += child.weight
        return node

    def _sequence(self, path: Path) -> _Node:
        node = _Node([])
        while not isinstance(event := next(self.events), SequenceEndEvent):
            child = self._node(event, (*path, len(node.value)))
            node.value.append(child.value)
            node.weight += child.weight
        return node

    def _refuse(self, event: Event, why: str) -> NoReturn:
        line, column = _place(event)
        raise ConfigError(why, where=f"{self.name}:{line}:{column}")


def _place(event: Event) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _scalar(event: ScalarEvent) -> Any:
    text = str(event.value)
    if not event.implicit[0]:
        return text
    return _WORDS[text] if text in _WORDS else _number(text)


def _number(text: str) -> int | float | str:
    """The number that a plain scalar is in YAML 1.2, else the text. No underscores, no sixty-base, no infinities."""
    if len(text) > MAX_NUMBER or not text.lstrip("+-")[:1].isdigit() or not _NUMERIC.issuperset(text):
        return text
    base = {"0x": 16, "0o": 8}.get(text[:2])
    try:
        if base:
            return int(text[2:], base)
        return int(text) if text.lstrip("+-").isdigit() else _finite(float(text))
    except ValueError:
        return text


def _finite(number: float) -> float:
    if number in (inf, -inf):
        raise ValueError("too large")
    return number
