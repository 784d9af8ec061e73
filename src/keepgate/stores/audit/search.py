"""Searching the index, and reading the records it points to."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from keepgate.stores.audit.files import LOG, segment
from keepgate.stores.audit.rows import nanoseconds, number_of

Row = tuple[int, str, int, int]
"""Id of an event; writer, segment and offset of its record."""

Condition = tuple[str, tuple[str | int, ...]]
"""SQL that narrows a search, and its values."""

Search = tuple[str, str, tuple[str | int, ...]]
"""Which index leads, and a condition."""

_RARE: Final = 50_000
"""Events that are sorted rather than looked for."""
_FEW: Final = 64
"""Kinds of records that are looked for one by one: each is found in the order of time, more are looked through."""
_WHO: Final = "SELECT id FROM who WHERE principal = ?"
_OPEN: Final = 32
"""Segments that are kept open."""
_FIRST: Final = 4096
"""Bytes that most records fit into."""
_END: Final = (1 << 63) - 1


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
    client: str = ""
    """Name and version as it says them, or the name alone."""
    kind: str = ""
    rule: str = ""
    """One that determined the decision, or found something."""


def search(database: sqlite3.Connection, wanted: Filter, *, limit: int, after: int = 0) -> list[Row]:
    """The newest `limit` events that match, oldest first; `after` leaves out ids up to it. Raises sqlite3.Error."""
    try:
        since = nanoseconds(wanted.since) if wanted.since else -_END
        until = nanoseconds(wanted.until) if wanted.until else _END
        plan = _plan(database, wanted, (since, until))
    except ValueError:  # no time of a record; half a surrogate pair, which is in no record
        return []
    order = "event.id DESC" if after else "time DESC, event.id DESC"
    rows: list[tuple[int, int, str, int, int]] = []
    for lead, where, values in plan:
        rows += database.execute(
            f"SELECT time, event.id, name, event.segment, event.at FROM event {'' if after else lead} "  # noqa: S608 - constants only
            "JOIN writer ON writer.id = event.writer "
            f"WHERE time >= ? AND time < ? AND event.id > ?{where} ORDER BY {order} LIMIT ?",
            (since, until, after, *values, limit),
        )
    return [row[1:] for row in sorted(rows)[-limit:]]


def _plan(database: sqlite3.Connection, wanted: Filter, times: tuple[int, int]) -> list[Search]:
    """One search or more, each led by the index that finds least: by decision, by principal, by kind, by time."""
    what, values = _what(wanted)
    among = (f" AND what IN (SELECT id FROM what WHERE 1{what})" if what else "", values)  # noqa: S608
    whos = [database.execute(_WHO, (each,)).fetchone() for each in wanted.principals]
    if wanted.trace:
        trace = (" AND trace = ?", (number_of(wanted.trace),))
        people = [(" AND who = ?", tuple(row)) for row in whos if row] if wanted.principals else [("", ())]
        return [("INDEXED BY event_trace", *_both(_both(trace, each), among)) for each in people]
    if wanted.principals:
        return [("INDEXED BY event_who", *_both((" AND who = ?", tuple(row)), among)) for row in whos if row]
    if not what:
        return [("", "", ())]
    kinds = database.execute(f"SELECT id FROM what WHERE 1{what} LIMIT ?", (*values, _FEW + 1)).fetchall()  # noqa: S608
    if len(kinds) <= _FEW:
        return [("INDEXED BY event_what", " AND what = ?", tuple(row)) for row in kinds]
    lead = "INDEXED BY event_what" if _are_rare(database, among, times) else "INDEXED BY event_time"
    return [(lead, *among)]


def _are_rare(database: sqlite3.Connection, among: Condition, times: tuple[int, int]) -> bool:
    """Whether so few events match that sorting them is less than looking for them in the order of time."""
    where, values = among
    (found,) = database.execute(
        "SELECT count(*) FROM (SELECT 1 FROM event INDEXED BY event_what "  # noqa: S608 - constants only
        f"WHERE time >= ? AND time < ?{where} LIMIT ?)",
        (*times, *values, _RARE + 1),
    ).fetchone()
    return bool(found <= _RARE)


def _both(first: Condition, second: Condition) -> Condition:
    return first[0] + second[0], (*first[1], *second[1])


def _what(wanted: Filter) -> Condition:
    """What kinds of records match; empty if all do."""
    equal = {
        "server": wanted.server,
        "method": wanted.method,
        "effect": wanted.effect,
        "observed": wanted.observed,
        "kind": wanted.kind,
    }
    terms: list[Condition] = [(f"{column} = ?", (value,)) for column, value in equal.items() if value]
    if wanted.names:
        terms.append((f"name IN ({', '.join('?' * len(wanted.names))})", tuple(sorted(wanted.names))))
    if wanted.client:
        prefix = wanted.client + "/"
        terms.append(("(client = ? OR substr(client, 1, ?) = ?)", (wanted.client, len(prefix), prefix)))
    if wanted.rule:
        line = f"\n{wanted.rule}\n"
        terms.append(("(instr(rules, ?) OR instr(findings, ?))", (line, line)))
    return "".join(f" AND {term}" for term, _ in terms), tuple(v for _, values in terms for v in values)


class Reader:
    """Reads records where the index says they lie, with a few segments open at a time."""

    def __init__(self, audit: Path) -> None:
        self._audit = audit
        self._open: dict[tuple[str, int], int] = {}

    def record(self, writer: str, number: int, at: int) -> bytes:
        """The record whose line starts there; empty if there is none any more. Raises OSError."""
        try:
            fd = self._open.get((writer, number)) or self._opened(writer, number)
        except FileNotFoundError:
            return b""
        data, length = os.pread(fd, _FIRST, at), _FIRST
        while b"\n" not in data and len(data) == length:
            length *= 4
            data = os.pread(fd, length, at)
        return data.partition(b"\n")[0]

    def _opened(self, writer: str, number: int) -> int:
        if len(self._open) >= _OPEN:
            self.close()
        fd = self._open[writer, number] = os.open(segment(self._audit / writer, number, LOG), os.O_RDONLY)
        return fd

    def close(self) -> None:
        """Close what is open."""
        while self._open:
            os.close(self._open.popitem()[1])


@contextmanager
def reader(audit: Path) -> Iterator[Reader]:
    """A reader of the log, closed afterwards."""
    with closing(Reader(audit)) as made:
        yield made
