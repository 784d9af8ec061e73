"""`keepgate alerts`: what the watch finds in the log (docs/alerts.md)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Final

import typer

from keepgate.cli.check import lines
from keepgate.cli.screen import safe

if TYPE_CHECKING:
    from keepgate.watch.event import Event

app = typer.Typer(no_args_is_help=True, help="What is unusual in the log.")

_SHOWN: Final = 5
"""Lines that could not be used are told one by one up to here."""


@app.callback()
def alerts() -> None:
    """What is unusual in the log."""


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
    from keepgate.audit.record import rfc3339
    from keepgate.protocol import jsonrpc
    from keepgate.watch.engine import Watch

    watch = Watch()
    found = _Reading()
    with _opened(file) as source:
        for event in found.events(source):
            for alert in watch.see(event):
                shape = alert.as_json(rfc3339(int(alert.time * 1e6) * 1000))
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


def _opened(file: Path) -> AbstractContextManager[IO[bytes]]:
    if str(file) == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return file.open("rb")
    except OSError as error:
        print(f"error: `{safe(str(file), 200)}` cannot be read: {error.strerror}", file=sys.stderr)
        raise typer.Exit(1) from error
