"""One form for all ways of writing a value: letters and digits only, folded, look-alikes as what they look like."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from keepgate.detect.fold import fold, skeleton


class _Words(dict[int, str]):
    """A table for `str.translate` that makes a blank of everything but letters and digits; fills itself."""

    def __missing__(self, point: int) -> str:
        sign = chr(point)
        found = self[point] = sign if sign.isalnum() else " "
        return found


_WORDS = _Words()
_KEPT = 4096
"""Different characters that are remembered."""


@dataclass(frozen=True, slots=True)
class Signs:
    """The letters and digits of a text. `edges` are the places where a word begins, and the end."""

    text: str
    edges: frozenset[int]


def words(text: str) -> list[str]:
    """Runs of letters and digits, folded."""
    small = fold(text)
    if not small.isascii():
        small = skeleton(small)
    if len(_WORDS) > _KEPT:
        _WORDS.clear()
    return small.translate(_WORDS).split()


def signs(text: str) -> Signs:
    """All of it."""
    found = words(text)
    return Signs("".join(found), frozenset(accumulate(map(len, found), initial=0)))


def bare(text: str) -> str:
    """The letters and digits alone."""
    return "".join(words(text))


def leaves(value: Any, *, most: int) -> tuple[list[tuple[str, str]], bool]:
    """Texts of a JSON value with the name of the member that they are, then names that stand within others.

    Numbers are texts too. The second part is False if there are more than `most` characters: then what is beyond is
    left out.
    """
    found: list[tuple[str, str]] = []
    names: list[tuple[str, str]] = []
    left = most
    todo = [("", value, 0)]
    while todo:
        name, each, depth = todo.pop()
        if isinstance(each, dict):
            inner = [(key, part, depth + 1) for key, part in each.items()]
            todo += reversed(inner)
            if depth:
                names += [("", key) for key in each]
                left -= sum(map(len, each))
        elif isinstance(each, list):
            todo += reversed([(name, part, depth + 1) for part in each])
        else:
            text = (
                each if isinstance(each, str) else "" if each is None or isinstance(each, bool) else str(each)
            )
            left -= len(text) + 1
            found.append((name, text[: max(0, left + len(text) + 1)]))
        if left < 0:
            return found + names, False
    return found + names, True
