"""`keepgate alerts`: what the watch finds in the log, and what nobody wants to be told (docs/alerts.md)."""

from __future__ import annotations

import getpass
import os
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Final

import typer

from keepgate.cli.check import lines
from keepgate.cli.keys import Config, duration
from keepgate.cli.screen import fail, safe

if TYPE_CHECKING:
    from keepgate.stores.alerts import Alerts, Raised
    from keepgate.watch.event import Event

app = typer.Typer(no_args_is_help=True, help="What is unusual, and who is told.")

LONGEST_SILENCE: Final = 90 * 86_400.0
_SHOWN: Final = 5
"""Lines that could not be used are told one by one up to here."""


class Format(StrEnum):
    """How alerts are printed."""

    TABLE = "table"
    JSON = "json"


Id = Annotated[str, typer.Argument(metavar="ID", help="Of the alert.")]


@app.command("list")
def list_alerts(
    since: Annotated[
        float, typer.Option(parser=duration, metavar="DURATION", help="Not older than this, for instance 7d.")
    ] = "7d",  # type: ignore[assignment]
    severity: Annotated[str, typer.Option(help="At least: info, low, medium, high or critical.")] = "info",
    every: Annotated[bool, typer.Option("--all", help="Silenced and acknowledged ones as well.")] = False,
    format_: Annotated[Format, typer.Option("--format", help="For reading, or JSON Lines.")] = Format.TABLE,
    config: Config = None,
) -> None:
    """What was raised, the newest first."""
    from keepgate.model.finding import Severity

    least = Severity.__members__.get(severity.upper())
    if least is None:
        raise typer.BadParameter(f"`{severity}` is no severity: info, low, medium, high, critical")
    found = _store(config).newest(1000, since=time.time() - since)
    shown = [
        one
        for one in found
        if one.alert.severity >= least and (every or not (one.silenced or one.acknowledged))
    ]
    for one in shown:
        typer.echo(_row(one) if format_ is Format.TABLE else _line(one))
    if not shown and format_ is Format.TABLE:
        typer.echo("nothing was raised")


@app.command()
def show(name: Id, config: Config = None) -> None:
    """Everything that is known of one alert."""
    raised = _store(config).get(name)
    if raised is None:
        fail(f"there is no alert `{safe(name, 40)}`")
    alert = raised.alert
    for key, text in (
        ("alert", f"{alert.id}, of incident {alert.incident}"),
        ("time", _when(alert.time)),
        ("what", f"{alert.severity.name.lower()} {alert.sign}"),
        ("about", str(alert.subject)),
        ("seen", alert.seen),
        ("expected", alert.expected),
        ("silenced", f"by {raised.silenced}" if raised.silenced else "no"),
        ("acknowledged", f"by {raised.acknowledged}" if raised.acknowledged else "no"),
    ):
        typer.echo(safe(f"{key:<13}{text}", 800))
    for record in alert.records:
        typer.echo(safe(f"{'record':<13}keepgate audit query --trace {record}", 200))


@app.command("ack")
def acknowledge(name: Id, config: Config = None) -> None:
    """Say that you look after it: nobody else is told later."""
    done = _store(config).acknowledge(name, f"local:{getpass.getuser()}")
    typer.echo(f"acknowledged: {done.alert.id}")


@app.command()
def silence(
    lasting: Annotated[
        float, typer.Option("--for", parser=duration, metavar="DURATION", help="How long, at most 90d.")
    ],
    reason: Annotated[str, typer.Option(help="Why, for who comes after you.")],
    sign: Annotated[str, typer.Option(help="One sign, for instance `first_use`.", show_default=False)] = "",
    about: Annotated[
        str, typer.Option(help="A principal, server, `server/tool`, client or address.", show_default=False)
    ] = "",
    config: Config = None,
) -> None:
    """Tell nobody of some alerts for a while. They are still raised, recorded and listed with `--all`."""
    from keepgate.watch.silence import Silence

    if not 0 < lasting <= LONGEST_SILENCE:
        raise typer.BadParameter("a silence lasts at most 90 days")
    if not reason.strip():
        raise typer.BadParameter("say why")
    try:
        made = Silence(
            os.urandom(4).hex(), time.time() + lasting, f"local:{getpass.getuser()}", reason, sign, about
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    _store(config).silence(made)
    typer.echo(f"silence {made.id}, until {_when(made.until)}")


@app.command()
def silences(config: Config = None) -> None:
    """The silences that last, with their reasons."""
    found = _store(config).silences()
    for one in found:
        what = " ".join(filter(None, (one.sign, one.about)))
        typer.echo(safe(f"{one.id}  until {_when(one.until)}  {what}  by {one.by}: {one.reason}", 400))
    if not found:
        typer.echo("nothing is silenced")


@app.command()
def unsilence(
    name: Annotated[str, typer.Argument(metavar="ID", help="Of the silence.")], config: Config = None
) -> None:
    """End a silence."""
    _store(config).unsilence(name)
    typer.echo(f"ended: {safe(name, 40)}")


@app.command()
def replay(
    file: Annotated[
        Path, typer.Argument(help="Events as `keepgate audit query` prints them; `-` for stdin.")
    ],
    learning: Annotated[bool, typer.Option(help="Say at the end what has been learned, on stderr.")] = False,
) -> None:
    """Read events as JSON Lines, with their own times, and print the alerts as JSON Lines.

    A line that cannot be used is named on stderr and makes the exit code 1; the others are read all the same.
    """
    from keepgate.protocol import jsonrpc
    from keepgate.watch.engine import Watch

    watch = Watch()
    found = _Reading()
    with _opened(file) as source:
        for event in found.events(source):
            for alert in watch.see(event):
                shape = alert.as_json(_when(alert.time))
                print(jsonrpc.encode(shape).decode(), flush=True)
    if learning:
        for measure, (learned, of_all) in watch.learning().items():
            print(f"{measure}: {learned} of {of_all} baselines have learned", file=sys.stderr)
    if found.wrong:
        print(f"error: {found.wrong} of the lines could not be used", file=sys.stderr)
        raise typer.Exit(1)


class _Reading:
    """Events of a file; counts what could not be used."""

    def __init__(self) -> None:
        self.wrong = 0

    def events(self, source: IO[bytes]) -> Iterator[Event]:
        from keepgate.model.errors import KeepgateError
        from keepgate.protocol import jsonrpc
        from keepgate.watch.event import event_of

        for number, raw in lines(source):
            try:
                yield event_of(jsonrpc.parse(raw or b"", jsonrpc.JsonLimits()))
            except KeepgateError as error:
                self.wrong += 1
                if self.wrong <= _SHOWN:
                    print(f"error: line {number}: {safe(error.public, 200)}", file=sys.stderr)


def _when(seconds: float) -> str:
    from keepgate.audit.record import rfc3339

    return rfc3339(int(seconds * 1e6) * 1000)


def _store(path: Path | None) -> Alerts:
    from keepgate import config
    from keepgate.compose.watching import alerts_of

    return alerts_of(config.load(path, env=os.environ))


def _row(raised: Raised) -> str:
    alert = raised.alert
    mark = "silenced" if raised.silenced else "seen" if raised.acknowledged else ""
    head = (
        f"{alert.id}  {_when(alert.time)[:19]}Z  {alert.severity.name.lower():<8} {alert.sign:<21} {mark:<8}"
    )
    return safe(f"{head} {alert.subject}: {alert.seen}".replace("\n", " "), 300)


def _line(raised: Raised) -> str:
    from keepgate.protocol import jsonrpc

    shape = raised.alert.as_json(_when(raised.alert.time))
    return jsonrpc.encode(shape | {"silenced": raised.silenced, "acknowledged": raised.acknowledged}).decode()


def _opened(file: Path) -> AbstractContextManager[IO[bytes]]:
    if str(file) == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return file.open("rb")
    except OSError as error:
        print(f"error: `{safe(str(file), 200)}` cannot be read: {error.strerror}", file=sys.stderr)
        raise typer.Exit(1) from error
