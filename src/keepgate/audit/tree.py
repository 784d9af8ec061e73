"""The RFC 6962 Merkle tree over the records of one writer, kept as its peaks: O(log n) state, O(1) per record."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256


class Tree:
    """Grows by appending leaf hashes. `peaks` are the roots of its full subtrees, largest first.

    Size and peaks are all its state: a tree can go on from the ones that a segment header holds.
    """

    __slots__ = ("peaks", "size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self.peaks = list(peaks)
        if len(self.peaks) != size.bit_count():
            raise ValueError("a tree has one peak for each bit of its size")

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash (32 bytes)."""
        self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes, in order."""
        count, peaks = self.size, self.peaks
        for node in leaves:
            size = count
            while size & 1:
                node = sha256(b"\1" + peaks.pop() + node).digest()  # noqa: PLW2901 - it climbs
                size >>= 1
            peaks.append(node)
            count += 1
        self.size = count

    def root(self) -> bytes:
        """The tree hash (32 bytes)."""
        if not self.peaks:
            return sha256(b"").digest()
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = sha256(b"\1" + peak + root).digest()
        return root
