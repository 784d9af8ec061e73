"""Approvals in one SQLite file: asked by the gateway, decided by a person in another process, used once.

What is asked lies sealed (AES-256-GCM). An approval is found by a keyed digest of exactly what is asked for, and what
was decided carries a MAC, so that whoever can write the file but has no key can neither move an approval nor make one.
Putting back an older file brings no approval back that this process has used.
"""

from __future__ import annotations

import hmac
import os
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keepgate.model.approval import REMEMBERED as BY_MEMORY
from keepgate.model.approval import Claim, Constraint, Pending, Remembered, State, Wanted
from keepgate.model.errors import LocalError
from keepgate.protocol.seal import derive
from keepgate.stores.database import transaction

MAX_PENDING: Final = 64
"""For each principal: one that asks without end must not bury what others ask."""
MAX_BYTES: Final = 256 * 1024
"""Of what is asked: nobody can judge more, and the file must not fill the disk."""
KEPT: Final = 7 * 86_400.0
"""Seconds that what was decided stays to be looked at."""
LAPSED: Final = 3600.0
"""The same of what nobody decided on: the log has it, and who asks without end must not fill the disk with it."""
CONTINUED: Final = 3600.0
"""Seconds in which a call that was let through may be gone on with, where the server asked something in between."""
MAX_HANDLES: Final = 10_000
MAX_REMEMBERED: Final = 500
REMEMBERED: Final = 30 * 86_400.0
"""Seconds that an approval may be remembered at most."""
_NONCE: Final = 12
_COLUMNS: Final = (
    "id TEXT PRIMARY KEY, digest BLOB NOT NULL, principal BLOB NOT NULL, created REAL NOT NULL, expires REAL NOT NULL, "
    "sealed BLOB NOT NULL, state TEXT NOT NULL, decided TEXT NOT NULL, used REAL NOT NULL, mac BLOB NOT NULL"
)
_FIRST: Final = (
    f"CREATE TABLE approval ({_COLUMNS})",
    "CREATE INDEX approval_digest ON approval (digest)",
    "CREATE INDEX approval_state ON approval (state, expires)",
)
_SECOND: Final = (
    "CREATE TABLE remembered (id TEXT PRIMARY KEY, scope BLOB NOT NULL, expires REAL NOT NULL, sealed BLOB NOT NULL)",
    "CREATE INDEX remembered_scope ON remembered (scope)",
)


class Approvals:
    """`approvals.db` in the state directory. Every method raises LocalError if it cannot be used."""

    def __init__(self, state: Path, master: bytes, clock: Callable[[], float], *, seconds: float) -> None:
        """`seconds`: how long a request waits for a person, and an approval for being used."""
        self._path = state / "approvals.db"
        self._key = derive(master, "approvals")
        self._seal = AESGCM(derive(master, "approvals-sealed"))
        self._clock = clock
        self._seconds = seconds
        self._used: dict[str, float] = {}
        """What this process has used, and when that will have expired."""
        self._mine: dict[str, float] = {}
        """The same, until nothing may go on with it any more."""
        self._handles: dict[bytes, float] = {}
        """Handles that a call went on with."""

    def claim(self, wanted: Wanted, *, goes_on: str = "") -> Claim:
        """Use an approval of exactly this, else ask for one.

        `goes_on`: the handle by which the request goes on with a call that this process let through; each counts once.

        Of two requests that claim one approval at the same time only one gets it.
        """
        now, digest, waiting = self._clock(), self._digest(wanted), None
        with self._opened() as database:
            for row in database.execute(
                "SELECT * FROM approval WHERE digest = ? AND expires > ? ORDER BY created DESC", (digest, now)
            ).fetchall():
                state = self._state(row)
                if state is State.APPROVED and row["id"] in self._used:
                    continue
                if state is State.APPROVED:
                    self._used = {key: end for key, end in self._used.items() if end > now}
                    self._used[row["id"]] = row["expires"]
                    self._mine = {key: end for key, end in self._mine.items() if end > now}
                    self._mine[row["id"]] = now + CONTINUED
                    self._put(database, row, State.USED, row["decided"], used=now)
                    return Claim(row["id"], State.APPROVED, _decided(row)["by"])
                if state is State.USED and self._goes_on(row, goes_on, now):
                    return Claim(row["id"], State.APPROVED, _decided(row)["by"])
                if state is State.DENIED:
                    return Claim(row["id"], state, _decided(row)["by"])
                if state is State.PENDING and waiting is None:
                    waiting = Claim(row["id"], state)
            for one in self._remembered(database, wanted, now):
                if _covers(one, wanted):
                    return Claim(one.id, State.APPROVED, f"{one.by}{BY_MEMORY}")
            return waiting or self._ask(database, wanted, digest, now)

    def _goes_on(self, row: sqlite3.Row, handle: str, now: float) -> bool:
        """Whether a handle may go on with a used approval: not twice, and not what an earlier process let through."""
        if not handle or row["id"] not in self._mine or now - row["used"] >= CONTINUED:
            return False
        key = self._mac(b"handle", handle.encode(errors="replace"))
        self._handles = {known: end for known, end in self._handles.items() if end > now}
        if key in self._handles or len(self._handles) >= MAX_HANDLES:
            return False
        self._handles[key] = now + CONTINUED
        return True

    def _ask(self, database: sqlite3.Connection, wanted: Wanted, digest: bytes, now: float) -> Claim:
        past = now - KEPT, State.PENDING, now - LAPSED
        database.execute("DELETE FROM approval WHERE expires < ? OR (state = ? AND expires < ?)", past)
        principal = self._mac(b"principal", wanted.principal.encode())
        waiting = database.execute(
            "SELECT count(*) FROM approval WHERE principal = ? AND state = ? AND expires > ?",
            (principal, State.PENDING, now),
        ).fetchone()[0]
        if waiting >= MAX_PENDING:
            raise LocalError("approvals", f"{waiting} requests of this principal wait for approval already")
        plain = orjson.dumps(asdict(wanted))
        if len(plain) > MAX_BYTES:
            raise LocalError(
                "approvals", f"a request of more than {MAX_BYTES} bytes cannot be put before a person"
            )
        name, nonce = os.urandom(5).hex(), os.urandom(_NONCE)
        sealed = nonce + self._seal.encrypt(nonce, plain, name.encode())
        decided = orjson.dumps({"by": "", "reason": ""}).decode()
        row = (name, digest, principal, now, now + self._seconds, sealed, State.PENDING, decided, 0.0)
        database.execute(f"INSERT INTO approval VALUES ({'?, ' * 9}?)", (*row, self._mac_of(*row)))  # noqa: S608
        return Claim(name, State.PENDING)

    def decide(self, name: str, *, approve: bool, by: str, reason: str = "") -> Pending:
        """Decide on what waits. Raises LocalError for what is not there, was decided before, or has expired."""
        now = self._clock()
        with self._opened() as database:
            row = self._find(database, name)
            state = self._state(row)
            if state is not State.PENDING or row["expires"] <= now:
                said = state if row["expires"] > now else State.EXPIRED
                raise LocalError("approvals", f"`{name}` is {said}: there is nothing to decide")
            decided = orjson.dumps({"by": by, "reason": reason}).decode()
            state = State.APPROVED if approve else State.DENIED
            self._put(database, row, state, decided, expires=now + self._seconds)
            return self._pending(self._find(database, name), now)

    def answer(self, name: str, *, approve: bool, principal: str, client: str) -> Pending:
        """Decide as the client says that asked for it: on nothing but its own, and nothing that is out of band."""
        wanted = self.get(name).wanted
        if (wanted.principal, wanted.client) != (principal, client):
            raise LocalError("approvals", f"`{name}` is not this caller's")
        if wanted.out_of_band:
            raise LocalError("approvals", f"`{name}` cannot be decided through the client that asks for it")
        return self.decide(name, approve=approve, by=f"{principal} through its client")

    def remember(self, name: str, constraint: Constraint, *, by: str, seconds: float) -> Remembered:
        """Let what an approval asks for pass from now on, until it expires or is revoked. Decides on it as well.

        Raises LocalError as `may_remember` does.
        """
        found = self.may_remember(name, constraint, seconds)
        if found.state is State.PENDING:
            found = self.decide(name, approve=True, by=by)
        now, nonce = self._clock(), os.urandom(_NONCE)
        one = Remembered(os.urandom(5).hex(), found.wanted, constraint, by, now, now + seconds)
        with self._opened() as database:
            database.execute("DELETE FROM remembered WHERE expires < ?", (now,))
            if database.execute("SELECT count(*) FROM remembered").fetchone()[0] >= MAX_REMEMBERED:
                raise LocalError("approvals", f"{MAX_REMEMBERED} are remembered already: revoke some")
            scope = self._scope(found.wanted)
            sealed = nonce + self._seal.encrypt(nonce, orjson.dumps(asdict(one)), one.id.encode() + scope)
            database.execute(
                "INSERT INTO remembered VALUES (?, ?, ?, ?)", (one.id, scope, one.expires, sealed)
            )
        return one

    def may_remember(self, name: str, constraint: Constraint, seconds: float) -> Pending:
        """What would be remembered. Raises LocalError if it does not wait and is not approved, or does not fit."""
        found = self.get(name)
        if found.state not in (State.PENDING, State.APPROVED):
            raise LocalError("approvals", f"`{name}` is {found.state}: it cannot be remembered")
        _check(found.wanted, constraint, seconds)
        return found

    def remembered(self) -> list[Remembered]:
        """All that are in force, the newest first; what was tampered with is left out, and counts for nothing."""
        with self._opened() as database:
            return self._remembered(database, None, self._clock())

    def revoke(self, name: str) -> None:
        """Forget one. Raises LocalError if there is none."""
        with self._opened() as database:
            if not database.execute("DELETE FROM remembered WHERE id = ?", (name,)).rowcount:
                raise LocalError("approvals", f"nothing is remembered as `{ascii(name)[1:-1][:40]}`")

    def _remembered(
        self, database: sqlite3.Connection, wanted: Wanted | None, now: float
    ) -> list[Remembered]:
        """Those for the same principal, client, thing and definition; all without `wanted`."""
        asked, given = (
            ("SELECT * FROM remembered", ())
            if wanted is None
            else ("SELECT * FROM remembered WHERE scope = ?", (self._scope(wanted),))
        )
        found = []
        for row in database.execute(asked, given).fetchall():
            try:
                plain = self._seal.decrypt(
                    row["sealed"][:_NONCE], row["sealed"][_NONCE:], row["id"].encode() + row["scope"]
                )
            except InvalidTag:
                continue
            one = _remembered(orjson.loads(plain))
            if one.expires > now:
                found.append(one)
        return sorted(found, key=lambda one: -one.created)

    def _scope(self, wanted: Wanted) -> bytes:
        """Of everything but the arguments and why it is asked."""
        given = (
            wanted.principal,
            wanted.client,
            wanted.action,
            wanted.server,
            wanted.name,
            wanted.definition,
        )
        return self._mac(b"scope", orjson.dumps(given))

    def get(self, name: str) -> Pending:
        """One approval, whatever its state."""
        with self._opened() as database:
            return self._pending(self._find(database, name), self._clock())

    def every(self, *, most: int = 1000) -> list[Pending]:
        """The newest first; what was tampered with is left out."""
        now = self._clock()
        with self._opened() as database:
            rows = database.execute(
                "SELECT * FROM approval ORDER BY created DESC LIMIT ?", (most,)
            ).fetchall()
        return [self._pending(row, now) for row in rows if self._genuine(row)]

    def _pending(self, row: sqlite3.Row, now: float) -> Pending:
        state, decided = self._state(row), _decided(row)
        if row["expires"] <= now and state in (State.PENDING, State.APPROVED):
            state = State.EXPIRED
        try:
            plain = self._seal.decrypt(row["sealed"][:_NONCE], row["sealed"][_NONCE:], row["id"].encode())
        except InvalidTag:
            raise _tampered(row["id"]) from None
        wanted = _wanted(orjson.loads(plain))
        return Pending(
            row["id"], state, wanted, row["created"], row["expires"], decided["by"], decided["reason"]
        )

    def _find(self, database: sqlite3.Connection, name: str) -> sqlite3.Row:
        row = database.execute("SELECT * FROM approval WHERE id = ?", (name,)).fetchone()
        if row is None:
            raise LocalError("approvals", f"there is no approval `{name}`")
        return row  # type: ignore[no-any-return]

    def _put(
        self,
        database: sqlite3.Connection,
        row: sqlite3.Row,
        state: State,
        decided: str,
        *,
        used: float = 0.0,
        expires: float = 0.0,
    ) -> None:
        given = dict(row) | {"state": state, "decided": decided, "used": used}
        given["expires"] = expires or row["expires"]
        mac = self._mac_of(*(given[key] for key in row.keys() if key != "mac"))  # noqa: SIM118 - of a Row
        database.execute(
            "UPDATE approval SET state = ?, decided = ?, used = ?, expires = ?, mac = ? WHERE id = ?",
            (state, decided, used, given["expires"], mac, row["id"]),
        )

    def _state(self, row: sqlite3.Row) -> State:
        if not self._genuine(row):
            raise _tampered(row["id"])
        return State(row["state"])

    def _genuine(self, row: sqlite3.Row) -> bool:
        return hmac.compare_digest(self._mac_of(*tuple(row)[:-1]), row["mac"])

    def _digest(self, wanted: Wanted) -> bytes:
        given = [
            wanted.principal,
            wanted.client,
            wanted.action,
            wanted.server,
            wanted.name,
            wanted.params,
            wanted.definition,
            wanted.out_of_band,
        ]
        return self._mac(b"digest", orjson.dumps(given, option=orjson.OPT_SORT_KEYS))

    def _mac_of(self, *row: Any) -> bytes:
        parts = [part.hex() if isinstance(part, bytes) else part for part in row]
        return self._mac(b"row", orjson.dumps(parts))

    def _mac(self, purpose: bytes, data: bytes) -> bytes:
        return hmac.digest(self._key, purpose + b"\0" + data, sha256)

    def _opened(self) -> AbstractContextManager[sqlite3.Connection]:
        return transaction(self._path, (_FIRST, _SECOND))


def _wanted(given: dict[str, Any]) -> Wanted:
    return Wanted(**{**given, "rules": tuple(given["rules"]), "risk": tuple(given.get("risk", ()))})


def _remembered(given: dict[str, Any]) -> Remembered:
    said = given["constraint"]
    constraint = Constraint(tuple(said["free"]), tuple((name, most) for name, most in said["most"]))
    return Remembered(**{**given, "wanted": _wanted(given["wanted"]), "constraint": constraint})


def _check(wanted: Wanted, constraint: Constraint, seconds: float) -> None:
    """Raises LocalError for a constraint that does not fit what was approved."""
    if not 0 < seconds <= REMEMBERED:
        raise LocalError("approvals", f"an approval is remembered for at most {REMEMBERED / 86_400:.0f} days")
    named = [*constraint.free, *(name for name, _ in constraint.most)]
    given = wanted.params.get("arguments")
    unknown = set(named) - set(given if isinstance(given, dict) else ())
    if unknown or len(set(named)) != len(named):
        raise LocalError("approvals", "its constraint must name arguments that the request has, each once")
    if not _covers(Remembered("", wanted, constraint, "", 0, 0), wanted):
        raise LocalError("approvals", "its constraint does not cover the request itself")


def _covers(one: Remembered, wanted: Wanted) -> bool:
    """Whether a remembered approval holds for these arguments; scope and expiry are known to fit.

    What is out of band now but was not when it was approved is asked anew, and so is what is asked about for another
    reason than then: who said yes to a payment has not said yes to private data that leaves by it.
    """
    if wanted.out_of_band and not one.wanted.out_of_band:
        return False
    if not set(wanted.rules) <= set(one.wanted.rules):
        return False
    bounds = dict(one.constraint.most)
    before, now = _arguments(one.wanted), _arguments(wanted)
    for name, most in bounds.items():
        value = now.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
            return False
    loose = {*one.constraint.free, *bounds}
    return _kept(one.wanted, before, loose) == _kept(wanted, now, loose)


def _arguments(wanted: Wanted) -> dict[str, Any]:
    given = wanted.params.get("arguments")
    return given if isinstance(given, dict) else {}


def _kept(wanted: Wanted, given: dict[str, Any], loose: set[str]) -> bytes:
    """Canonical: `1`, `1.0` and `true` are different."""
    rest = {key: value for key, value in given.items() if key not in loose}
    shown = wanted.params if not loose else {**wanted.params, "arguments": rest}
    return orjson.dumps(shown, option=orjson.OPT_SORT_KEYS)


def _decided(row: sqlite3.Row) -> dict[str, str]:
    found: dict[str, str] = orjson.loads(row["decided"])
    return found


def _tampered(name: str) -> LocalError:
    return LocalError(
        "approvals", f"approval `{ascii(name)[1:-1][:40]}` was changed by somebody without the key"
    )
