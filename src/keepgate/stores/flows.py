"""Flows in one SQLite file that every keepgate of a state directory shares.

One row for each thing that brought a label, so that two processes never overwrite what the other knows. Rows are found
by keyed digests and sealed (AES-256-GCM): who reads the file without the key learns nothing of who was shown what, and
who changes a row makes it unreadable, which closes the flow. Who deletes the file takes the labels away: it protects
against what a model is talked into, not against whoever owns the machine.
"""

from __future__ import annotations

import hmac
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keepgate.model.errors import LocalError
from keepgate.model.flow import KeptFlow, Origin
from keepgate.protocol.seal import derive
from keepgate.stores.files import make_directory

FILE: Final = "flows.db"
PAGES: Final = 65_536
"""Of the file, 4 KiB each; beyond it nothing more is labelled, and so nothing more returned: see `keepgate flows`."""
_NONCE: Final = 12
_FLOW: Final = "flow BLOB PRIMARY KEY, last REAL NOT NULL, sealed BLOB NOT NULL"
_ORIGIN: Final = "flow BLOB NOT NULL, origin BLOB NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (flow, origin)"
_SCHEMA: Final = (
    f"CREATE TABLE IF NOT EXISTS flow ({_FLOW}) WITHOUT ROWID",
    f"CREATE TABLE IF NOT EXISTS origin ({_ORIGIN}) WITHOUT ROWID",
)


class Flows:
    """`flows.db` in the state directory. Every method raises LocalError if it cannot be used."""

    def __init__(self, state: Path, master: bytes, *, keep: float) -> None:
        """`keep`: seconds after which a flow that nothing was heard of can go."""
        self._path = state / FILE
        self._key = derive(master, "flows")
        self._seal = AESGCM(derive(master, "flows-sealed"))
        self._keep = keep
        self._database: sqlite3.Connection | None = None
        self._version: int | None = None

    def load(self, principal: str) -> KeptFlow | None:
        """What is kept of a flow."""
        name = self._digest(b"flow", principal)
        with self._opened() as database:
            row = database.execute("SELECT last, sealed FROM flow WHERE flow = ?", (name,)).fetchone()
            return None if row is None else self._kept(database, name, *row)

    def add(self, principal: str, origins: Iterable[Origin], at: float) -> None:
        """Keep more origins."""
        name = self._digest(b"flow", principal)
        with self._opened() as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute(
                "DELETE FROM origin WHERE flow IN (SELECT flow FROM flow WHERE last < ?)", (at - self._keep,)
            )
            database.execute("DELETE FROM flow WHERE last < ?", (at - self._keep,))
            pages, free = (
                database.execute(f"PRAGMA {what}_count").fetchone()[0] for what in ("page", "freelist")
            )
            if pages - free > PAGES:
                raise LocalError("flows", f"`{self._path}` has more than {PAGES} pages: clear some flows")
            database.execute(
                "INSERT INTO flow VALUES (?, ?, ?) ON CONFLICT (flow) DO UPDATE SET last = max(last, excluded.last)",
                (name, at, self._sealed(name, b"", {"principal": principal})),
            )
            for each in origins:
                key = self._digest(b"origin", each.label, each.server, each.name)
                told = [each.label, each.server, each.name, each.at, each.said]
                database.execute(
                    "INSERT INTO origin VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                    (name, key, self._sealed(name, key, told)),
                )
            database.execute("COMMIT")

    def touch(self, principal: str, at: float) -> None:
        """The flow goes on."""
        with self._opened() as database:
            database.execute(
                "UPDATE flow SET last = ? WHERE flow = ? AND last < ?",
                (at, self._digest(b"flow", principal), at),
            )

    def clear(self, principal: str) -> bool:
        """Forget a flow."""
        name = self._digest(b"flow", principal)
        with self._opened() as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute("DELETE FROM origin WHERE flow = ?", (name,))
            gone = database.execute("DELETE FROM flow WHERE flow = ?", (name,)).rowcount
            database.execute("COMMIT")
        return gone > 0

    def every(self) -> list[KeptFlow]:
        """All flows; what somebody without the key has changed is an error."""
        with self._opened() as database:
            rows = database.execute("SELECT flow, last, sealed FROM flow ORDER BY last DESC").fetchall()
            return [self._kept(database, *row) for row in rows]

    def changed(self) -> bool:
        """Whether another connection has written since this was asked last."""
        with self._opened() as database:
            version = database.execute("PRAGMA data_version").fetchone()[0]
        before, self._version = self._version, version
        return before is not None and before != version

    def close(self) -> None:
        """Idempotent."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _kept(self, database: sqlite3.Connection, name: bytes, last: float, sealed: bytes) -> KeptFlow:
        principal = self._open(name, b"", sealed)["principal"]
        if not hmac.compare_digest(name, self._digest(b"flow", principal)):
            raise self._tampered()
        rows = database.execute("SELECT origin, sealed FROM origin WHERE flow = ?", (name,)).fetchall()
        return KeptFlow(principal, last, tuple(Origin(*self._open(name, key, each)) for key, each in rows))

    def _sealed(self, flow: bytes, origin: bytes, told: Any) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._seal.encrypt(nonce, orjson.dumps(told), flow + origin)

    def _open(self, flow: bytes, origin: bytes, sealed: bytes) -> Any:
        try:
            return orjson.loads(self._seal.decrypt(sealed[:_NONCE], sealed[_NONCE:], flow + origin))
        except (InvalidTag, ValueError, TypeError):
            raise self._tampered() from None

    def _tampered(self) -> LocalError:
        return LocalError("flows", f"`{self._path}` was changed by somebody without the key")

    def _digest(self, *parts: bytes | str) -> bytes:
        told = [part if isinstance(part, str) else part.decode() for part in parts]
        return hmac.digest(self._key, orjson.dumps(told), sha256)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """The connection, made if there is none yet. What is begun and not committed is undone."""
        try:
            database = self._database
            if database is None:
                database = self._database = self._connect()
            try:
                yield database
            except BaseException:
                with suppress(sqlite3.Error):
                    if database.in_transaction:
                        database.execute("ROLLBACK")
                raise
        except (sqlite3.Error, OSError) as error:
            raise LocalError("flows", f"`{self._path}` cannot be used", str(error)) from error

    def _connect(self) -> sqlite3.Connection:
        make_directory(self._path.parent)
        if not self._path.exists():
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600))
        database = sqlite3.connect(self._path, timeout=1, isolation_level=None, check_same_thread=False)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            for statement in _SCHEMA:
                database.execute(statement)
        except BaseException:
            database.close()
            raise
        return database
