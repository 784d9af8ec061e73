"""JSON with comments, read with positions: what other programs' files are read with, and edited in place by.

Clients keep comments, trailing commas, a byte order mark, CRLF and keys of their own in these files, so nothing is ever
re-serialised: an edit replaces the smallest span of text, and what is outside it stays as it was, byte for byte. The
scanner is bounded in size and depth and never recurses. Duplicate keys: the last wins, as in every client, and each is
reported.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined] # the scanner of json.loads
from typing import Any

MAX_CHARS = 16 * 1024 * 1024
MAX_DEPTH = 128

_BLANK = " \t\r\n"
_LITERALS = {"true": True, "false": False, "null": None}
_NUMBER = frozenset("0123456789+-.eE")


class JsoncError(ValueError):
    """The text is not JSON with comments. `line` and `column` count from 1."""

    def __init__(self, text: str, offset: int, reason: str) -> None:
        self.line, self.column = position(text, offset)
        self.reason = reason
        super().__init__(f"{self.line}:{self.column}: {reason}")


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its span. `value` is a scalar, a tuple of Member (object) or a tuple of Node (array)."""

    kind: str
    """object, array or scalar"""
    start: int
    end: int
    value: Any

    def get(self, key: str) -> Node | None:
        """The value of `key` in an object, the last of several; None if absent or if this is no object."""
        return next((m.node for m in reversed(self.members) if m.key == key), None)

    @property
    def members(self) -> tuple[Member, ...]:
        """The members of an object; none for anything else."""
        return self.value if self.kind == "object" else ()

    def plain(self) -> Any:
        """The value as Python data."""
        if self.kind == "object":
            return {member.key: member.node.plain() for member in self.value}
        return [item.plain() for item in self.value] if self.kind == "array" else self.value


@dataclass(frozen=True, slots=True)
class Member:
    """One `key: value`. `start` is where the key begins, `comma` where its comma stands, or -1."""

    key: str
    start: int
    node: Node
    comma: int


@dataclass(frozen=True, slots=True)
class Document:
    """A scanned text. `comments` are spans; `duplicates` and `lax` are offsets of what plain JSON does not have."""

    text: str
    root: Node
    comments: tuple[tuple[int, int], ...]
    duplicates: tuple[int, ...]
    lax: tuple[int, ...]

    def find(self, path: tuple[str, ...]) -> Node | None:
        """The value under the keys of `path`."""
        node: Node | None = self.root
        for key in path:
            node = node.get(key) if node else None
        return node


def position(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1; a byte order mark is not a column."""
    line_start = max(text.rfind("\n", 0, offset) + 1, min(offset, text.startswith("\ufeff")))
    return text.count("\n", 0, offset) + 1, offset - line_start + 1


def pointer(path: tuple[str, ...]) -> str:
    """`path` as a JSON pointer."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in path)


def scan(text: str) -> Document:
    """Read `text`. Raises JsoncError."""
    return _Scanner(text).document()


def _number(digits: str) -> int | float | None:
    """A number of JSON; None for what is none. Python's own reading knows `1_0`, `+1` and `01` as well."""
    whole = digits.removeprefix("-")
    point = whole.find(".") + 1
    if not whole[:1].isdigit() or (whole[0] == "0" and whole[1:2].isdigit()):
        return None
    if point and not whole[point : point + 1].isdigit():
        return None
    try:
        return int(digits) if whole.isdigit() else float(digits)
    except ValueError:
        return None


class _Open:
    """A container that is not closed yet."""

    __slots__ = ("close", "items", "key", "keys", "start")

    def __init__(self, brace: str, start: int) -> None:
        self.close = "}" if brace == "{" else "]"
        self.start = start
        self.items: list[Any] = []
        self.keys: set[str] = set()
        self.key = ("", 0)


class _Scanner:
    """A pushdown scanner with its own stack."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_CHARS:
            raise JsoncError(text, 0, f"longer than {MAX_CHARS} characters")
        self.text = text
        self.pos = int(text.startswith("\ufeff"))
        self.comments: list[tuple[int, int]] = []
        self.duplicates: list[int] = []
        self.lax: list[int] = []

    def document(self) -> Document:
        stack: list[_Open] = []
        root: Node | None = None
        while root is None:
            root = self._attach(stack, self._begin(stack))
        self._trivia()
        if self.pos < len(self.text):
            raise self._error("text after the end of the document")
        return Document(self.text, root, tuple(self.comments), tuple(self.duplicates), tuple(self.lax))

    def _begin(self, stack: list[_Open]) -> Node:
        """Descend to the next complete value: a scalar or an empty container."""
        while (char := self._peek()) in ("{", "["):
            if len(stack) == MAX_DEPTH:
                raise self._error(f"nested deeper than {MAX_DEPTH} levels")
            stack.append(_Open(char, self.pos))
            self.pos += 1
            if not self._item(stack[-1]):
                return self._close(stack.pop())
        return self._scalar(char)

    def _attach(self, stack: list[_Open], node: Node) -> Node | None:
        """Hand a complete value to its container; the document's value when the last container closed."""
        while stack:
            top = stack[-1]
            comma = self.pos if self._peek() == "," else -1
            top.items.append(node if top.close == "]" else Member(*top.key, node, comma))
            if comma >= 0:
                self.pos += 1
                if self._item(top):
                    return None
                self.lax.append(comma)
            node = self._close(stack.pop())
        return node

    def _item(self, top: _Open) -> bool:
        """Read the key of the next item, if it is an object's; False at the closing bracket."""
        char = self._peek()
        if char == top.close:
            return False
        if top.close == "}":
            start = self.pos
            if char != '"':
                raise self._error("expected a key in double quotes or `}`")
            key = self._string()
            if self._peek() != ":":
                raise self._error("expected `:` after the key")
            self.pos += 1
            if key in top.keys:
                self.duplicates.append(start)
            top.keys.add(key)
            top.key = (key, start)
        return True

    def _close(self, top: _Open) -> Node:
        if self._peek() != top.close:
            raise self._error(f"expected `,` or `{top.close}`")
        self.pos += 1
        return Node("object" if top.close == "}" else "array", top.start, self.pos, tuple(top.items))

    def _scalar(self, char: str) -> Node:
        start = self.pos
        if char == '"':
            value = self._string()
            return Node("scalar", start, self.pos, value)
        for word, literal in _LITERALS.items():
            if self.text.startswith(word, start):
                self.pos += len(word)
                return Node("scalar", start, self.pos, literal)
        end = start
        while end < len(self.text) and self.text[end] in _NUMBER and end - start < 512:
            end += 1
        number = _number(self.text[start:end])
        if number is None:
            raise self._error("expected a value")
        self.pos = end
        return Node("scalar", start, end, number)

    def _string(self) -> str:
        value: str
        try:
            value, self.pos = scanstring(self.text, self.pos + 1)
        except JSONDecodeError as error:
            self.pos = error.pos
            raise self._error(error.msg.lower().removesuffix(" starting at").removesuffix(" at")) from None
        return value

    def _peek(self) -> str:
        """The next character that is neither blank nor in a comment; empty at the end."""
        self._trivia()
        return self.text[self.pos : self.pos + 1]

    def _trivia(self) -> None:
        text = self.text
        while self.pos < len(text):
            if text[self.pos] in _BLANK:
                # In steps, so that a long indentation costs no copy of the rest of the file.
                piece = text[self.pos : self.pos + 64]
                self.pos += len(piece) - len(piece.lstrip(_BLANK))
            elif text.startswith(("//", "/*"), self.pos):
                self._comment()
            else:
                return

    def _comment(self) -> None:
        start = self.pos
        mark = "\n" if self.text[start + 1] == "/" else "*/"
        end = self.text.find(mark, start + 2)
        if end < 0 and mark == "*/":
            raise self._error("comment without end")
        self.pos = len(self.text) if end < 0 else end + (len(mark) if mark == "*/" else 0)
        self.comments.append((start, self.pos))

    def _error(self, reason: str) -> JsoncError:
        return JsoncError(
            self.text, self.pos, reason if self.pos < len(self.text) else f"{reason}, found the end"
        )


class Lines:
    """Offsets of one text to lines and columns: for many of them, without counting anew for each."""

    __slots__ = ("_mark", "_starts")

    def __init__(self, text: str) -> None:
        self._mark = int(text.startswith("\ufeff"))
        self._starts = [0]
        at = text.find("\n")
        while at >= 0:
            self._starts.append(at + 1)
            at = text.find("\n", at + 1)

    def place(self, offset: int) -> tuple[int, int]:
        """As `position` says it."""
        line = bisect_right(self._starts, offset)
        start = self._starts[line - 1] if line > 1 else min(offset, self._mark)
        return line, offset - start + 1

    def offset(self, line: int) -> int:
        """Where a line begins."""
        return self._starts[min(max(line, 1), len(self._starts)) - 1]
