"""Order of versions, and ranges as OSV says them: npm by SemVer 2, PyPI by PEP 440."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

_STAGES: Final = {
    "dev": -4,
    "a": -3,
    "alpha": -3,
    "b": -2,
    "beta": -2,
    "c": -1,
    "rc": -1,
    "pre": -1,
    "preview": -1,
    "post": 1,
    "rev": 1,
    "r": 1,
}
Key = tuple[Any, ...]


def key(version: str, ecosystem: str) -> Key:
    """What versions of an ecosystem are compared by. Never fails: what is no version comes first."""
    bare = version.strip().lower().removeprefix("v").removeprefix("=")
    return _pep440(bare) if ecosystem == "pypi" else _semver(bare)


def _semver(text: str) -> Key:
    core, mark, pre = text.partition("+")[0].partition("-")
    numbers = _numbers(core)
    if not mark:
        return (numbers, 1, ())
    return (
        numbers,
        0,
        tuple(
            (0, int(part), "") if part.isdigit() and len(part) < 19 else (1, 0, part)
            for part in pre.split(".")
        ),
    )


def _numbers(core: str) -> tuple[int, ...]:
    numbers = [int(part) if part.isdigit() and len(part) < 19 else 0 for part in core.split(".")[:8]]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _pep440(text: str) -> Key:
    text = text.partition("+")[0]
    epoch, mark, rest = text.partition("!")
    if not mark:
        epoch, rest = "0", text
    release: list[int] = []
    stages: list[tuple[int, int]] = []
    for word in _words(rest):
        if word.isdigit() and len(word) < 19 and not stages:
            release.append(int(word))
        elif word in _STAGES:
            stages.append((_STAGES[word], 0))
        elif word.isdigit() and len(word) < 19 and stages:
            stages[-1] = (stages[-1][0], int(word))
    while release and release[-1] == 0:
        release.pop()
    return (
        int(epoch) if epoch.isdigit() and len(epoch) < 9 else 0,
        tuple(release),
        (*stages, (0, 0)),
    )


def _words(text: str) -> list[str]:
    """Digits and letters apart."""
    out: list[str] = []
    kind = ""
    for sign in text:
        now = "d" if sign.isdigit() else "a" if sign.isalpha() else ""
        if now and now == kind:
            out[-1] += sign
        elif now:
            out.append(sign)
        kind = now
    return out


def affected(version: str, ecosystem: str, events: Sequence[tuple[str, str]]) -> bool:
    """True if an exact version lies in the ranges that OSV events draw, in the order in which they stand."""
    mine = key(version, ecosystem)
    inside = False
    for kind, at in sorted(events, key=lambda event: (_at(event[1], ecosystem), event[0] != "introduced")):
        edge = _at(at, ecosystem)
        if kind == "introduced" and mine >= edge:
            inside = True
        elif (kind == "fixed" and mine >= edge) or (kind == "last_affected" and mine > edge):
            inside = False
    return inside


def _at(version: str, ecosystem: str) -> Key:
    if version == "0":
        return (-1, (), ()) if ecosystem == "pypi" else ((), -1, ())
    return key(version, ecosystem)
