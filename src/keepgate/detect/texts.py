"""Every string of a JSON value as one text to scan: values and keys, joined by newlines, with the way back.

The hot path only collects and joins. Where something was found, a second walk in the same order says to which string
a place in the joined text belongs, and what its JSON pointer is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from keepgate.model.message import Json

_LONG = 2048
MARK = "[redacted:"
"""How a placeholder begins. What keepgate has removed is not found again."""


def joined(value: Json) -> bytes:
    """All strings and keys of a value as one UTF-8 text, a newline between each. A lone surrogate becomes `?`."""
    if type(value) is str:
        text = value
    else:
        out: list[str] = []
        _collect(value, out)
        text = "\n".join(out)
        if len(text) > _LONG and not text.isascii():
            # Each by itself: where a string was serialised before, its UTF-8 is at hand, and that of the whole is not.
            try:
                return b"\n".join([piece.encode() for piece in out])
            except UnicodeEncodeError:
                pass
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace")


def strings(value: Json) -> list[str]:
    """The strings in the order of `joined` and `places`."""
    if type(value) is str:
        return [value]
    out: list[str] = []
    _collect(value, out)
    return out


def _collect(value: Any, out: list[str]) -> None:
    # Written out for both kinds: this runs for every member of every message.
    if type(value) is dict:
        for key, member in value.items():
            out.append(key)
            kind = type(member)
            if kind is str:
                out.append(member)
            elif kind is dict or kind is list:
                _collect(member, out)
    elif type(value) is list:
        for member in value:
            kind = type(member)
            if kind is str:
                out.append(member)
            elif kind is dict or kind is list:
                _collect(member, out)


@dataclass(frozen=True, slots=True)
class Place:
    """One string: where it stands and what it says. `keys` are the steps from the root, for `pointer`."""

    keys: tuple[str | int, ...]
    text: str
    is_key: bool
    """The string is the last step itself, and not the value there."""

    @property
    def pointer(self) -> str:
        """JSON pointer (RFC 6901) of the value, or of the member whose key this is."""
        return pointer(self.keys)


def pointer(keys: tuple[str | int, ...]) -> str:
    """JSON pointer for the steps from the root."""
    return "".join(f"/{str(key).replace('~', '~0').replace('/', '~1')}" for key in keys)


def places(value: Json, root: tuple[str | int, ...] = ()) -> Iterator[Place]:
    """The strings in the order of `joined`."""
    if isinstance(value, str):
        yield Place(root, value, is_key=False)
    elif isinstance(value, dict):
        for key, member in value.items():
            yield Place((*root, key), key, is_key=True)
            yield from places(member, (*root, key))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from places(member, (*root, number))


class Located:
    """The strings of a value with their places in the joined text."""

    def __init__(self, value: Json, root: tuple[str | int, ...] = ()) -> None:
        self.places = list(places(value, root))
        self._starts: list[int] = []
        at = 0
        for place in self.places:
            self._starts.append(at)
            at += len(place.text.encode(errors="replace")) + 1
        self._known = 0, 0
        """A byte of the joined text, and the characters before it in its string: where the last answer was."""

    def border(self, start: int, length: int) -> int:
        """Where the string that holds this byte ends, in a joined text of this length."""
        number = bisect_right(self._starts, start)
        return self._starts[number] - 1 if number < len(self._starts) else length

    def at(self, text: bytes, start: int, end: int) -> tuple[Place, int, int] | None:
        """The string that holds all these bytes of the joined text, with character offsets; None if none does."""
        if end > self.border(start, len(text)):
            return None
        number = bisect_right(self._starts, start) - 1
        origin, before = self._known
        if not self._starts[number] <= origin <= start:
            origin, before = self._starts[number], 0
        # From there, or ten thousand sightings in a long string would each count it from its beginning.
        before += len(text[origin:start].decode())
        self._known = start, before
        return self.places[number], before, before + len(text[start:end].decode())
