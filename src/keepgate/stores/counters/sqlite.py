"""Counters that outlive the process: one SQLite file, written behind.

What is used is counted in memory, so no call waits for the disk. A thread adds it to the file every second, and once
more at the end, and learns what other processes added there. A killed process loses at most the last second of use.
Where the file cannot be written, counting goes on in memory and nothing is lost as long as the process lives.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Final

from keepgate.model.errors import LocalError
from keepgate.stores.counters.memory import MOST, MemoryCounters

FILE: Final = "budgets.db"
BEHIND: Final = 1.0
"""Seconds that the file may be behind."""

log = logging.getLogger("keepgate")


class SqliteCounters:
    """`ports.Counters` in `path`, which is made if there is none. Raises LocalError if it cannot be used."""

    def __init__(self, path: Path, clock: Callable[[], float], *, most: int = MOST) -> None:
        self._path = path
        self._clock = clock
        self._known = MemoryCounters(clock, most=most)
        self._pending: dict[str, tuple[float, float]] = {}
        """What the file does not have yet."""
        self._lock = Lock()
        self._writing = Lock()
        self._stop = Event()
        self._failing = False
        try:
            with self._database() as database:
                rows = database.execute(
                    "SELECT key, until, used FROM counter WHERE until > ? ORDER BY until DESC LIMIT ?",
                    (clock(), most),
                ).fetchall()
        except (OSError, sqlite3.Error) as error:
            cure = "if it is damaged, delete it: what was used of budgets is forgotten then"
            raise LocalError("budgets", f"cannot use `{path}`: {cure}", str(error)) from error
        for key, until, units in rows:
            self._known.put(key, until, units)
        self._thread = Thread(target=self._run, name="budgets", daemon=True)
        self._thread.start()

    def used(self, key: str) -> float:
        """What was added under `key`, by this process or as far as known by others."""
        with self._lock:
            return self._known.used(key)

    def add(self, key: str, until: float, units: float) -> None:
        """Add to what was used under `key`. After `until`, Unix seconds, all of it is forgotten."""
        with self._lock:
            key = self._known.place(key)
            self._known.add(key, until, units)
            self._pending[key] = until, self._pending.get(key, (until, 0.0))[1] + units

    def close(self) -> None:
        """Write what is not written yet. Idempotent."""
        self._stop.set()
        self._thread.join()
        self.flush()

    def flush(self) -> None:
        """Bring the file up to date, and learn from it. What cannot be written is kept for the next time."""
        with self._writing:
            with self._lock:
                pending, self._pending = self._pending, {}
            if not pending:
                return
            try:
                totals = self._write(pending)
            except (OSError, sqlite3.Error) as error:
                self._keep(pending)
                if not self._failing:
                    log.error("what is used of budgets cannot be written to `%s`: %s", self._path, error)  # noqa: TRY400
                self._failing = True
                return
            self._failing = False
            with self._lock:
                for key, (until, units) in totals.items():
                    self._known.put(key, until, units + self._pending.get(key, (until, 0.0))[1])

    def _keep(self, pending: dict[str, tuple[float, float]]) -> None:
        with self._lock:
            for key, (until, units) in pending.items():
                self._pending[key] = until, units + self._pending.get(key, (until, 0.0))[1]

    def _write(self, pending: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        """Add to the file; what it says then. A window that has ended there begins anew."""
        totals = {}
        with self._database() as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute("DELETE FROM counter WHERE until <= ?", (self._clock(),))
            for key, (until, units) in pending.items():
                row = database.execute(
                    "INSERT INTO counter VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE "
                    "SET until = max(until, excluded.until), used = used + excluded.used RETURNING until, used",
                    (key, until, units),
                ).fetchone()
                totals[key] = row[0], row[1]
            database.execute("COMMIT")
        return totals

    def _run(self) -> None:
        while not self._stop.wait(BEHIND):
            self.flush()

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite would ask the umask
        with closing(sqlite3.connect(self._path, timeout=5, isolation_level=None)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute(
                "CREATE TABLE IF NOT EXISTS counter "
                "(key TEXT PRIMARY KEY, until REAL NOT NULL, used REAL NOT NULL) WITHOUT ROWID"
            )
            try:
                yield database
            except BaseException:
                with suppress(sqlite3.Error):
                    database.execute("ROLLBACK")
                raise
