"""The tree of each log as tiles of 256 hashes in the index, so that a proof reads some tiles and not the log.

Level 0 holds the leaf hashes, level n the roots of full tiles of level n - 1: the layout of https://c2sp.org/tlog-tiles.
Nothing here is trusted: who makes a proof holds it against a signed root.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Final

from keepgate.audit.checkpoint import EvidenceError
from keepgate.audit.proof import Nodes

SCHEMA: Final = "CREATE TABLE tile (id INTEGER PRIMARY KEY, hashes BLOB NOT NULL)"
HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT
_HASH: Final = 32
_FULL: Final = WIDTH * _HASH


def extend(database: sqlite3.Connection, writer: int, size: int, hashes: Iterable[bytes]) -> None:
    """Add leaf hashes after the first `size`. Raises sqlite3.Error."""
    level = 0
    added = b"".join(hashes)
    while added:
        number, filled = divmod(size, WIDTH)
        if filled:
            added = _tile(database, writer, level, number)[: filled * _HASH] + added
        tiles = [added[at : at + _FULL] for at in range(0, len(added), _FULL)]
        rows = [(_id(writer, level, number + at), tile) for at, tile in enumerate(tiles)]
        database.executemany("REPLACE INTO tile VALUES (?, ?)", rows)
        added = b"".join(_fold(tile) for tile in tiles if len(tile) == _FULL)
        level, size = level + 1, number


def forget(database: sqlite3.Connection, writer: int) -> None:
    """Remove the tiles of a writer. Raises sqlite3.Error."""
    database.execute("DELETE FROM tile WHERE id >= ? AND id < ?", (_id(writer, 0, 0), _id(writer + 1, 0, 0)))


def nodes(database: sqlite3.Connection, writer: int) -> Nodes:
    """The hashes of a writer's tree. What they give raises EvidenceError where the index does not reach."""
    read: dict[tuple[int, int], bytes] = {}

    def node(level: int, number: int) -> bytes:
        tier, within = divmod(level, HEIGHT)
        place, first = divmod(number << within, WIDTH)
        if (tier, place) not in read:
            read[tier, place] = _tile(database, writer, tier, place)
        hashes = read[tier, place][first * _HASH : (first + (1 << within)) * _HASH]
        if len(hashes) != _HASH << within:
            raise EvidenceError("audit-index", "the index does not reach that far: delete it, it is rebuilt")
        return _fold(hashes)

    return node


def leaves(database: sqlite3.Connection, writer: int, start: int, end: int) -> Iterator[bytes]:
    """The leaf hashes `[start, end)`, in order, as far as the index reaches. Raises sqlite3.Error."""
    for number in range(start // WIDTH, -(-end // WIDTH)):
        tile = _tile(database, writer, 0, number)
        low, high = max(start - number * WIDTH, 0), min(end - number * WIDTH, len(tile) // _HASH)
        for at in range(low, high):
            yield tile[at * _HASH : (at + 1) * _HASH]


def _tile(database: sqlite3.Connection, writer: int, level: int, number: int) -> bytes:
    row = database.execute("SELECT hashes FROM tile WHERE id = ?", (_id(writer, level, number),)).fetchone()
    return bytes(row[0]) if row else b""


def _id(writer: int, level: int, number: int) -> int:
    """Writers are few and levels below 8, so that all fits into SQLite's 63 bits."""
    return writer << 44 | level << 40 | number


def _fold(hashes: bytes) -> bytes:
    """The root of a full tree over a power of two of hashes."""
    while len(hashes) > _HASH:
        pairs = range(0, len(hashes), 2 * _HASH)
        hashes = b"".join([sha256(b"\1" + hashes[at : at + 2 * _HASH]).digest() for at in pairs])
    return hashes
