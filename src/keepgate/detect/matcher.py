"""Many patterns over one text in linear time: a set says which patterns occur, RE2 then says where.

The set is RE2's (always there) or Hyperscan's (extra `fast`), with the same hits. Text is UTF-8 and both engines see
bytes: Hyperscan refuses many bounded repeats in its own UTF-8 mode. So `.` and `[^x]` stand for a byte, `(?i)` is for
ASCII patterns only, and a hit that ends inside a character is widened to the whole character.

Patterns are ours, not an outsider's, and are held to what both engines mean alike and what bounds the work:
no `*`, `+` or `{n,}` (a match is of bounded length, so finding all of them is linear), no `^`, `$`, `\\A`, `\\z`
(texts are scanned joined), no `\\S` inside a class. `\\s` is blank, tab, newline, return and form feed.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any, Final

import re2

from keepgate.model.errors import LocalError

MEMORY: Final = 64 * 1024 * 1024
"""Bytes that RE2's set may use for its automaton; it starts anew when they are used up."""
SINGLE: Final = 8 * 1024 * 1024
"""Bytes for one pattern alone."""
LONGEST: Final = 2000
"""Characters of a pattern."""
_PROBE: Final = b"keepgate-matcher-probe-7f3a"
_LONG: Final = 8 * 1024
"""Bytes of a text in which Hyperscan says where RE2 has to look: it reads on several times as fast."""
_SMALL: Final = 512
"""Instructions of the largest program for which that is done: the time that Hyperscan takes to compile grows fast."""
_ANYWHERE: Final = re2._Anchor.UNANCHORED  # noqa: SLF001
_NOWHERE: Final = (-1, -1)
_BLANKS: Final = r" \t\n\f\r"
_ESCAPES: Final = frozenset("bdDwWtnrf")
"""Letters that may follow a backslash; signs always may."""

PatternError: Final = re2.error
"""What RE2 raises for a pattern that it does not know."""
Span = tuple[int, int]
"""Byte offsets, the second one past the end."""


def dialect(pattern: str) -> str:
    """The pattern in the form that both engines read alike. Raises LocalError for what they do not share."""
    if not pattern or len(pattern) > LONGEST:
        raise _refused(pattern, "empty or too long")
    if "(?i" in pattern and not pattern.isascii():
        raise _refused(pattern, "case of letters outside ASCII cannot be ignored")
    out: list[str] = []
    inside = False
    signs = iter(range(len(pattern)))
    for at in signs:
        sign, following = pattern[at], pattern[at + 1 : at + 2]
        if sign == "\\":
            out.append(_escape(pattern, following, inside=inside))
            next(signs, None)
            continue
        if not inside:
            _refuse_unbounded(pattern, at)
        if sign == "[" and not inside:
            inside = True
        elif sign == "]" and inside and pattern[at - 1] != "[" and pattern[at - 2 : at] != "[^":
            inside = False
        out.append(sign)
    return "".join(out)


def _escape(pattern: str, letter: str, *, inside: bool) -> str:
    if letter == "s":
        return _BLANKS if inside else f"[{_BLANKS}]"
    if letter == "S" and not inside:
        return f"[^{_BLANKS}]"
    if not letter or (letter.isalnum() and letter not in _ESCAPES):
        raise _refused(pattern, f"`\\{letter}` means different things to different engines")
    return "\\" + letter


def _refuse_unbounded(pattern: str, at: int) -> None:
    sign = pattern[at]
    if sign in "*+":
        raise _refused(pattern, f"`{sign}` has no bound: write {{0,100}}")
    if sign == "{" and pattern[at : pattern.find("}", at)].endswith(","):
        raise _refused(pattern, "a repeat without an upper bound")
    if sign in "^$":
        raise _refused(pattern, f"`{sign}`: texts are scanned joined and have no ends")


def _refused(pattern: str, why: str) -> LocalError:
    return LocalError("pattern", f"the pattern `{pattern[:LONGEST]}` is not usable: {why}")


def _options(memory: int) -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.max_mem = memory
    return options


class Matcher:
    """A compiled set of patterns. `hits` is what the hot path asks; `find` is for what was hit."""

    def __init__(self, patterns: Sequence[str], *, engine: str = "auto") -> None:
        """`engine` is `re2`, `hyperscan` or `auto`: Hyperscan where it is installed. Raises LocalError."""
        common = [dialect(pattern).encode() for pattern in patterns]
        try:
            self._single = [re2.compile(pattern, options=_options(SINGLE)) for pattern in common]
        except re2.error as error:
            raise LocalError("pattern", f"a pattern does not compile: {error}") from error
        for pattern, compiled in zip(patterns, self._single, strict=True):
            if compiled.search(b"") is not None:
                raise _refused(pattern, "it matches the empty text")
        self._search = [_search(compiled) for compiled in self._single]
        self._grouped = [
            bool(compiled.groups) for compiled in self._single
        ]  # asking costs as much as a search
        fast = engine == "hyperscan" or (engine == "auto" and available())
        self.engine = "hyperscan" if fast else "re2"
        """Benchmarks and `doctor` say which."""
        self._common = common if fast else []
        self._ends: dict[int, Locate | None] = {}
        probe = len(common)
        self.hits = (_hyperscan if fast else _re2)([*common, _PROBE])
        """Indices of the patterns that occur in a text (bytes). Linear in its length."""
        if probe not in self.hits(b"... " + _PROBE + b" ..."):
            raise LocalError("matcher", "the pattern matcher does not find what it must find")

    @staticmethod
    def of_words(patterns: Sequence[str]) -> Find:
        """Only the question which of some long lists of words occur: RE2, whose automaton grows as it is needed."""
        return _re2([pattern.encode() for pattern in patterns])

    def find(self, index: int, text: bytes, start: int = 0) -> tuple[Span, Span] | None:
        """The next match of one pattern: all of it, and its first group (all of it, if it has none that took part)."""
        found = self._first(index, text, start)
        if found[0][0] < 0:
            return None
        grouped = self._grouped[index] and found[1][0] >= 0
        return found[0], _whole(text, *found[1 if grouped else 0])

    def _first(self, index: int, text: bytes, start: int) -> Sequence[Span]:
        """The leftmost match from `start` on, and its groups; -1 where there is none.

        Where the first match to end ends is quickly known in a long text. The leftmost match begins no earlier than the
        longest match could that ends there, and ends no later than the longest could that begins there. No match is
        longer than its program: without loops each instruction is passed once.
        """
        search, length = self._search[index], len(text)
        locate = self._locator(index) if length - start > _LONG else None
        if locate is None:
            return search(text, start, length)
        end = locate(text, start)
        if end < 0:
            return (_NOWHERE,)
        reach = self._single[index].programsize
        found = search(text, max(start, end - reach), min(end + reach, length))
        if not 0 <= found[0][0] <= end:  # what ended there began before `start`
            return search(text, start, length)
        return found

    def _locator(self, index: int) -> Locate | None:
        if index not in self._ends:
            usable = self._common and self._single[index].programsize <= _SMALL
            self._ends[index] = _hyperscan_end(self._common[index]) if usable else None
        return self._ends[index]


def _whole(text: bytes, start: int, end: int) -> Span:
    """Widened to whole UTF-8 characters."""
    while start > 0 and text[start] & 0xC0 == 0x80:
        start -= 1
    while end < len(text) and text[end] & 0xC0 == 0x80:
        end += 1
    return start, end


Find = Callable[[bytes], AbstractSet[int]]
_NONE: Final[frozenset[int]] = frozenset()


def _re2(patterns: Sequence[bytes]) -> Find:
    made = re2.Set.SearchSet(_options(MEMORY))
    for pattern in patterns:
        made.Add(pattern)
    made.Compile()
    match = made.Match

    def find(text: bytes) -> AbstractSet[int]:
        found = match(text)
        return frozenset(found) if found else _NONE

    return find


Locate = Callable[[bytes, int], int]
"""Text and a place in it to where the first match from there on ends that ends at all; -1 if there is none."""


def _hyperscan_end(pattern: bytes) -> Locate:
    """Only if Hyperscan is there."""
    hyperscan = importlib.import_module("hyperscan")
    database = hyperscan.Database()
    database.compile(expressions=[pattern], ids=[0], elements=1, flags=[hyperscan.HS_FLAG_SINGLEMATCH])
    scan, terminated = database.scan, hyperscan.ScanTerminated

    def locate(text: bytes, start: int) -> int:
        found: list[int] = []
        before = max(start - 1, 0)  # what stands there decides whether a word begins at `start`
        with contextlib.suppress(terminated):
            scan(memoryview(text)[before:], match_event_handler=_ended, context=found)
        return before + found[0] if found else -1

    return locate


def _ended(_index: int, _start: int, end: int, _flags: int, found: list[int]) -> bool:
    """The first is enough."""
    found.append(end)
    return True


def _hyperscan(patterns: Sequence[bytes]) -> Find:
    hyperscan = importlib.import_module("hyperscan")
    database = hyperscan.Database()
    count = len(patterns)
    try:
        database.compile(
            expressions=list(patterns),
            ids=list(range(count)),
            elements=count,
            flags=[hyperscan.HS_FLAG_SINGLEMATCH] * count,
        )
    except hyperscan.error as error:
        raise LocalError("matcher", f"hyperscan does not compile the patterns: {error}") from error
    scan = database.scan

    def find(text: bytes) -> AbstractSet[int]:
        found: set[int] = set()
        scan(text, match_event_handler=_seen, context=found)
        return found

    return find


def _seen(index: int, _start: int, _end: int, _flags: int, found: set[int]) -> None:
    found.add(index)


def available() -> bool:
    """Whether Hyperscan can be loaded here."""
    try:
        importlib.import_module("hyperscan")
    except ImportError:
        return False
    return True


Search = Callable[[bytes, int, int], Sequence[Span]]
"""Text, where to begin and where to end, to the leftmost match and its groups; -1 for what took no part."""


def _search(compiled: Any) -> Search:
    """What `finditer` and `search` call. They make an object for each match and ask it for its span: twice the time."""
    match: Search = partial(compiled._regexp.Match, _ANYWHERE)  # noqa: SLF001
    return match


class Finder:
    """Every place of one pattern of ours in a UTF-8 text. Linear, so repeats without a bound are fine here."""

    def __init__(self, pattern: str) -> None:
        """The pattern has no groups that matter and never matches the empty text."""
        self._compiled = re2.compile(pattern.encode(), options=_options(MEMORY))
        self._search = _search(self._compiled)

    def spans(self, text: bytes, most: int) -> list[Span]:
        """At most so many places, in order, none overlapping."""
        found: list[Span] = []
        search, at, length = self._search, 0, len(text)
        while len(found) < most and at <= length:
            span = search(text, at, length)[0]
            if span[1] < 0:
                break
            found.append(span)
            at = span[1] if span[1] > at else at + 1
        return found

    def secrets(self, text: bytes, most: int, group: int = 0) -> list[Span]:
        """The places of a group: the one asked for, else the first that took part, else all of it."""
        found: list[Span] = []
        search, at, length = self._search, 0, len(text)
        while len(found) < most and at <= length:
            spans = search(text, at, length)
            if spans[0][1] < 0:
                break
            at = max(spans[0][1], at + 1)
            number = group or next((each for each in range(1, len(spans)) if spans[each][0] >= 0), 0)
            found.append(_whole(text, *spans[number]))
        return found
