"""Whether a reading of a text shows a word of the lexicon that does not stand there: asked before its words are sought.

A reading replaces signs one for one: digits by the letters they stand for, letters of other alphabets by the Latin ones
they look like. Numbers, hashes and Cyrillic are in nearly every text; hardly any has words made of them. The answer
follows from the words of the lexicon alone, and it is yes wherever `lexer.tokens` finds a word that was changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress, pairwise
from operator import ne
from typing import Final

from keepgate.detect.lexer import EXACT, STEMS, quoted
from keepgate.detect.matcher import Finder

LEGIBLE: Final = 4
"""Letters from which a word in disguise is no accident."""
_WORD: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")
_BORDERS: Final = bytes(point if chr(point) in _WORD else ord(" ") for point in range(256))


def _runs(text: str) -> list[bytes]:
    """What stands between borders of words, as RE2 sees them in UTF-8."""
    return text.encode(errors="replace").translate(_BORDERS).split()


def _framed(word: str) -> bool:
    """Whether it is found only between borders: so `lexer` asks for it."""
    return word.isascii() and word[0].isalnum() and word[-1].isalnum()


_FRAMED: Final = [word for word in EXACT if _framed(word)]
_PAIRS: Final = frozenset(
    (_runs(one)[-1], _runs(other)[0])
    for word in _FRAMED
    for parts in (word.split(" "),)
    for one, other in pairwise(parts)
)
"""The end of a word and the beginning of the next, in what the lexicon has of several words."""
_FIRST: Final = frozenset(one for one, _ in _PAIRS)
_SECOND: Final = frozenset(other for _, other in _PAIRS)
_ODD: Final = tuple(
    word
    for word in (*EXACT, *STEMS)
    if any(sign in _WORD for sign in word)
    and not (word in EXACT and _framed(word))
    and not (word in STEMS and len(_runs(word)) == 1 and _framed(word))
)
"""What may begin or end within a word, or has signs of several scripts. A sign that was changed is an ASCII one."""


_INSIDE: Final = frozenset("".join((*_FRAMED, *filter(_framed, STEMS)))) | frozenset("@$!|")
"""What stands inside of words, and what is read as a letter."""
_APART: Final = bytes(
    point if point > 127 or chr(point) in _INSIDE | _WORD else ord(" ") for point in range(256)
)


def _any(words: Iterable[str]) -> Finder:
    return Finder("|".join(words))


_ALONE: Final = _any(
    (
        r"\b(?:"
        + "|".join(
            quoted(word) for word in sorted(_FRAMED, reverse=True) if " " not in word and len(word) >= LEGIBLE
        )
        + r")\b",
        r"\b(?:" + "|".join(quoted(word) for word in sorted(STEMS, reverse=True) if _framed(word)) + ")",
    )
)
_JOINED: Final = _any(
    (r"\b(?:" + "|".join(sorted({run.decode() for pair in _PAIRS for run in pair}, reverse=True)) + r")\b",)
)
_STRANGE: Final = _any(quoted(word) for word in sorted(_ODD, reverse=True))


def disguises(reading: str, literal: str) -> bool:
    """Whether some word of `reading` stands otherwise in `literal`, which has as many characters."""
    shown, there = reading.split(), literal.split()
    if len(shown) != len(there):
        return True
    changed = list(compress(range(len(shown)), map(ne, shown, there)))
    if not changed:
        return False
    words = [shown[number] for number in changed]
    if _ALONE.spans(_differing(words, [there[number] for number in changed]), 1):
        return True
    raw = "\n".join(words).encode(errors="replace")
    line = at = 0
    for start, _ in _JOINED.spans(raw, len(raw)):
        line += raw.count(b"\n", at, start)
        at = start
        if _adjoins(shown, changed[line]):
            return True
    return bool(_STRANGE.spans(reading.encode(errors="replace"), 1)) and _more(
        " ".join(shown), " ".join(there)
    )


def _differing(shown: list[str], there: list[str]) -> bytes:
    """Of words that differ those parts that do."""
    ones, others = (
        "\n".join(words).encode(errors="replace").translate(_APART).split() for words in (shown, there)
    )
    return b"\n".join(compress(ones, map(ne, ones, others)) if len(ones) == len(others) else ones)


def _adjoins(words: Sequence[str], number: int) -> bool:
    """Whether a word and one beside it may be parts of the same."""
    runs = _runs(words[number])
    if not runs:
        return False
    if (
        number
        and runs[0] in _SECOND
        and any((one, runs[0]) in _PAIRS for one in _runs(words[number - 1])[-1:])
    ):
        return True
    if number + 1 == len(words) or runs[-1] not in _FIRST:
        return False
    return any((runs[-1], one) in _PAIRS for one in _runs(words[number + 1])[:1])


def _more(reading: str, literal: str) -> bool:
    """Whether there is more of anything odd than before; what follows a stem may be what was changed."""
    return any(
        word in reading if word in STEMS else reading.count(word) > literal.count(word) for word in _ODD
    )
