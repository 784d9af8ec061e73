"""The search index: one SQLite file that can be deleted at any time, filled from the segments it points into.

It holds no more than the records do. Nothing waits for it: it is filled by a thread beside the gateway, and by whoever
asks and finds it behind.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

import orjson

from keepgate.audit.proof import Nodes
from keepgate.audit.record import leaf
from keepgate.model.errors import LocalError
from keepgate.stores.audit import rows, tiles
from keepgate.stores.audit.files import LEAVES, LOG, audit_directory, pruned, segment, writers
from keepgate.stores.audit.reading import records
from keepgate.stores.audit.search import Filter, reader, search
from keepgate.stores.files import make_directory

__all__ = ["Filter", "Index"]

_VERSION: Final = 4
_BATCH: Final = 5000
"""Records in one transaction."""
_BIT: Final = 100
"""The same for the thread beside the gateway: it shares the interpreter, so it may keep it for a millisecond or two."""
_BUSY, _IDLE = 0.05, 1.0
"""Seconds that the thread rests, while it is behind and while it is not."""
_TABLES: Final = ("writer", "event", "who", "what", "tile")
_SCHEMA: Final = (
    (
        "CREATE TABLE writer (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, segment INTEGER NOT NULL, "
        "at INTEGER NOT NULL, leaf TEXT NOT NULL, size INTEGER NOT NULL)"
    ),
    *rows.SCHEMA,
    tiles.SCHEMA,
    f"PRAGMA user_version = {_VERSION}",
)


class Index:
    """The index at `path` of the log below `state`. Raises LocalError where SQLite fails."""

    def __init__(self, path: Path, state: Path) -> None:
        self._path = path
        self._audit = audit_directory(state)
        self._checked = False
        self._stop = Event()
        self._thread = Thread(target=self._run, name="audit-index", daemon=True)

    def catch_up(self) -> int:
        """Read what was recorded since the last time. Returns the number of records."""
        count = 0
        while done := self._read(_BATCH):
            count += done
        return count

    def query(self, wanted: Filter, *, limit: int, after: int = 0) -> list[tuple[int, dict[str, Any]]]:
        """The newest `limit` records that match, oldest first, each with its id; `after` leaves out ids up to it."""
        return [
            (number, orjson.loads(record)) for number, record in self.stored(wanted, limit=limit, after=after)
        ]

    def stored(self, wanted: Filter, *, limit: int, after: int = 0) -> list[tuple[int, bytes]]:
        """As `query`, the records as they are stored."""
        with self._connection() as database:
            found = search(database, wanted, limit=limit, after=after)
        with reader(self._audit) as log:
            records = [(row[0], log.record(*row[1:])) for row in found]
        return [(number, record) for number, record in records if _is_meant(record, wanted)]

    def walk(self, wanted: Filter, *, limit: int) -> Generator[tuple[str, int, dict[str, Any]], None, None]:
        """Writer, segment and record of what matches, newest first, read as it is asked for."""
        with self._connection() as database:
            found = search(database, wanted, limit=limit)
        with reader(self._audit) as log:
            for _, writer, number, at in reversed(found):
                record = log.record(writer, number, at)
                if _is_meant(record, wanted):
                    yield writer, number, orjson.loads(record)

    @contextmanager
    def tree(self, writer: str) -> Iterator[tuple[Nodes, int]]:
        """The hashes of a writer's tree, and how many records of it were read."""
        with self._connection() as database:
            row = database.execute("SELECT id, size FROM writer WHERE name = ?", (writer,)).fetchone()
            yield tiles.nodes(database, row[0] if row else 0), row[1] if row else 0

    def forget(self, writer: str, last: int) -> None:
        """Find the records of a writer's segments up to `last` no more: they are past their time."""
        with self._connection() as database, _transaction(database):
            database.execute(
                "DELETE FROM event WHERE segment <= ? AND writer = (SELECT id FROM writer WHERE name = ?)",
                (last, writer),
            )

    def start(self) -> None:
        """Keep the index up to date from a thread of its own, until `close`."""
        self._thread.start()

    def close(self) -> None:
        """Stop the thread, if there is one. Records not indexed yet are found by the next `catch_up`."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        pause = _BUSY
        while not self._stop.wait(pause):
            try:
                pause = _BUSY if self._read(_BIT) else _IDLE
            except LocalError:
                pause = 60.0  # a query will say what is wrong

    def _read(self, most: int) -> int:
        """Index up to `most` records of each writer. Returns how many there were."""
        with self._connection() as database:
            if not self._checked:
                self._forget_what_was_cut(database)
                self._checked = True
            return sum(_batch(database, directory, most) for directory in writers(self._audit))

    def _forget_what_was_cut(self, database: sqlite3.Connection) -> None:
        """Start a writer again whose log no longer holds what was read last: a power failure took it."""
        with _transaction(database):
            for found in database.execute("SELECT * FROM writer").fetchall():
                writer, name, number, at, last, _ = found
                path = segment(self._audit / name, number, LOG)
                following = next(records(self._audit / name, number, at), None)
                if (
                    not path.exists()
                    or path.stat().st_size < at
                    or (following and _prev(following.data) != last)
                ):
                    database.execute("DELETE FROM event WHERE writer = ?", (writer,))
                    database.execute("DELETE FROM writer WHERE id = ?", (writer,))
                    tiles.forget(database, writer)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            make_directory(self._path.parent)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite would ask the umask
            with closing(sqlite3.connect(self._path, timeout=30, isolation_level=None)) as database:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = NORMAL")
                database.execute("PRAGMA cache_size = -65536")
                _prepare(database)
                yield database
        except (OSError, sqlite3.Error) as error:
            cure = f"cannot use the index `{self._path}`: if it is damaged, delete it, it is rebuilt"
            raise LocalError("audit-index", cure, str(error)) from error


def _batch(database: sqlite3.Connection, directory: Path, most: int) -> int:
    """Index the next records of a writer. Processes take turns: each goes on where the last one ended."""
    with _transaction(database):
        writer, number, at, size = _place(database, directory.name)
        if not size:
            size = _take_pruned(database, writer, directory)
        found = list(islice(records(directory, number, at), most))
        if found:
            texts = rows.Texts(database)
            made = [(*row, writer, each.segment, each.at) for each in found if (row := texts.row(each.data))]
            database.executemany(rows.INSERT, made)
            leaves = [leaf(each.data) for each in found]
            tiles.extend(database, writer, size, leaves)
            last = found[-1]
            end = (writer, directory.name, last.segment, last.end, leaves[-1].hex(), size + len(found))
            database.execute("REPLACE INTO writer VALUES (?, ?, ?, ?, ?, ?)", end)
    return len(found)


def _take_pruned(database: sqlite3.Connection, writer: int, directory: Path) -> int:
    """Begin the tree with what is left of records past their time. Returns how many there were."""
    size = 0
    for number in pruned(directory):
        data = segment(directory, number, LEAVES).read_bytes()
        leaves = [data[at : at + 32] for at in range(0, len(data), 32)]
        tiles.extend(database, writer, size, leaves)
        size += len(leaves)
    return size


def _place(database: sqlite3.Connection, name: str) -> tuple[int, int, int, int]:
    """Number of a writer, and where its reading goes on: segment, offset, records read."""
    row = database.execute("SELECT id, segment, at, size FROM writer WHERE name = ?", (name,)).fetchone()
    if row is None:
        (most,) = database.execute("SELECT coalesce(max(id), 0) FROM writer").fetchone()
        return most + 1, 0, 0, 0
    return row[0], row[1], row[2], row[3]


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _prepare(database: sqlite3.Connection) -> None:
    """Make the tables; those of another version are dropped, as they can be filled again."""
    if database.execute("PRAGMA user_version").fetchone()[0] == _VERSION:
        return
    with _transaction(database):
        if database.execute("PRAGMA user_version").fetchone()[0] != _VERSION:  # nobody else was faster
            for statement in (*(f"DROP TABLE IF EXISTS {table}" for table in _TABLES), *_SCHEMA):
                database.execute(statement)


def _is_meant(stored: bytes, wanted: Filter) -> bool:
    """Whether this is a record, and not one that only shares the number of a decision id."""
    try:
        record = orjson.loads(stored)
        return not wanted.trace or bool(record["trace"] == wanted.trace)
    except (KeyError, TypeError, ValueError):
        return False


def _prev(stored: bytes) -> str:
    try:
        return str(orjson.loads(stored)["prev"])
    except (KeyError, TypeError, ValueError):
        return ""
