"""What the index keeps of a record: numbers, with the texts that many records share in tables of their own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

import orjson

TEXTS: Final = (
    "direction", "kind", "method", "client", "server", "name", "effect", "observed", "rules", "findings",
)  # fmt: skip
"""Of the table `what`. Rules and findings: one a line, with a line end before and after each."""
SCHEMA: Final = (
    "CREATE TABLE who (id INTEGER PRIMARY KEY, principal TEXT NOT NULL UNIQUE)",
    "CREATE TABLE what (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, "
    + ", ".join(f"{column} TEXT NOT NULL" for column in TEXTS)
    + ")",
    (
        "CREATE TABLE event (id INTEGER PRIMARY KEY, time INTEGER NOT NULL, who INTEGER NOT NULL, "
        "what INTEGER NOT NULL, trace INTEGER NOT NULL, writer INTEGER NOT NULL, segment INTEGER NOT NULL, "
        "at INTEGER NOT NULL)"
    ),
    "CREATE INDEX event_time ON event (time)",
    "CREATE INDEX event_who ON event (who, time, what)",
    "CREATE INDEX event_what ON event (what, time)",
    "CREATE INDEX event_trace ON event (trace)",
)
INSERT: Final = "INSERT INTO event (time, who, what, trace, writer, segment, at) VALUES (?, ?, ?, ?, ?, ?, ?)"

_WHAT: Final = (
    f"INSERT INTO what (digest, {', '.join(TEXTS)}) "  # noqa: S608 - constants only
    f"VALUES ({', '.join('?' * (len(TEXTS) + 1))})"
)
_MOST: Final = 4096
"""Texts whose number is remembered."""


class Texts:
    """The numbers of texts, made as they come. Valid within one transaction: another process makes some too."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._who: dict[str, int] = {}
        self._what: dict[tuple[str, ...], int] = {}

    def row(self, stored: bytes) -> tuple[int, ...]:
        """Time, who, what and trace of a record; empty for what is no record: saying so is up to `verify`."""
        try:
            record = orjson.loads(stored)
            verdict = record["verdict"]
            texts = (
                *(_text(record[column]) for column in TEXTS[:6]),
                _text(verdict["effect"]),
                _text(verdict.get("observed", "")),
                _lines(record["rules"]),
                _lines(record["findings"]),
            )
            times, trace = nanoseconds(record["time"]), number_of(_text(record["trace"]))
            principal = _text(record["principal"])
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
            return ()
        return times, self._number_of_who(principal), self._number_of_what(texts), trace

    def _number_of_who(self, principal: str) -> int:
        found = self._who.get(principal)
        if found is None:
            if len(self._who) >= _MOST:
                self._who.clear()
            found = self._who[principal] = self._made(
                "SELECT id FROM who WHERE principal = ?",
                "INSERT INTO who (principal) VALUES (?)",
                principal,
                (principal,),
            )
        return found

    def _number_of_what(self, texts: tuple[str, ...]) -> int:
        found = self._what.get(texts)
        if found is None:
            if len(self._what) >= _MOST:
                self._what.clear()
            digest = blake2b(orjson.dumps(texts), digest_size=16).digest()
            found = self._what[texts] = self._made(
                "SELECT id FROM what WHERE digest = ?", _WHAT, digest, (digest, *texts)
            )
        return found

    def _made(self, select: str, insert: str, key: str | bytes, values: tuple[object, ...]) -> int:
        row = self._database.execute(select, (key,)).fetchone()
        if row is None:
            return self._database.execute(insert, values).lastrowid or 0
        return int(row[0])


def number_of(trace: str) -> int:
    """What stands for a decision id. Two may share one: who looks for an id looks at the records found."""
    return int.from_bytes(
        blake2b(trace.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True
    )


def nanoseconds(time: str) -> int:
    """Unix nanoseconds of a time as records and filters have it. Raises ValueError."""
    second, _, fraction = time.partition(".")
    if not fraction:
        return _second(second.removesuffix("Z")) * 1_000_000_000
    if len(fraction) != 10 or fraction[9] != "Z" or not fraction[:9].isdecimal():
        raise ValueError("not a time of a record")
    return _second(second) * 1_000_000_000 + int(fraction[:9])


@lru_cache(maxsize=16)
def _second(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp())


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError("not a text")
    return value


def _lines(values: Iterable[Any]) -> str:
    found = "\n".join(map(_text, values))
    return f"\n{found}\n" if found else ""
