"""`keepgate flows`: what callers were shown lately, and taking that away from them.

Clearing needs a terminal and the principal typed once more: a program that a model steers must not shed labels.
"""

from __future__ import annotations

import getpass
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from keepgate.cli.keys import Config
from keepgate.cli.screen import fail, safe

if TYPE_CHECKING:
    from keepgate.model.flow import KeptFlow

app = typer.Typer(no_args_is_help=True, help="What callers were shown, and what must not leave with it.")

Who = Annotated[str, typer.Argument(metavar="PRINCIPAL", help="As `flows list` shows it: `key:cursor`.")]


@app.command("list")
def list_flows(config: Config = None) -> None:
    """Who has labels on what they do, the newest first."""
    found = _live(config)
    for each in found:
        labels = ", ".join(sorted({origin.label for origin in each.origins}))
        typer.echo(safe(f"{each.principal}  {labels}  last heard of {_time(each.last)}", 500))
    if not found:
        typer.echo("no labels")


@app.command()
def show(principal: Who, config: Config = None) -> None:
    """What brought each label, and when."""
    for each in _live(config):
        if each.principal == principal:
            for origin in sorted(each.origins, key=lambda one: one.at):
                name = f"{origin.server}/{origin.name}" if origin.name else origin.server
                said = "configured" if origin.said else "assumed"
                typer.echo(safe(f"{_time(origin.at)}  {origin.label}  {name}  ({said})", 1000))
            return
    fail(f"nothing is known of `{safe(principal, 200)}`")


@app.command()
def clear(
    principal: Who,
    why: Annotated[str, typer.Option("--reason", help="Why, for the log.", show_default=False)] = "",
    config: Config = None,
) -> None:
    """Take all labels from what somebody does: only when it has forgotten what it was shown. Recorded."""
    from keepgate.compose import load_settings
    from keepgate.compose.flow import clear as take

    if not sys.stdin.isatty():
        fail("taking labels away needs a terminal: nothing that a program is fed may do that")
    if typer.prompt("type the principal once more", default="", show_default=False).strip() != principal:
        fail("not cleared")
    done = take(load_settings(config), principal, by=f"local:{getpass.getuser()}", reason=why)
    typer.echo(f"{safe(principal, 200)}: {'cleared' if done else 'had no labels'}")
    raise typer.Exit(0 if done else 1)


def _live(config: Config) -> list[KeptFlow]:
    from keepgate.compose import load_settings
    from keepgate.compose.flow import file_of, live

    settings = load_settings(config)
    return live(settings, file_of(settings).every())


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
