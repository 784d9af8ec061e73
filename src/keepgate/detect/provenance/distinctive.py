"""What of a result is so much its own that it is recognised when it turns up again.

Numbers of accounts and orders, addresses, keys, names in fields for names, and passages of text; not words, dates,
sizes and versions, which two people write without knowing of each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

import orjson

from keepgate.detect.provenance.signs import bare, leaves, words

LONGEST: Final = 40
"""Signs of a value that count; a longer one is told by its beginning."""
SHORT: Final = 10
"""Signs below which a value must stand by itself."""
SHORTEST: Final = 6
WINDOW: Final = 28
"""Signs of a piece of a passage."""
PASSAGE: Final = 64
"""Signs from which a text is a passage."""
MOST: Final = 64 * 1024
"""Characters of a result that are looked at."""
PIECES: Final = 256
"""Pieces of one passage."""
VALUES: Final = 2000
"""Values of one result."""
_BREAKS: Final = str.maketrans(dict.fromkeys("\"'<>()[]{},;|`\x1e\x1f", " "))
_PARTS: Final = str.maketrans(dict.fromkeys("/?&=#:", " "))
_ANCHORS: Final = ("in", "er", "re", "on", "st", "de", "ie")
"""Where pieces of a passage begin: common enough in most languages that are written in Latin letters."""
_PUBLIC: Final = tuple(
    "rfc cve cwe iso iec ieee din utf sha http port windows ecma es20 python fy20 version".split()
)
"""What numbers begin with that everybody knows."""
_NAMED: Final = frozenset(
    "name names fullname firstname lastname surname customer contact person patient employee owner author user client "
    "member recipient sender address street company title subject account holder manager".split()
)
_LOCAL: Final = ("127", "10.", "192.168.", "172.16.", "0.0.0.0", "255.", "8.8.")  # noqa: S104 - words


def values_of(result: Any) -> tuple[list[str], bool]:
    """The distinctive values of a result as bare signs, and whether all of it was looked at."""
    found: dict[str, None] = {}
    texts, whole = leaves(result, most=MOST)
    for name, text in _opened(texts):
        for value in _of_text(name, text):
            found[value[:LONGEST]] = None
            if len(found) >= VALUES:
                return list(found), False
    return list(found), whole


def has_values(text: str) -> bool:
    """Whether there is any in a text."""
    return next(_of_text("", text), None) is not None


def pieces_of(text: str) -> Iterator[tuple[int, str]]:
    """Places and pieces of the bare signs of a passage: the same wherever the passage stands in a text."""
    for anchor in _ANCHORS:
        at = text.find(anchor)
        left = PIECES
        while 0 <= at <= len(text) - WINDOW and left:
            yield at, text[at : at + WINDOW]
            at = text.find(anchor, at + 1)
            left -= 1


def passages_of(result: Any) -> Iterator[str]:
    """The texts of a result that are long enough to be known by their wording, as bare signs."""
    for _, text in _opened(leaves(result, most=MOST)[0]):
        if len(text) >= PASSAGE and len(found := bare(text)) >= PASSAGE:
            yield found


def is_distinctive(word: str) -> bool:
    """Whether a word is one that two people would not write by chance."""
    if len(word) < SHORTEST or (len(word) < 16 and word.isalpha()):
        return False  # most words, at once
    signs = bare(word)
    if not len(signs) >= SHORTEST:
        return False
    if _is_address(word):
        return len(signs) >= 8
    digits = sum(map(str.isdigit, signs))
    if not digits:
        return len(signs) >= 24 or (len(signs) >= 16 and _turns(word) * 5 >= len(signs) * 2)
    if _is_date(signs) or word.startswith(_LOCAL):
        return False
    if digits == len(signs):
        return _is_odd_number(signs)
    if signs.startswith(_PUBLIC) or _is_size(signs):
        return False
    return len(signs) >= 7 and (digits >= 4 or (digits >= 2 and len(signs) >= 9 and _mixed(signs) >= 2))


def _opened(texts: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The same, where a text that is JSON itself is opened."""
    for name, text in texts:
        if text[:1] in ("{", "["):
            try:
                inner = orjson.loads(text)
            except ValueError:
                pass
            else:
                yield from leaves(inner, most=MOST)[0]
                continue
        yield name, text


def _of_text(name: str, text: str) -> Iterator[str]:
    if not text:
        return
    run: list[str] = []
    for word in (each.strip(".:!?*_~") for each in text.translate(_BREAKS).split()):
        for part in {word, *word.translate(_PARTS).split()}:
            if is_distinctive(part):
                yield bare(part)
                yield from _other_forms(part)
        if len(word) <= SHORTEST + 2 and any(map(str.isdigit, word)):
            run.append(word)
            continue
        yield from _groups(run)
        run = []
    yield from _groups(run)
    if name and len(text) <= 80 and not _NAMED.isdisjoint(_words_of(name)) and _is_title(text):
        yield bare(text)


def _other_forms(word: str) -> Iterator[str]:
    """An address without what follows `+`; the halves of a key or long number."""
    if _is_address(word):
        local, _, domain = word.partition("@")
        if "+" in local:
            yield bare(f"{local.partition('+')[0]}@{domain}")
        return
    signs = bare(word)[:LONGEST]
    half = len(signs) // 2
    if half >= SHORT:
        yield from (part for part in (signs[:half], signs[half:]) if is_distinctive(part))


def _groups(run: list[str]) -> Iterator[str]:
    """A number written in groups: of a telephone, a card, an account."""
    if len(run) > 1:
        joined = "".join(run)
        if 8 <= len(bare(joined)) <= LONGEST and is_distinctive(joined):
            yield bare(joined)


def _words_of(name: str) -> Iterator[str]:
    yield from words("".join(f" {sign}" if sign.isupper() else sign for sign in name))
    yield name.lower()


def _is_title(text: str) -> bool:
    """Two to six words that each begin with a capital or a digit, as names and addresses do."""
    found = text.split()
    return (
        2 <= len(found) <= 6
        and len(bare(text)) >= SHORT
        and all(each[0].isupper() or each[0].isdigit() for each in found)
    )


def _is_address(word: str) -> bool:
    local, at, domain = word.partition("@")
    return bool(local and at and "." in domain)


def _turns(word: str) -> int:
    """How often small letters and capitals change places."""
    return sum(a.isalpha() and b.isalpha() and a.isupper() is not b.isupper() for a, b in pairwise(word))


def _mixed(signs: str) -> int:
    """How often letters and digits do."""
    return sum(a.isdigit() is not b.isdigit() for a, b in pairwise(signs))


def _is_date(signs: str) -> bool:
    """A day, with or without a time, written in any order."""
    if not signs[:6].isdigit() or any(sign.isalpha() and sign not in "tzutcgm" for sign in signs):
        return False
    if len(signs) == 6:
        return True  # of six digits too many are days
    first, middle, last = signs[:4], signs[4:6], signs[6:8]
    if first[:2] in ("19", "20") and "01" <= middle <= "12" and (not last or "01" <= last <= "31"):
        return True
    return len(signs) == 8 and signs[4:6] in ("19", "20") and signs[:2] <= "31" and signs[2:4] <= "31"


def _is_odd_number(signs: str) -> bool:
    """Seven digits or more that nobody would count to."""
    return (
        len(signs) >= 7
        and not signs.endswith("0000")
        and len(set(signs)) > 2
        and signs not in "012345678901234567890"
        and signs not in "987654321098765432109"
    )


def _is_size(signs: str) -> bool:
    """1920x1080, 16384kb."""
    first, cross, second = signs.partition("x")
    if cross and first.isdigit() and second.isdigit():
        return True
    return signs.rstrip("abcdefghijklmnopqrstuvwxyz").isdigit() and signs.endswith(
        ("kb", "mb", "gb", "px", "ms", "hz", "usd", "eur", "pln")
    )
