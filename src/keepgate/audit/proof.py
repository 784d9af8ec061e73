"""RFC 6962 proofs: that a record is in a log, and that a log goes on from an earlier one.

Who makes a proof has hashes of the tree at hand (`Nodes`); who checks one needs the proof and two roots.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

from keepgate.audit.checkpoint import EvidenceError

Nodes = Callable[[int, int], bytes]
"""`(level, number)` to the hash over leaves `[number << level, number + 1 << level)`, all of which are there."""

EMPTY: Final = sha256(b"").digest()
LONGEST: Final = 64
"""Hashes of any proof in a tree that can be counted."""


def parent(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return sha256(b"\1" + left + right).digest()


def tree_hash(nodes: Nodes, start: int, end: int) -> bytes:
    """The hash over leaves `[start, end)`: a tree, or a part of one that its shape has."""
    size = end - start
    if not size:
        return EMPTY
    if not size & (size - 1):
        level = size.bit_length() - 1
        return nodes(level, start >> level)
    middle = start + _split(size)
    return parent(tree_hash(nodes, start, middle), tree_hash(nodes, middle, end))


def inclusion(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """The path from leaf `index` to the root of the first `size` leaves, from the leaf up (section 2.1.1)."""
    if not 0 <= index < size:
        raise EvidenceError("audit-proof", f"record {index} is not among the first {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(tree_hash(nodes, middle, end))
            end = middle
        else:
            path.append(tree_hash(nodes, start, middle))
            start = middle
    return path[::-1]


def consistency(nodes: Nodes, old: int, new: int) -> list[bytes]:
    """The proof that the first `new` leaves begin with the first `old` (section 2.1.2); empty where `old` is 0."""
    if not 0 <= old <= new:
        raise EvidenceError("audit-proof", f"a log of {new} records does not go on from {old}")
    path: list[bytes] = []
    start, end, whole = 0, new, True
    while old and end != old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(tree_hash(nodes, middle, end))
            end = middle
        else:
            path.append(tree_hash(nodes, start, middle))
            start, whole = middle, False
    if old and not whole:
        path.append(tree_hash(nodes, start, end))
    return path[::-1]


def root_of(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that an inclusion proof leads to. Raises EvidenceError for a path of another shape."""
    if not 0 <= index < size or len(path) > LONGEST:
        raise EvidenceError("audit-proof", "the proof is of another tree")
    node, last, left = leaf, size - 1, list(path[::-1])
    while last:
        if index & 1 or index != last:
            if not left:
                raise EvidenceError("audit-proof", "the proof is too short")
            sibling = left.pop()
            node = parent(sibling, node) if index & 1 else parent(node, sibling)
        index >>= 1
        last >>= 1
    if left:
        raise EvidenceError("audit-proof", "the proof is too long")
    return node


def check_inclusion(leaf: bytes, index: int, size: int, root: bytes, path: Sequence[bytes]) -> None:
    """Raises EvidenceError unless the leaf with this hash is at `index` of the tree."""
    if root_of(leaf, index, size, path) != root:
        raise EvidenceError("audit-proof", f"record {index} is not what was signed")


def check_consistency(old: tuple[int, bytes], new: tuple[int, bytes], path: Sequence[bytes]) -> None:
    """Raises EvidenceError unless the tree `new`, size and root, goes on from the tree `old` (RFC 9162, 2.1.4.2)."""
    (size, root), (end, head) = old, new
    if not 0 <= size <= end or len(path) > LONGEST:
        raise EvidenceError("audit-proof", "the proof is of another tree")
    if size and size != end:
        fits = _both_roots(size, end, root, path) == (root, head)
    else:
        fits = not path and root == (head if size == end else EMPTY)
    if not fits:
        raise EvidenceError("audit-proof", "the log does not go on from the earlier one")


def _both_roots(size: int, end: int, root: bytes, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The roots, of the earlier tree and of the later, that a consistency proof leads to."""
    left = [*path[::-1], *([] if size & (size - 1) else [root])]
    first, last = size - 1, end - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    try:
        before = after = left.pop()
        while last:
            if first & 1:
                sibling = left.pop()
                before, after = parent(sibling, before), parent(sibling, after)
            elif first != last:  # else it is alone at the right edge, and moves up as it is
                after = parent(after, left.pop())
            first, last = first >> 1, last >> 1
    except IndexError:
        raise EvidenceError("audit-proof", "the proof is too short") from None
    if left:
        raise EvidenceError("audit-proof", "the proof is too long")
    return before, after


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)
