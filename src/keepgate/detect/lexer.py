"""From text to concepts: finds the words of the lexicon, in any language, with one pass of RE2.

A token is a word with the set of its concepts, as bits. Texts are UTF-8; offsets are bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from keepgate.detect.fold import fold
from keepgate.detect.lexicon import words
from keepgate.detect.matcher import Finder

MOST: Final = 200_000
"""Tokens of one text."""
SHORTEST: Final = 4
"""Letters of a word that is looked for where words have no borders."""


class Token(NamedTuple):
    """A word: where it is and what it means. `concepts` are bits of `bit`."""

    start: int
    end: int
    concepts: int


_WORDS: Final = {fold(word): concepts for word, concepts in words().items()}
CONCEPTS: Final = tuple(
    sorted(
        {concept for concepts in _WORDS.values() for concept in concepts}
        | {"STOP", "ADDRESS", "IDENT", "QUOTE", "COMMA"}
    )
)
_BITS: Final = {concept: 1 << number for number, concept in enumerate(CONCEPTS)}


def bit(concept: str) -> int:
    """The bit of a concept. Raises KeyError for one that no language has."""
    return _BITS[concept]


def bits(concepts: Iterable[str]) -> int:
    """Several at once."""
    return sum({_BITS[concept] for concept in concepts})


def _mask(concepts: Iterable[str]) -> int:
    return bits(set(concepts))


_STEMS: Final = {word[:-1]: _mask(concepts) for word, concepts in _WORDS.items() if word.endswith("*")}


def _stem(word: str) -> int:
    return next((mask for end in range(len(word), 1, -1) if (mask := _STEMS.get(word[:end])) is not None), 0)


def _phrase(word: str, concepts: Iterable[str]) -> int:
    """A phrase also means what its words mean, so that knowing more phrases hides no word."""
    mask = _mask(concepts)
    for part in word.split()[:: 1 if " " in word else 9]:
        mask |= _mask(_WORDS.get(part, ())) or _stem(part)
    return mask


_EXACT: Final = {word: _phrase(word, concepts) for word, concepts in _WORDS.items() if not word.endswith("*")}
_SQUEEZED: Final = {
    "".join(each for each in word if each.isalnum()): mask
    for word, mask in {**_STEMS, **_EXACT}.items()
    if all(each.isalnum() or each in " -'" for each in word)
}
_STOP: Final = _BITS["STOP"]
_ADDRESS: Final = _BITS["ADDRESS"]
_IDENT: Final = _BITS["IDENT"]
_QUOTE: Final = _BITS["QUOTE"]
_COMMA: Final = _BITS["COMMA"]


def _quoted(word: str) -> str:
    out = "".join(
        f"\\{sign}" if sign.isascii() and not sign.isalnum() and sign != " " else sign for sign in word
    )
    return out.replace(" ", r"\s{1,4}")


def _pattern() -> str:
    latin = sorted((word for word in _EXACT if word.isascii()), key=len, reverse=True)
    stems = sorted((word for word in _STEMS if word.isascii()), key=len, reverse=True)
    others = sorted((word for word in {**_EXACT, **_STEMS} if not word.isascii()), key=len, reverse=True)
    framed = [word for word in latin if word[0].isalnum() and word[-1].isalnum()]
    bare = [word for word in latin if word not in set(framed)]
    return "|".join(
        (
            r"[.!?;][\"')\]*_]{0,3}(?:\s|\\n)|\n\s{0,8}\n|\n\s{0,8}[-*#>]|\n\s{0,16}[a-z0-9_]{1,40}(?:\s?\([^)\n]{0,60}\))?:|\x1e|。|！|？|；|\\n\\n|।|؟",
            r"https?://[a-z0-9](?:[a-z0-9.\-:/_?=&%~+#@,$]{0,300}[a-z0-9/=])?",
            r"[a-z0-9._%+\-]{1,64}@(?:[a-z0-9\-]{1,60}\.){1,4}[a-z]{2,10}",
            r"\b[a-z0-9\-]{2,40}\.(?:com|net|io|org|xyz|ru|site|example|test|invalid)\b",
            "|".join(map(_quoted, bare)),
            rf"\b(?:{'|'.join(map(_quoted, framed))})\b",
            r"\b[a-z0-9]{1,30}(?:_[a-z0-9]{1,30}){1,8}\b",
            rf"\b(?:{'|'.join(map(_quoted, stems))})[a-z]{{0,12}}\b",
            "|".join(map(_quoted, others)),
            r",|[\"'`]|“|”|«|»|「|」",
        )
    )


_FINDER: Final = Finder(_pattern())
_LOOSE: Final = Finder(
    "|".join(
        sorted(
            (word for word in _SQUEEZED if len(word) >= SHORTEST and word.isalnum()), key=len, reverse=True
        )
    )
    + "|\x1e"
)


def presence() -> list[tuple[int, str]]:
    """For each concept a pattern that says whether a text may have it: the gate before the tokens are made."""
    found: dict[int, list[str]] = {}
    for known, whole in ((_STEMS, False), (_EXACT, True)):
        for word, mask in known.items():
            for number in range(len(CONCEPTS)):
                if mask >> number & 1:
                    found.setdefault(number, []).append(_present(word, whole=whole))
    return [(1 << number, "|".join(given)) for number, given in sorted(found.items())]


def _present(word: str, *, whole: bool) -> str:
    quoted = _quoted(word)
    if not word.isascii():
        return quoted
    front = r"\b" if word[0].isalnum() else ""
    return front + quoted + (r"\b" if whole and word[-1].isalnum() else "")


@lru_cache(maxsize=8192)
def _concepts(raw: bytes) -> int:
    """What a found word means."""
    text = " ".join(raw.decode(errors="replace").split())
    if (mask := _EXACT.get(text)) is not None:
        return mask | _stem(text)
    if mask := _stem(text):
        return mask
    if "@" in text or "://" in text or (text.isascii() and "." in text[1:-1] and " " not in text):
        return _ADDRESS
    if "_" in text:
        return _IDENT
    if text == ",":
        return _COMMA
    return _QUOTE if text and text in "\"'`“”«»「」" else _STOP


def tokens(text: bytes) -> list[Token]:
    """The words of a folded text, in order."""
    return [Token(start, end, _concepts(text[start:end])) for start, end in _FINDER.spans(text, MOST)]


@lru_cache(maxsize=2048)
def _loose(raw: bytes) -> int:
    return _SQUEEZED.get(raw.decode(), _STOP)


def squeezed(text: bytes) -> list[Token]:
    """The words of a text without blanks: longest first, and only such as are long enough to be no accident."""
    return [Token(start, end, _loose(text[start:end])) for start, end in _LOOSE.spans(text, MOST)]
