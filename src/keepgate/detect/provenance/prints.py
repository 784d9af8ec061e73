"""Keyed fingerprints of values of one flow, in bounded memory, and which of them stand in arguments.

A value is found anywhere in the bare signs of a reading: its first signs lead to a candidate, a keyed hash of all of
it decides. A short one has to stand by itself. A passage is found by two pieces of it. What is kept are hashes and the
first three signs of values, no value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any, Final

from keepgate.detect.provenance.disguises import readings
from keepgate.detect.provenance.distinctive import (
    PASSAGE,
    SHORT,
    SHORTEST,
    WINDOW,
    has_values,
    passages_of,
    pieces_of,
    values_of,
)
from keepgate.detect.provenance.signs import Signs, signs

ROOM: Final = 600_000
"""Bytes that all prints of a flow may take: a megabyte with what waits for it (`gateway/traces.py`)."""
_VALUE, _PIECE, _HEAD = 120, 110, 180
"""Bytes of one entry in Python's tables, measured and rounded up."""
SOURCES: Final = 30
"""Things that values came from that are told apart."""
_MASK: Final = (1 << 60) - 1
USER: Final = 1
"""The source that is the caller itself."""


class Prints:
    """The values of one flow. `full`: some were forgotten, so what is not found may have been there all the same."""

    def __init__(self, key: bytes) -> None:
        """`key`: 16 to 64 random bytes."""
        self._hash = blake2b(key=key, digest_size=8)
        self._values: dict[int, int] = {}
        """Print of a value to the bits of its sources."""
        self._heads: set[int] = set()
        self._starts: set[str] = set()
        self._pieces: dict[int, int] = {}
        self._lengths: tuple[int, ...] = ()
        self.full = False

    @property
    def size(self) -> int:
        """Bytes, about."""
        return len(self._values) * _VALUE + len(self._pieces) * _PIECE + len(self._heads) * _HEAD

    def add(self, value: Any, source: int, *, tracked: bool) -> None:
        """Values of a result, or of arguments, are from `source`, a bit. Only what is `tracked` is looked for later."""
        found, whole = values_of(value)
        self.full |= tracked and not whole
        for each in found:
            self._note(self._values, self._print(each), source)
            if tracked:
                self._heads.add(self._print(each[:SHORTEST]))
                self._starts.add(each[:3])
                if len(each) not in self._lengths:
                    self._lengths = tuple(sorted({*self._lengths, len(each)}, reverse=True))
        for passage in passages_of(value):
            for _, piece in pieces_of(passage):
                self._note(self._pieces, self._print(piece), source)
        if self.size > ROOM:
            self._forget()

    def sources(self, arguments: Any) -> tuple[list[int], bool]:
        """The bits of what stands in arguments, one entry for each value, and whether that is all that can be said."""
        texts, whole = readings(arguments)
        found: list[int] = []
        for text in texts:
            told = signs(text)
            found += self._values_in(told)
            found += self._passage_in(told.text)
        known = whole and not (self.full and self._could_be(texts[0] if texts else ""))
        return found, known

    def _note(self, table: dict[int, int], what: int, source: int) -> None:
        before = table.get(what, 0)
        # What the caller said first is the caller's, whoever repeats it.
        table[what] = before if before & USER else before | source

    def _print(self, text: str) -> int:
        made = self._hash.copy()
        made.update(text.encode(errors="replace"))
        return int.from_bytes(made.digest(), "big") & _MASK

    def _values_in(self, told: Signs) -> Iterator[int]:
        text, starts = told.text, self._starts
        if not starts:
            return
        for at in [at for at in range(len(text) - SHORTEST + 1) if text[at : at + 3] in starts]:
            if self._print(text[at : at + SHORTEST]) not in self._heads:
                continue
            for length in self._lengths:
                end = at + length
                if end > len(text) or (length < SHORT and not (at in told.edges and end in told.edges)):
                    continue
                if found := self._values.get(self._print(text[at:end])):
                    yield found

    def _passage_in(self, text: str) -> Iterator[int]:
        if len(text) < PASSAGE or not self._pieces:
            return
        places: dict[int, list[int]] = {}
        for at, piece in pieces_of(text):
            if bits := self._pieces.get(self._print(piece)):
                places.setdefault(bits, []).append(at)
        for bits, where in places.items():
            if max(where) - min(where) >= WINDOW:
                yield bits

    def _could_be(self, text: str) -> bool:
        """Whether there is anything that could be one of the forgotten values."""
        if len(text) >= PASSAGE:
            return True
        return has_values(text)

    def _forget(self) -> None:
        """The older half of everything."""
        self.full = True
        for table in (self._values, self._pieces):
            for what in list(table)[: len(table) // 2]:
                del table[what]
        if len(self._heads) * _HEAD > ROOM // 2:
            self._heads.clear()
            self._starts.clear()


def labels_of(found: Iterable[int], receiver: int) -> int:
    """The bits of all sources of values that neither the caller nor the receiver brought first."""
    bits = 0
    for each in found:
        if not each & (USER | receiver):
            bits |= each
    return bits
