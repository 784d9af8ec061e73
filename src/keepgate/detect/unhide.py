"""What stands in a text without being seen: tag characters, variation selectors, zero-width signs, ANSI."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from keepgate.detect.decode import Piece, readable, spliced, whole
from keepgate.detect.fold import INVISIBLE
from keepgate.detect.matcher import Finder

_MOST: Final = 64
_TAG: Final = 0xE0000
_ZERO: Final = frozenset((0x200B, 0x200C, 0x200D, 0x2060, 0x2061, 0x2062, 0x2063, 0x2064, 0xFEFF, 0x180E))
_APART: Final = 4
"""Such signs inside words from which on the words are read without them."""
_RUN: Final = 8
"""Invisible signs in a row that are taken for a message; emoji and scripts of India have at most a few."""
_ANSI: Final = Finder(
    r"(?:\x1b\[|\xc2\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]|\x1b[\]PX^_][^\x07\x1b]{0,1000}(?:\x07|\x1b\\)|\x1b[@-Z\\^_a-z78=>]"
)
_UNSEEN: Final = Finder("(?:" + "|".join(map(chr, sorted(INVISIBLE))) + f"){{{_RUN},}}")
_SOME: Final = Finder("|".join(map(chr, sorted(INVISIBLE))))
"""Any at all: signs that turn the direction of writing are among them."""
_WITHIN: Final = Finder("[A-Za-z0-9](?:" + "|".join(map(chr, sorted(INVISIBLE - {0xAD}))) + ")+[A-Za-z0-9]")
_TURN: Final = "\u202e\u202d\u2066\u2067\u2068"
_TURN_END: Final = "\u202c\u2069"


def pieces(text: str) -> Iterator[Piece]:
    """Every hidden text, and the text without terminal escapes."""
    if not text.isascii() and _SOME.spans(text.encode(errors="replace"), 1):
        yield from _invisible(text)
        yield from _turned(text)
        if len(apart := _between(text)) >= _APART:
            yield spliced(text, [(at, at + 1, "") for at in apart])
    if "\x1b" in text or "\x9b" in text:
        yield without_ansi(text)


def runs(text: str) -> Iterator[tuple[int, int]]:
    """Where several invisible characters stand together."""
    if text.isascii():
        return
    raw = text.encode(errors="replace")
    at = chars = 0
    for start, end in _UNSEEN.spans(raw, _MOST):
        begin = chars + len(raw[at:start].decode(errors="replace"))
        at, chars = end, begin + len(raw[start:end].decode(errors="replace"))
        yield begin, chars


def _between(text: str) -> list[int]:
    """Where a sign without width stands between two letters or digits of ASCII, where no script needs any."""
    out: list[int] = []
    if not _WITHIN.spans(text.encode(errors="replace"), 1):
        return out
    last = ""
    waiting: list[int] = []
    for at, sign in enumerate(text):
        if sign > "\xad" and ord(sign) in INVISIBLE:
            if last:
                waiting.append(at)
            continue
        plain = sign.isascii() and sign.isalnum()
        if plain and waiting:
            out += waiting
        last, waiting = (sign if plain else ""), []
    return out


def without_invisible(text: str) -> str:
    """The text without runs of invisible characters and without those inside words of ASCII."""
    gone = set(_between(text))
    for start, end in runs(text):
        gone.update(range(start, end))
    return "".join(sign for at, sign in enumerate(text) if at not in gone) if gone else text


def _invisible(text: str) -> Iterator[Piece]:
    for start, end in runs(text):
        points = [ord(sign) for sign in text[start:end]]
        if found := _tags(points) or _selectors(points) or _bits(points):
            yield whole(found, start, end)


def _tags(points: list[int]) -> str:
    """ASCII in the block of tags."""
    return "".join(chr(point - _TAG) for point in points if _TAG + 0x20 <= point <= _TAG + 0x7E)


def _selectors(points: list[int]) -> str:
    """Bytes as variation selectors: VS1 to VS16, VS17 to VS256."""
    raw = bytes(
        point - 0xFE00 if point < 0xFE10 else point - 0xE0100 + 16
        for point in points
        if 0xFE00 <= point < 0xFE10 or 0xE0100 <= point < 0xE01F0
    )
    return readable(raw) or ""


def _bits(points: list[int]) -> str:
    """Bits as two kinds of zero-width signs, eight for a letter."""
    signs = [point for point in points if point in _ZERO]
    kinds = sorted(set(signs), key=signs.count, reverse=True)[:2]
    if len(kinds) < 2 or len(signs) < 64:
        return ""
    for one in kinds:
        digits = "".join("1" if point == one else "0" for point in signs if point in kinds)
        raw = bytes(int(digits[at : at + 8], 2) for at in range(0, len(digits) // 8 * 8, 8))
        if found := readable(raw):
            return found
    return ""


def _turned(text: str) -> Iterator[Piece]:
    """What a right-to-left override shows the other way round."""
    at = text.find("\u202e")
    left = _MOST
    while at >= 0 and left:
        end = min((found for mark in _TURN_END if (found := text.find(mark, at)) > 0), default=len(text))
        end = min(end, at + 4096)
        yield whole(text[at + 1 : end][::-1], at, end)
        at = text.find("\u202e", end)
        left -= 1


def without_ansi(text: str) -> Piece:
    """The text without escape sequences of terminals."""
    raw = text.encode(errors="replace")
    parts: list[tuple[int, int, str]] = []
    at = chars = 0
    for start, end in _ANSI.spans(raw, 20_000):
        begin = chars + len(raw[at:start].decode(errors="replace"))
        at, chars = end, begin + len(raw[start:end].decode(errors="replace"))
        parts.append((begin, chars, ""))
    return spliced(text, parts)
