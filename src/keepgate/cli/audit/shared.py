"""What the commands of `keepgate audit` share: the log of a configuration, times, formats.

Names in records come from clients and servers: everything printed is escaped, JSON down to ASCII.
"""

from __future__ import annotations

import csv
import json
import os
import time
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from keepgate.cli.keys import duration
from keepgate.cli.screen import safe

if TYPE_CHECKING:
    from keepgate.audit.seal import DataKey
    from keepgate.config import Settings
    from keepgate.stores.audit.index import Filter, Index


class Format(StrEnum):
    """How answers are printed."""

    TABLE = "table"
    JSON = "json"


class EventFormat(StrEnum):
    """How found events are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def moment(text: str) -> int:
    """Unix nanoseconds of `2h` (ago), `2026-11-21`, or an RFC 3339 time (UTC if it names no zone)."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return time.time_ns() - int(duration(text) * 1e9)
    zoned = found if found.tzinfo else found.replace(tzinfo=UTC)
    return int(zoned.timestamp()) * 1_000_000_000 + zoned.microsecond * 1000


def when(text: str) -> str:
    from keepgate.audit.record import rfc3339

    return rfc3339(moment(text))


When = typer.Option(
    parser=when, metavar="TIME", help="`2h` ago, a date, or an RFC 3339 time.", show_default=False
)


COLUMNS = (
    "time", "trace", "effect", "observed", "reason", "principal", "client", "direction", "kind", "method", "server",
    "name", "rules", "findings", "size", "policy", "writer", "seq",
)  # fmt: skip
"""Of CSV."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MOST = 1_000_000
"""Records that a search of what is sealed looks through at most, the newest first."""


@dataclass(slots=True)
class Log:
    """The index, and the data keys by pseudonym as far as they can be opened."""

    index: Index
    settings: Settings
    keys: dict[str, DataKey] = field(default_factory=dict)

    def show(self, wanted: Filter, format_: EventFormat, *, limit: int, after: int = 0) -> int:
        """Print what matches; the highest id there is now."""
        self.index.catch_up()
        found = self.index.query(wanted, limit=limit, after=after)
        self.print([record for _, record in found], format_)
        return max((number for number, _ in found), default=after)

    def show_text(self, wanted: Filter, text: str, format_: EventFormat, *, limit: int) -> None:
        """Print what matches and says `text` in what it seals, whatever its case."""
        from keepgate.stores.audit import load_kek
        from keepgate.stores.audit.payloads import Payloads

        payloads = Payloads(self.settings.state, load_kek(self.settings.state, os.environ, create_file=False))
        self.index.catch_up()
        sought = text.casefold()
        found = []
        with closing(self.index.walk(wanted, limit=_MOST)) as newest:
            for writer, number, record in newest:
                opened = payloads.open(writer, number, record)
                if sought in json.dumps(opened.envelope, ensure_ascii=False).casefold():
                    found.append(record)
                if len(found) == limit:
                    break
        self.print(found[::-1], format_)

    def print(self, records: list[dict[str, Any]], format_: EventFormat) -> None:
        """Print records, one a line."""
        if format_ is EventFormat.CSV:
            typer.echo(",".join(COLUMNS))
        for record in records:
            match format_:
                case EventFormat.TABLE:
                    typer.echo(self._row(record))
                case EventFormat.JSON:
                    typer.echo(self._json(record))
                case EventFormat.CSV:
                    typer.echo(self._csv(record))

    def pseudonyms(self, principal: str) -> frozenset[str]:
        """Every pseudonym a principal had; the text itself if it is one, or no key is at hand."""
        return frozenset({principal, *(key.id for key in self.keys.values() if key.principal == principal)})

    def names(self, name: str) -> frozenset[str]:
        """A name in every form a record may show it."""
        return frozenset({name, *(key.shown("", name) for key in self.keys.values())})

    def who(self, record: dict[str, Any]) -> str:
        """The principal by name if its key is at hand, else its pseudonym; empty for keepgate itself."""
        key = self.keys.get(record["principal"])
        return record["principal"] if key is None else key.principal

    def named(self, record: dict[str, Any]) -> dict[str, Any]:
        """The record with the principal by name, and its pseudonym beside."""
        return record | {"principal": self.who(record), "pseudonym": record["principal"]}

    def _json(self, record: dict[str, Any]) -> str:
        return json.dumps(self.named(record))

    def _csv(self, record: dict[str, Any]) -> str:
        verdict = record["verdict"]
        said = record | {
            "effect": verdict["effect"],
            "observed": verdict.get("observed", ""),
            "reason": verdict["reason"],
            "principal": self.who(record),
            "rules": " ".join(record["rules"]),
            "findings": " ".join(record["findings"]),
        }
        line = StringIO()
        csv.writer(line, lineterminator="").writerow([_field(said[column]) for column in COLUMNS])
        return line.getvalue()

    def _row(self, record: dict[str, Any]) -> str:
        what = f"{record['server']}/{record['name']}" if record["name"] else record["server"]
        cells = (
            (record["time"][:19] + "Z", 20),
            (record["verdict"]["effect"], 6),
            (self.who(record) or "keepgate", 20),
            (record["kind"], 12),
            (record["method"], 24),
            (what, 32),
        )
        row = " ".join(f"{_cell(text):<{width}}" for text, width in cells)
        return f"{row} {_cell(record['verdict']['reason'])}".rstrip()


def _cell(text: str) -> str:
    return safe(text.replace("\n", "\\n"), 200)


def _field(value: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = _cell(str(value))
    return f"'{text}" if text.startswith(_FORMULA) else text


def settings_of(path: Path | None) -> Settings:
    from keepgate import config

    return config.load(path, env=os.environ)


def open_log(path: Path | None, *, names: bool = True) -> Log:
    """The log of a configuration, for reading. Says so on stderr if principals cannot be named."""
    from keepgate.model.errors import KeepgateError
    from keepgate.stores.audit import load_kek
    from keepgate.stores.audit.data_keys import DataKeys
    from keepgate.stores.audit.files import KEYS, audit_directory
    from keepgate.stores.audit.index import Index

    settings = settings_of(path)
    log = Log(Index(settings.database, settings.state), settings)
    if not names:
        return log
    try:
        kek = load_kek(settings.state, os.environ, create_file=False)
        log.keys = DataKeys(audit_directory(settings.state) / KEYS, kek).all()
    except KeepgateError as error:
        typer.echo(f"note: principals are shown as pseudonyms: {safe(error.public)}", err=True)
    return log
