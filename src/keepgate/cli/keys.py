"""`keepgate keys`: make, list, rotate and revoke API keys.

Errors leave as KeepgateError; `keepgate.cli.main` prints them and sets the exit code.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from keepgate.model.keys import ApiKey
    from keepgate.stores.keys import JsonKeyStore

app = typer.Typer(no_args_is_help=True, help="Make, list, rotate and revoke API keys.")

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def duration(text: str) -> float:
    """Seconds of `90d`, `12h`, `30m`, `45s`, `2w`. Raises typer.BadParameter."""
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not (number.isascii() and number.isdigit() and 0 < len(number) <= 6):
        raise typer.BadParameter(f"`{text}` is not a duration: write 90d, 12h or 30m")
    return int(number) * _UNITS[unit]


Config = Annotated[Path | None, typer.Option("--config", help="Configuration file.", show_default=False)]
Name = Annotated[
    str, typer.Argument(help="Who the key is for, for instance `cursor`. Grants name it `key:NAME`.")
]
Expires = Annotated[
    float | None,
    typer.Option(parser=duration, metavar="DURATION", help="End the key after this time, for instance 90d."),
]
Overlap = Annotated[
    float | None,
    typer.Option(
        parser=duration, metavar="DURATION", help="Let the old key work this much longer, for instance 1h."
    ),
]


@app.command()
def create(name: Name, expires: Expires = None, config: Config = None) -> None:
    """Make a key and print it. It is shown this once and cannot be recovered."""
    from keepgate.auth import apikey

    _show(apikey.create(_store(config), name, now=time.time(), lifetime=expires), name)


@app.command()
def rotate(name: Name, overlap: Overlap = None, expires: Expires = None, config: Config = None) -> None:
    """Replace a key by a new one and print it. The old one stops working, after --overlap if given."""
    from keepgate.auth import apikey

    _show(
        apikey.rotate(_store(config), name, now=time.time(), lifetime=expires, overlap=overlap or 0.0), name
    )


@app.command()
def revoke(name: Name, config: Config = None) -> None:
    """End a key. A running keepgate refuses it within a second."""
    from keepgate.auth import apikey

    apikey.revoke(_store(config), name, now=time.time())
    typer.echo(f"revoked {name}")


@app.command("list")
def list_keys(
    config: Config = None,
    every: Annotated[bool, typer.Option("--all", help="Expired and revoked keys as well.")] = False,
) -> None:
    """List the keys: never their secrets."""
    now = time.time()
    rows = [("NAME", "ID", "CREATED", "EXPIRES", "STATE")]
    rows += [_row(key, now) for key in _store(config).read() if every or key.live(now)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _store(config: Path | None) -> JsonKeyStore:
    from keepgate.config import load
    from keepgate.stores.keys import JsonKeyStore

    return JsonKeyStore(load(config, env=os.environ).state)


def _show(key: str, name: str) -> None:
    """The key alone on stdout, so that it can be piped; what to do with it on stderr."""
    typer.echo(key)
    typer.echo(f"key:{name} is shown this once. Clients send it as `Authorization: Bearer <key>`.", err=True)


def _row(key: ApiKey, now: float) -> tuple[str, str, str, str, str]:
    state = "revoked" if key.revoked is not None else "live" if key.live(now) else "expired"
    # The file could have been edited by hand: nothing in it may steer the terminal.
    return ascii(key.name)[1:-1], ascii(key.id)[1:-1], _date(key.created), _date(key.expires), state


def _date(seconds: float | None) -> str:
    return "never" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
