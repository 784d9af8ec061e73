"""Folding: one form for what reads alike. Compatibility forms, case, accents and invisible characters go.

Folding works character by character, so that a place in the folded text leads back to one in the original.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate
from typing import Final

from keepgate.detect.confusables import LOOKS, SIGNS

INVISIBLE: Final = frozenset(
    (
        0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x3164, 0xFEFF, 0xFFA0,
        *range(0x180B, 0x180E), *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070),
        *range(0xFE00, 0xFE10), *range(0xFFF9, 0xFFFC), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B),
        *range(0xE0000, 0xE1000),
    )
)  # fmt: skip
"""Code points that take no room: format characters, fillers, variation selectors, tags."""
_STRIPPED: Final = (
    frozenset(range(0x0300, 0x0370)) | frozenset(range(0x064B, 0x0653)) | frozenset(range(0x20D0, 0x2100))
)
"""Marks that sit on a letter: accents, Arabic vowel signs, marks for symbols."""
_KEPT: Final = 0x20000
"""Code points below this are remembered when they were folded once; what lies above is rare and never needs it."""


class _Fold(dict[int, str]):
    """A table for `str.translate` that fills itself."""

    def __missing__(self, point: int) -> str:
        folded = _folded(point)
        if point < _KEPT:
            self[point] = folded
        return folded


def _folded(point: int) -> str:
    if point in INVISIBLE or point in _STRIPPED:
        return ""
    sign = unicodedata.normalize("NFKC", chr(point)).casefold()
    if any(
        "\u00c0" <= each <= "\u024f" or "\u1e00" <= each <= "\u1eff" or "\u0370" <= each <= "\u045f"
        for each in sign
    ):
        apart = unicodedata.normalize("NFD", sign)
        sign = "".join(each for each in apart if ord(each) not in _STRIPPED)
    return sign


_FEW: Final = 40
"""Different characters up to which replacing one after the other is faster than a table."""
_FOLD: Final = _Fold()
_LOOKS: Final = {ord(sign): looks for sign, looks in zip(SIGNS, LOOKS, strict=True)}


_LOOKALIKES: Final = frozenset(SIGNS)


def fold(text: str) -> str:
    """The folded text. Idempotent but for what only NFKC of several characters together would join."""
    if text.isascii():
        return text.lower()
    small = text.lower()
    return _replaced(
        small, [sign for sign in set(small) if sign > "\x7f" and _FOLD[ord(sign)] != sign], _FOLD
    )


def _replaced(text: str, signs: list[str], table: Mapping[int, str]) -> str:
    """The text with each of these signs replaced as the table says."""
    if len(signs) > _FEW:
        return text.translate(table)
    for sign in signs:
        text = text.replace(sign, table[ord(sign)])
    return text


def skeleton(folded: str) -> str:
    """A folded text with every character replaced by the ASCII letter or digit it looks like, one for one."""
    return _replaced(folded, list(_LOOKALIKES.intersection(set(folded))), _LOOKS)


def has_lookalikes(folded: str) -> bool:
    """Whether any word mixes ASCII letters with characters that look like some, or consists of such alone."""
    if _LOOKALIKES.isdisjoint(folded):
        return False
    for word in folded.split():
        if word.isascii():
            continue
        alike = sum(1 for sign in word if ord(sign) in _LOOKS)
        letters = sum(1 for sign in word if sign.isalpha())
        if alike and alike + sum(1 for sign in word if sign.isascii() and sign.isalpha()) >= letters:
            return True
    return False


class Unfolding:
    """The way back from a folded text: made when it is first asked for, since most texts are never asked about.

    Only characters that become none or several move anything; between two of them places move alike.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._ends: list[int] | None = None

    def __call__(self, start: int, end: int) -> tuple[int, int]:
        """The place in the text that became characters `start` to `end` of its folded form."""
        if self._text.isascii():
            return start, end
        if self._ends is None:
            width = {sign: len(fold(sign)) for sign in set(self._text)}
            moving = any(each != 1 for each in width.values())
            self._ends = list(accumulate(map(width.__getitem__, self._text))) if moving else []
        ends = self._ends
        if not ends:
            return start, end
        return _first(ends, start), _first(ends, end - 1) + 1 if end > start else _first(ends, start)


def unfolded(text: str, start: int, end: int) -> tuple[int, int]:
    """The same for one question."""
    return Unfolding(text)(start, end)


def _first(ends: list[int], at: int) -> int:
    """The number of the character that produced character `at`."""
    return bisect_right(ends, at)
