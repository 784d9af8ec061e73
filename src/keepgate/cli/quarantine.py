"""`keepgate quarantine`: the kill switch. In force within a second, for calls in flight too."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from keepgate.cli.keys import Config
from keepgate.cli.screen import safe

app = typer.Typer(no_args_is_help=True, help="Stop a server, a tool, a principal or everything, at once.")

Target = Annotated[
    str, typer.Argument(metavar="TARGET", help="server:ID, tool:SERVER/NAME, principal:ID or all.")
]
Why = Annotated[str, typer.Option("--reason", help="Why, for the log.", show_default=False)]


@app.command()
def add(target: Target, why: Why = "", config: Config = None) -> None:
    """Stop it: nothing of it is listed, called or answered, what is in flight ends."""
    from keepgate.compose import load_settings
    from keepgate.compose.quarantine import stop

    done = stop(load_settings(config), target, by=f"local:{getpass.getuser()}", reason=why)
    typer.echo(f"{safe(target)}: {'quarantined' if done else 'was quarantined before'}")


@app.command()
def remove(target: Target, why: Why = "", config: Config = None) -> None:
    """Let it go on."""
    from keepgate.compose import load_settings
    from keepgate.compose.quarantine import release

    done = release(load_settings(config), target, by=f"local:{getpass.getuser()}", reason=why)
    typer.echo(f"{safe(target)}: {'released' if done else 'was not quarantined'}")
    raise typer.Exit(0 if done else 1)


@app.command("list")
def list_holds(config: Config = None) -> None:
    """What is stopped, since when, by whom and why."""
    from keepgate.compose import load_settings
    from keepgate.stores.quarantine import QuarantineFile

    held = QuarantineFile(load_settings(config).state).read()
    for hold in held.holds:
        since = datetime.fromtimestamp(hold.at, UTC).strftime("%Y-%m-%d %H:%M:%S")
        typer.echo(safe(f"{hold.target}  since {since}  by {hold.by}  {hold.reason}", 1500))
    if not held.holds:
        typer.echo("nothing is quarantined")
