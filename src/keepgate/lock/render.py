"""A change in words and as a diff, for a person to read. Outsiders' text is bounded here, and escaped by who prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import unified_diff
from typing import Final

import orjson

from keepgate.lock.compare import Change, Class
from keepgate.model.message import Json

MAX_LINES: Final = 400
"""Of one text: a diff takes time with the square of this."""
MAX_LINE: Final = 2000
_WIDTH: Final = 100


def told(changes: Iterable[Change], *, server: str) -> Iterator[str]:
    """Lines: what there is in short, a head for each definition, then each change with its risk and its diff."""
    changes = list(changes)
    if len({(change.kind, change.name) for change in changes}) > 1:
        yield f"{server}: in short"
        yield from (f"  {line}" for line in _summary(changes))
    last: tuple[str, str] | None = None
    for change in changes:
        if (change.kind, change.name) != last:
            last = change.kind, change.name
            yield f"{server}: {change.kind}{f' {change.name}' if change.name else ''}"
        what = f"  {change.change}" + (f" ({change.part})" if change.part else "")
        yield f"{what}: {change.risk}"
        yield from (f"    {line}" for line in _diff(change))


def _summary(changes: Iterable[Change]) -> Iterator[str]:
    """Each class of change with the names that it is about, what can do most harm first."""
    found: dict[Class, dict[str, None]] = {}
    for change in changes:
        found.setdefault(change.change, {})[change.name or change.kind] = None
    for each in sorted(found, key=_GRAVEST.index):
        names = [name[:_NAME] for name in found[each]]
        more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
        yield f"{each}: {', '.join(names[:_NAMES])}{more}"


_NAMES: Final = 8
_NAME: Final = 60
_GRAVEST: Final = (
    Class.INSTRUCTION,
    Class.LAUNCH,
    Class.IDENTITY,
    Class.CAPABILITY,
    Class.ADDED,
    Class.PARAMETER,
    Class.RENAMED,
    Class.WIDENED,
    Class.SCHEMA,
    Class.OTHER,
    Class.TEXT,
    Class.OUTPUT,
    Class.HINTS,
    Class.NARROWED,
    Class.REMOVED,
    Class.COSMETIC,
)


def _diff(change: Change) -> Iterator[str]:
    if change.change is Class.RENAMED:
        yield f"- {change.before}"
        yield f"+ {change.after}"
        return
    if change.before is None and change.after is None:
        yield "(the approved text was not kept on this machine)"
        return
    if change.before is None and change.change not in (Class.ADDED, Class.PARAMETER, Class.CAPABILITY):
        yield "(what it was before was not kept on this machine, or was nothing)"
    old, new = _lines(change.before), _lines(change.after)
    for number, line in enumerate(unified_diff(old, new, lineterm="", n=1)):
        if number >= 2:  # the two file names
            yield line[:MAX_LINE]


def _lines(value: Json) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, str):
        value = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()
    lines = [piece for line in value.splitlines() for piece in _wrapped(line)]
    if len(lines) > MAX_LINES:
        lines = [*lines[:MAX_LINES], f"… {len(lines) - MAX_LINES} more lines"]
    return lines or [""]


def _wrapped(line: str) -> Iterator[str]:
    """Pieces of a width to read, at spaces: a description is often one long line, and only some words changed."""
    while len(line) > _WIDTH:
        cut = line.rfind(" ", 0, _WIDTH) + 1 or _WIDTH
        yield line[:cut]
        line = line[cut:]
    yield line
