"""`keepgate honeytokens`: secrets that nobody uses; one that is seen anywhere is proof of a theft."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from keepgate.cli.keys import Config
from keepgate.cli.screen import safe

app = typer.Typer(no_args_is_help=True, help="Issue secrets that nobody uses, and see who finds them.")


@app.command()
def issue(
    kind: Annotated[
        str,
        typer.Argument(help="aws, github, gitlab, google, npm, openai, postgres, slack or stripe."),
    ] = "aws",
    note: Annotated[
        str, typer.Option("--note", help="Where it will be planted, for the list.", show_default=False)
    ] = "",
    config: Config = None,
) -> None:
    """Make a honeytoken and print it. It is shown this once: plant it where nobody has anything to look for."""
    from keepgate.compose import load_settings
    from keepgate.compose.honeytokens import issue as make

    token, text = make(load_settings(config), kind, note, by=f"local:{getpass.getuser()}")
    typer.echo(text)
    typer.echo(f"honeytoken {token.id}: a message that carries it is refused, and recorded", err=True)


@app.command("list")
def list_tokens(config: Config = None) -> None:
    """What was issued: id, kind, since when, until when, where it was planted. The tokens themselves are not kept."""
    from keepgate.compose import load_settings
    from keepgate.compose.honeytokens import honeytokens_of

    tokens = honeytokens_of(load_settings(config)).read()
    for token in tokens:
        ended = f"  revoked {_day(token.revoked)}" if token.revoked else ""
        typer.echo(safe(f"{token.id}  {token.kind:8}  {_day(token.created)}{ended}  {token.note}", 400))
    if not tokens:
        typer.echo("no honeytoken was issued")


@app.command()
def revoke(
    token: Annotated[str, typer.Argument(metavar="ID", help="As `keepgate honeytokens list` shows it.")],
    config: Config = None,
) -> None:
    """Look for it no longer."""
    from keepgate.compose import load_settings
    from keepgate.compose.honeytokens import revoke as end

    gone = end(load_settings(config), token, by=f"local:{getpass.getuser()}")
    typer.echo(f"honeytoken {gone.id} is revoked")


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
