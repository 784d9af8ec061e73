"""`keepgate audit`: follow, search and verify the log (docs/audit.md).

Names in records come from clients and servers: everything printed is escaped, JSON down to ASCII.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keepgate.cli.keys import Config, duration
from keepgate.cli.screen import safe

if TYPE_CHECKING:
    from keepgate.audit.seal import DataKey
    from keepgate.audit.verify import Report
    from keepgate.config import Settings
    from keepgate.stores.audit.index import Filter, Index

app = typer.Typer(no_args_is_help=True, help="Follow, search and verify the log of every decision.")

POLL = 0.5
"""Seconds between looks of `tail -f`."""


class Format(StrEnum):
    """How events are printed."""

    TABLE = "table"
    JSON = "json"


class Effect(StrEnum):
    """The verdicts one can search for."""

    ALLOW = "allow"
    REDACT = "redact"
    ASK = "ask"
    DENY = "deny"


def moment(text: str) -> int:
    """Unix nanoseconds of `2h` (ago), `2026-11-21`, or an RFC 3339 time (UTC if it names no zone)."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return time.time_ns() - int(duration(text) * 1e9)
    zoned = found if found.tzinfo else found.replace(tzinfo=UTC)
    return int(zoned.timestamp()) * 1_000_000_000 + zoned.microsecond * 1000


def _when(text: str) -> str:
    from keepgate.audit.record import rfc3339

    return rfc3339(moment(text))


Format_ = Annotated[Format, typer.Option("--format", help="One event a line: table, or JSON Lines.")]
Principal = Annotated[
    str, typer.Option(help="For instance `key:cursor`, or a pseudonym.", show_default=False)
]
Server = Annotated[str, typer.Option(help="Id of a server.", show_default=False)]
Named = Annotated[
    str,
    typer.Option("--name", help="Tool, prompt or resource URI, as its server calls it.", show_default=False),
]
Verdict = Annotated[Effect | None, typer.Option(help="What was decided.", show_default=False)]
Observed = Annotated[
    Effect | None,
    typer.Option(help="What policy said of what observe mode let through: deny or ask.", show_default=False),
]
Method = Annotated[str, typer.Option(help="For instance `tools/call`.", show_default=False)]
Trace = Annotated[
    str, typer.Option(help="A decision id: the request, its reply, and all between.", show_default=False)
]
Limit = Annotated[int, typer.Option(min=1, max=1_000_000, help="The newest so many.")]
When = typer.Option(
    parser=_when, metavar="TIME", help="`2h` ago, a date, or an RFC 3339 time.", show_default=False
)


@app.command()
def tail(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as decisions are made.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="The newest so many.")] = 20,
    format_: Format_ = Format.TABLE,
    config: Config = None,
) -> None:
    """Show the newest decisions."""
    from keepgate.stores.audit.index import Filter

    log = open_log(config)
    newest = log.show(Filter(), format_, limit=lines)
    while follow:
        time.sleep(POLL)
        newest = log.show(Filter(), format_, limit=100_000, after=newest)


@app.command()
def query(  # noqa: PLR0917 - each is an option
    principal: Principal = "",
    server: Server = "",
    name: Named = "",
    verdict: Verdict = None,
    observed: Observed = None,
    method: Method = "",
    trace: Trace = "",
    since: Annotated[str | None, When] = None,
    until: Annotated[str | None, When] = None,
    limit: Limit = 1000,
    format_: Format_ = Format.JSON,
    config: Config = None,
) -> None:
    """Search the log: every option narrows, the oldest match is printed first.

    In JSON, `principal` is the name if the keys are at hand, `pseudonym` what the record itself says.
    """
    from keepgate.stores.audit.index import Filter

    log = open_log(config)
    wanted = Filter(
        principals=log.pseudonyms(principal) if principal else frozenset(),
        names=log.names(name) if name else frozenset(),
        server=server,
        method=method,
        effect=verdict or "",
        observed=observed or "",
        trace=trace,
        since=since or "",
        until=until or "",
    )
    log.show(wanted, format_, limit=limit)


@app.command()
def verify(
    against: Annotated[
        list[Path], typer.Option(help="Checkpoints kept elsewhere. May be repeated.", show_default=False)
    ] = [],  # noqa: B006 - how typer wants the default of a list
    strict: Annotated[bool, typer.Option(help="Fail if anything could not be checked.")] = False,
    format_: Annotated[
        Format, typer.Option("--format", help="For reading, or one JSON object.")
    ] = Format.TABLE,
    config: Config = None,
) -> None:
    """Check that no record was changed, added, moved or removed. Needs no secret key.

    Exit code 0: the signed records are sound. 1: they are not. 3: there is nothing signed to check.
    """
    from keepgate.audit.verify import Status
    from keepgate.stores.audit.reading import verify as examine

    reports = examine(_settings(config).state, elsewhere=against)
    verdict = _overall(reports)
    if format_ is Format.JSON:
        typer.echo(json.dumps({"verdict": verdict, "writers": [_shape(report) for report in reports]}))
    else:
        for report in reports:
            _print(report)
        typer.echo(f"verdict: {verdict}" if reports else "verdict: unknown, nothing was recorded yet")
    open_questions = any(report.unknown for report in reports)
    if verdict is Status.FAIL or (strict and open_questions):
        raise typer.Exit(1)
    raise typer.Exit(0 if verdict is Status.PASS else 3)


def _overall(reports: Iterable[Report]) -> str:
    from keepgate.audit.verify import Status

    found = {report.status for report in reports}
    return next((status for status in (Status.FAIL, Status.PASS) if status in found), Status.UNKNOWN)


def _shape(report: Report) -> dict[str, Any]:
    return {**asdict(report), "status": report.status, "unsigned": report.unsigned}


def _print(report: Report) -> None:
    typer.echo(f"writer {report.writer}: {report.status}")
    typer.echo(f"  records   {report.records}, of these not signed yet: {report.unsigned}")
    typer.echo(f"  signed    {report.checkpoints} checkpoints, key {safe(report.key) or 'missing'}")
    for problem in report.failed:
        typer.echo(f"  FAIL      {safe(problem)}")
    for question in report.unknown:
        typer.echo(f"  unknown   {safe(question)}")


@dataclass(slots=True)
class Log:
    """The index, and the data keys by pseudonym as far as they can be opened."""

    index: Index
    keys: dict[str, DataKey] = field(default_factory=dict)

    def show(self, wanted: Filter, format_: Format, *, limit: int, after: int = 0) -> int:
        """Print what matches; the highest id there is now."""
        self.index.catch_up()
        found = self.index.query(wanted, limit=limit, after=after)
        for _, record in found:
            typer.echo(self._row(record) if format_ is Format.TABLE else self._json(record))
        return max((number for number, _ in found), default=after)

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

    def _json(self, record: dict[str, Any]) -> str:
        return json.dumps(record | {"principal": self.who(record), "pseudonym": record["principal"]})

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


def _settings(path: Path | None) -> Settings:
    from keepgate import config

    return config.load(path, env=os.environ)


def open_log(path: Path | None) -> Log:
    """The log of a configuration, for reading. Says so on stderr if principals cannot be named."""
    from keepgate.model.errors import KeepgateError
    from keepgate.stores.audit import load_kek
    from keepgate.stores.audit.data_keys import DataKeys
    from keepgate.stores.audit.files import KEYS, audit_directory
    from keepgate.stores.audit.index import Index

    settings = _settings(path)
    log = Log(Index(settings.database, settings.state))
    try:
        kek = load_kek(settings.state, os.environ, create_file=False)
        log.keys = DataKeys(audit_directory(settings.state) / KEYS, kek).all()
    except KeepgateError as error:
        typer.echo(f"note: principals are shown as pseudonyms: {safe(error.public)}", err=True)
    return log
