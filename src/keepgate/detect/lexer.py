"""From text to concepts: finds the words of the lexicon, in any language, with one pass of RE2.

A token is a word with the set of its concepts, as bits. Texts are UTF-8; offsets are bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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


_PLAIN: Final = "PLAIN"
"""Of phrases that mean nothing, whatever their words mean: a token count is no secret."""
_WORDS: Final = {fold(word): concepts for word, concepts in words().items()}
CONCEPTS: Final = tuple(
    sorted(
        {concept for concepts in _WORDS.values() for concept in concepts}
        | {"STOP", "ADDRESS", "IDENT", "TOOLNAME", "QUOTE", "COMMA"}
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


STEMS: Final = {word[:-1]: _mask(concepts) for word, concepts in _WORDS.items() if word.endswith("*")}


_LONGEST: Final = max(map(len, STEMS))


def _stem(word: str) -> int:
    longest = min(len(word), _LONGEST)
    return next((mask for end in range(longest, 1, -1) if (mask := STEMS.get(word[:end])) is not None), 0)


def _phrase(word: str, concepts: Iterable[str]) -> int:
    """A phrase also means what its words mean, so that knowing more phrases hides no word; a plain one nothing."""
    if _PLAIN in concepts:
        return 0
    mask = _mask(concepts)
    parts = word.split() if " " in word else []
    for first in range(len(parts)):
        mask |= _stem(parts[first])
        for last in range(first + 1, len(parts) + 1):
            mask |= _mask(set(_WORDS.get(" ".join(parts[first:last]), ())) - {_PLAIN})
    return mask


EXACT: Final = {word: _phrase(word, concepts) for word, concepts in _WORDS.items() if not word.endswith("*")}
_SQUEEZED: Final = {
    "".join(each for each in word if each.isalnum()): mask
    for word, mask in {**STEMS, **EXACT}.items()
    if all(each.isalnum() or each in " -'" for each in word)
}
_STOP: Final = _BITS["STOP"]
_ADDRESS: Final = _BITS["ADDRESS"]
_IDENT: Final = _BITS["IDENT"]
_PARAM: Final = _BITS["PARAM"]
TOOLNAME: Final = _BITS["TOOLNAME"]
_ACTS: Final = frozenset(
    "read write send get list create delete search execute run update add edit move fetch call post push query browser "
    "find open download upload set remove make transfer check pull merge commit click navigate book order place play "
    "convert generate export import insert invoke access retrieve submit reply forward publish buy pay tree directions "
    "terminate renew sign change append drop schedule cancel invite share grant sync scan".split()
)
"""What names of tools begin or end with."""
_KIN: Final = 4
"""Letters of a word that says what a tool is about."""
_FIELDS: Final = frozenset(
    "id ids name names type types key keys date time at by count size state mode code value values format number token "
    "tokens index limit offset flag results result from to enabled options params args hash level only".split()
)
"""What names of fields end with."""
_QUOTE: Final = _BITS["QUOTE"]
_COMMA: Final = _BITS["COMMA"]
_AT: Final = ord("@")
_LABEL: Final = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-")
_LOCAL: Final = _LABEL | frozenset(b"._%+")
_ENDS: Final = tuple("com net io org xyz ru site example test invalid".split())
"""Of names of hosts, by which they are recognised."""
ADDRESSED: Final = (b"@", b"://", *(b"." + end.encode() for end in _ENDS))
"""Without one of these a text has no address."""
_FRONT: Final = 64
"""Signs of a name before the part of an address by which it is recognised."""


def quoted(word: str) -> str:
    out = "".join(
        f"\\{sign}" if sign.isascii() and not sign.isalnum() and sign != " " else sign for sign in word
    )
    return out.replace(" ", r"\s{1,4}")


def _ordered(known: Iterable[str]) -> list[str]:
    """The longer of two that begin alike first; neighbours begin alike, so that RE2 makes a tree of them."""
    return sorted(known, reverse=True)


def _pattern() -> str:
    """All words of the lexicon, and what else is one word.

    RE2 makes a state for each count that a bounded repeat may have reached, times all words that may be open there: in
    text of any variety it then spends ten times as long on making states as on reading. So repeats have no bound where
    what they repeat cannot be passed twice, and an address of mail or a host is recognised by its end (`_front`).
    """
    latin = _ordered(word for word in EXACT if word.isascii())
    stems = _ordered(word for word in STEMS if word.isascii())
    others = _ordered(word for word in {**EXACT, **STEMS} if not word.isascii())
    framed = [word for word in latin if word[0].isalnum() and word[-1].isalnum()]
    bare = [word for word in latin if word not in set(framed)]
    return "|".join(
        (
            r"[.!?;][\"')\]*_]{0,3}(?:\s|\\n)|\n\s{0,8}\n|\n\s{0,8}[-*#>]|\n\s{0,16}[a-z0-9_]{1,40}(?:\s?\([^)\n]{0,60}\))?:|\x1e|。|！|？|；|\\n\\n|।|؟",
            r"https?://[a-z0-9](?:[a-z0-9.\-:/_?=&%~+#@,$]*[a-z0-9/=])?",
            r"(?:\b|[.%+\-])@(?:[a-z0-9\-]{1,60}\.){1,4}[a-z]{2,10}",
            rf"\b\.(?:{'|'.join(_ENDS)})\b",
            "|".join(map(quoted, bare)),
            rf"\b(?:{'|'.join(map(quoted, framed))})\b",
            r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b",
            rf"\b(?:{'|'.join(map(quoted, stems))})[a-z]{{0,12}}\b",
            "|".join(map(quoted, others)),
            r",|[\"'`]|“|”|«|»|「|」",
        )
    )


_FINDER: Final = Finder(_pattern())
_LOOSE: Final = Finder(
    "|".join(_ordered(word for word in _SQUEEZED if len(word) >= SHORTEST and word.isalnum())) + "|\x1e"
)


def presence() -> list[tuple[int, str]]:
    """For each concept a pattern that says whether a text may have it: the gate before the tokens are made."""
    found: dict[int, list[str]] = {}
    for known, whole in ((STEMS, False), (EXACT, True)):
        for word, mask in known.items():
            for number in range(len(CONCEPTS)):
                if mask >> number & 1:
                    found.setdefault(number, []).append(_present(word, whole=whole))
    return [(1 << number, "|".join(_ordered(given))) for number, given in sorted(found.items())]


def _present(word: str, *, whole: bool) -> str:
    pattern = quoted(word)
    if not word.isascii():
        return pattern
    front = r"\b" if word[0].isalnum() else ""
    return front + pattern + (r"\b" if whole and word[-1].isalnum() else "")


@lru_cache(maxsize=8192)
def _concepts(raw: bytes) -> int:
    """What a found word means."""
    text = " ".join(raw.decode(errors="replace").split())
    if (mask := EXACT.get(text)) is not None:
        return mask and mask | _stem(text)
    if "_" not in text and (mask := _stem(text)):
        return mask
    if "@" in text or "://" in text or (text[:1] == "." and text[1:].isalpha()):
        return _ADDRESS
    if "_" in text:
        parts = text.split("_")
        acts = parts[0] in _ACTS or parts[-1] in _ACTS
        field = not acts or (parts[-1] in _FIELDS and len(parts) == 2)
        return _IDENT if field else _IDENT | TOOLNAME
    if text == ",":
        return _COMMA
    return _QUOTE if text and text in "\"'`“”«»「」" else _STOP


def tokens(text: bytes) -> list[Token]:
    """The words of a folded text, in order."""
    found: list[Token] = []
    for start, end in _FINDER.spans(text, MOST):
        mask = _concepts(text[start:end])
        if mask:
            found.append(Token(_front(text, start, found) if mask == _ADDRESS else start, end, mask))
    return found


def _front(text: bytes, start: int, before: list[Token]) -> int:
    """Where an address begins of which only the last part was matched; words that are part of it are no words."""
    if text.startswith(b"http", start):
        return start
    signs = _LOCAL if _AT in text[start : start + 2] else _LABEL
    at, least = start, max(0, start - _FRONT)
    while at > least and text[at - 1] in signs:
        at -= 1
    while before and before[-1].start >= at:
        before.pop()
    return max(at, before[-1].end) if before else at


def disowned(words: list[Token], text: bytes, own: frozenset[bytes]) -> list[Token]:
    """The words, of which those in `own` name no other tool, and those that share a word with it hardly one."""
    return [_disowned(word, text, own) if word.concepts & _IDENT else word for word in words]


def _disowned(word: Token, text: bytes, own: frozenset[bytes]) -> Token:
    name = text[word.start : word.end]
    if name in own:
        return Token(word.start, word.end, word.concepts & ~(_IDENT | TOOLNAME) | _PARAM)
    if word.concepts & TOOLNAME and any(part.rstrip(b"s") in own for part in name.split(b"_")):
        return Token(word.start, word.end, word.concepts & ~TOOLNAME)
    return word


def kin(name: str) -> Iterator[str]:
    """The words of an identifier that say what it is about: what tools of one server have in common."""
    return (
        part.rstrip("s")
        for part in name.lower().replace("-", "_").split("_")
        if len(part) >= _KIN and part not in _ACTS
    )


@lru_cache(maxsize=2048)
def _loose(raw: bytes) -> int:
    return _SQUEEZED.get(raw.decode(), _STOP)


def squeezed(text: bytes) -> list[Token]:
    """The words of a text without blanks: longest first, and only such as are long enough to be no accident."""
    return [Token(start, end, _loose(text[start:end])) for start, end in _LOOSE.spans(text, MOST)]
