"""The search index: one SQLite file that can be deleted at any time, filled from the segments it points into.

It holds no more than the records do. Nothing waits for it: it is filled by a thread beside the gateway, and by whoever
asks and finds it behind.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

import orjson

from keepgate.audit.record import leaf
from keepgate.model.errors import LocalError
from keepgate.stores.audit.files import LOG, audit_directory, segment, writers
from keepgate.stores.audit.reading import record_at, records
from keepgate.stores.files import make_directory

_VERSION: Final = 2
_BATCH: Final = 2000
"""Records in one transaction."""
_BIT: Final = 100
"""The same for the thread beside the gateway: it shares the interpreter, so it may keep it for a millisecond or two."""
_BUSY, _IDLE = 0.05, 1.0
"""Seconds that the thread rests, while it is behind and while it is not."""
_COLUMNS: Final = ("time", "principal", "server", "name", "method", "effect", "trace", "observed")
_SCHEMA: Final = (
    "CREATE TABLE writer (writer TEXT PRIMARY KEY, segment INTEGER NOT NULL, at INTEGER NOT NULL, leaf TEXT NOT NULL)",
    "CREATE TABLE event (id INTEGER PRIMARY KEY, "
    + ", ".join(f"{column} TEXT NOT NULL" for column in _COLUMNS)
    + ", writer TEXT NOT NULL, segment INTEGER NOT NULL, at INTEGER NOT NULL)",
    "CREATE INDEX event_time ON event (time)",
    "CREATE INDEX event_principal ON event (principal, time)",
    "CREATE INDEX event_name ON event (server, name, time)",
    "CREATE INDEX event_trace ON event (trace)",
    f"PRAGMA user_version = {_VERSION}",
)
_INSERT: Final = (
    f"INSERT INTO event ({', '.join(_COLUMNS)}, writer, segment, at) "  # noqa: S608 - constants only
    f"VALUES ({', '.join('?' * (len(_COLUMNS) + 3))})"
)


@dataclass(frozen=True, slots=True)
class Filter:
    """What to look for; an empty field matches everything. Times as in records, `since` inclusive, `until` not.

    `principals` are pseudonyms, `names` are names as records show them: any of them matches.
    """

    principals: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    server: str = ""
    method: str = ""
    effect: str = ""
    trace: str = ""
    observed: str = ""
    """deny or ask: what observe mode let through against policy"""
    since: str = ""
    until: str = ""


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
        where, values = _where(wanted)
        statement = (
            f"SELECT id, writer, segment, at FROM event WHERE id > ?{where} "  # noqa: S608 - constants only
            "ORDER BY time DESC, id DESC LIMIT ?"
        )
        with self._connection() as database:
            rows = database.execute(statement, (after, *values, limit)).fetchall()
        found = [(row[0], record_at(self._audit / row[1], row[2], row[3])) for row in reversed(rows)]
        return [(number, orjson.loads(record)) for number, record in found if _row(record)]

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
            for writer, number, at, last in database.execute("SELECT * FROM writer").fetchall():
                path = segment(self._audit / writer, number, LOG)
                following = next(records(self._audit / writer, number, at), None)
                if (
                    not path.exists()
                    or path.stat().st_size < at
                    or (following and _prev(following.data) != last)
                ):
                    database.execute("DELETE FROM event WHERE writer = ?", (writer,))
                    database.execute("DELETE FROM writer WHERE writer = ?", (writer,))

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            make_directory(self._path.parent)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite would ask the umask
            with closing(sqlite3.connect(self._path, timeout=30, isolation_level=None)) as database:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = NORMAL")
                _prepare(database)
                yield database
        except (OSError, sqlite3.Error) as error:
            cure = f"cannot use the index `{self._path}`: if it is damaged, delete it, it is rebuilt"
            raise LocalError("audit-index", cure, str(error)) from error


def _batch(database: sqlite3.Connection, directory: Path, most: int) -> int:
    """Index the next records of a writer. Processes take turns: each goes on where the last one ended."""
    with _transaction(database):
        place = database.execute(
            "SELECT segment, at FROM writer WHERE writer = ?", (directory.name,)
        ).fetchone()
        found = list(islice(records(directory, *(place or (0, 0))), most))
        if found:
            rows = [
                (*row, directory.name, stored.segment, stored.at)
                for stored in found
                if (row := _row(stored.data))
            ]
            database.executemany(_INSERT, rows)
            last = found[-1]
            end = (directory.name, last.segment, last.end, leaf(last.data).hex())
            database.execute("REPLACE INTO writer VALUES (?, ?, ?, ?)", end)
    return len(found)


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
            for statement in ("DROP TABLE IF EXISTS writer", "DROP TABLE IF EXISTS event", *_SCHEMA):
                database.execute(statement)


def _row(stored: bytes) -> tuple[str, ...]:
    """The searched fields; empty for what is no record: saying so is up to `verify`."""
    try:
        record = orjson.loads(stored)
        verdict = record["verdict"]
        said = {"effect": verdict["effect"], "observed": verdict.get("observed", "")}
        return tuple(str(said[c] if c in said else record[c]) for c in _COLUMNS)
    except (KeyError, TypeError, ValueError):
        return ()


def _prev(stored: bytes) -> str:
    try:
        return str(orjson.loads(stored)["prev"])
    except (KeyError, TypeError, ValueError):
        return ""


def _where(wanted: Filter) -> tuple[str, list[str]]:
    """Further conditions, each starting with AND, and their values."""
    equal = {
        "server": wanted.server,
        "method": wanted.method,
        "effect": wanted.effect,
        "trace": wanted.trace,
        "observed": wanted.observed,
    }
    terms = [(f"{column} = ?", [value]) for column, value in equal.items() if value]
    for column, values in (("principal", wanted.principals), ("name", wanted.names)):
        if values:
            terms.append((f"{column} IN ({', '.join('?' * len(values))})", sorted(values)))
    terms += [("time >= ?", [wanted.since])] if wanted.since else []
    terms += [("time < ?", [wanted.until])] if wanted.until else []
    return "".join(f" AND {term}" for term, _ in terms), [value for _, values in terms for value in values]
