"""Alerts, silences and baselines in one SQLite file, sealed (AES-256-GCM): they name people and what they do."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keepgate.model.errors import LocalError
from keepgate.model.finding import Severity
from keepgate.protocol.seal import derive
from keepgate.stores.database import transaction
from keepgate.watch.alert import Alert, Sign, Subject
from keepgate.watch.silence import Silence

MAX_ALERTS: Final = 10_000
"""The oldest go first; the log has them all."""
MAX_SILENCES: Final = 500
_NONCE: Final = 12
_BASELINES: Final = "baselines"
_SCHEMA: Final = (
    "CREATE TABLE alert (id TEXT PRIMARY KEY, time REAL NOT NULL, sealed BLOB NOT NULL)",
    "CREATE INDEX alert_time ON alert (time)",
    "CREATE TABLE silence (id TEXT PRIMARY KEY, until REAL NOT NULL, sealed BLOB NOT NULL)",
    "CREATE TABLE kept (name TEXT PRIMARY KEY, sealed BLOB NOT NULL)",
)


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert and what became of it."""

    alert: Alert
    silenced: str = ""
    """Id of the silence that kept it from being sent."""
    acknowledged: str = ""
    """By whom."""


class Alerts:
    """`alerts.db` in the state directory. Every method raises LocalError if it cannot be used."""

    def __init__(self, state: Path, master: bytes, clock: Callable[[], float]) -> None:
        self._path = state / "alerts.db"
        self._seal = AESGCM(derive(master, "alerts-sealed"))
        self._clock = clock

    def add(self, raised: Raised) -> None:
        """Keep an alert; one that is known already is replaced."""
        with self._opened() as database:
            self._put(database, raised)
            database.execute(
                "DELETE FROM alert WHERE id IN (SELECT id FROM alert ORDER BY time DESC LIMIT -1 OFFSET ?)",
                (MAX_ALERTS,),
            )

    def acknowledge(self, name: str, by: str) -> Raised:
        """Somebody looks after it: it is not told again. Raises LocalError if there is none."""
        with self._opened() as database:
            row = database.execute("SELECT id, sealed FROM alert WHERE id = ?", (name,)).fetchone()
            found = _raised(self._open(*row)) if row else None
            if found is None:
                raise LocalError("alerts", f"there is no alert `{ascii(name)[1:-1][:40]}`")
            done = replace(found, acknowledged=by)
            self._put(database, done)
        return done

    def get(self, name: str) -> Raised | None:
        """One alert."""
        with self._opened() as database:
            row = database.execute("SELECT id, sealed FROM alert WHERE id = ?", (name,)).fetchone()
        return _raised(self._open(*row)) if row else None

    def newest(self, most: int = 100, *, since: float = 0.0) -> list[Raised]:
        """The newest first. What was tampered with is left out."""
        with self._opened() as database:
            rows = database.execute(
                "SELECT id, sealed FROM alert WHERE time >= ? ORDER BY time DESC LIMIT ?", (since, most)
            ).fetchall()
        return [_raised(plain) for row in rows if (plain := self._try(*row)) is not None]

    def silence(self, silence: Silence) -> None:
        """Keep a silence. Raises LocalError if there are too many."""
        with self._opened() as database:
            database.execute("DELETE FROM silence WHERE until < ?", (self._clock(),))
            if database.execute("SELECT count(*) FROM silence").fetchone()[0] >= MAX_SILENCES:
                raise LocalError("alerts", f"there are {MAX_SILENCES} silences: end some")
            sealed = self._close(silence.id, asdict(silence))
            database.execute("INSERT INTO silence VALUES (?, ?, ?)", (silence.id, silence.until, sealed))

    def silences(self) -> list[Silence]:
        """Those that last; what was tampered with silences nothing."""
        with self._opened() as database:
            rows = database.execute("SELECT id, sealed FROM silence").fetchall()
        found = [Silence(**plain) for row in rows if (plain := self._try(*row)) is not None]
        return sorted((one for one in found if one.until > self._clock()), key=lambda one: one.until)

    def unsilence(self, name: str) -> None:
        """End a silence. Raises LocalError if there is none."""
        with self._opened() as database:
            if not database.execute("DELETE FROM silence WHERE id = ?", (name,)).rowcount:
                raise LocalError("alerts", f"there is no silence `{ascii(name)[1:-1][:40]}`")

    def keep(self, baselines: dict[str, Any]) -> None:
        """Keep what has been learned."""
        with self._opened() as database:
            sealed = self._close(_BASELINES, baselines)
            database.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (_BASELINES, sealed))

    def baselines(self) -> dict[str, Any] | None:
        """What was kept; None if there is nothing that can be opened."""
        with self._opened() as database:
            row = database.execute("SELECT name, sealed FROM kept WHERE name = ?", (_BASELINES,)).fetchone()
        return self._try(*row) if row else None

    def _put(self, database: sqlite3.Connection, raised: Raised) -> None:
        alert = raised.alert
        sealed = self._close(alert.id, asdict(raised))
        database.execute("INSERT OR REPLACE INTO alert VALUES (?, ?, ?)", (alert.id, alert.time, sealed))

    def _close(self, name: str, value: dict[str, Any]) -> bytes:
        nonce = os.urandom(_NONCE)
        plain = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
        return nonce + self._seal.encrypt(nonce, plain, name.encode())

    def _open(self, name: str, sealed: bytes) -> dict[str, Any]:
        plain = self._try(name, sealed)
        if plain is None:
            raise LocalError("alerts", f"`{name}` in alerts.db was changed by somebody without the key")
        return plain

    def _try(self, name: str, sealed: bytes) -> dict[str, Any] | None:
        try:
            return orjson.loads(self._seal.decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode()))  # type: ignore[no-any-return]
        except (InvalidTag, ValueError):
            return None

    def _opened(self) -> AbstractContextManager[sqlite3.Connection]:
        return transaction(self._path, (_SCHEMA,))


def _raised(plain: dict[str, Any]) -> Raised:
    alert = plain["alert"]
    return Raised(
        Alert(
            alert["time"],
            Sign(alert["sign"]),
            Severity(alert["severity"]),
            Subject(**alert["subject"]),
            alert["seen"],
            alert["expected"],
            tuple(alert["records"]),
            alert["incident"],
        ),
        plain["silenced"],
        plain["acknowledged"],
    )
