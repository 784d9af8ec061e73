"""`keepgate login` and `keepgate logout`: what a principal is granted at servers that know each user."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[Path | None, typer.Option("--config", help="Configuration file.", show_default=False)]
Server = Annotated[str, typer.Argument(help="Id of a server with `auth: {type: oauth}`.", show_default=False)]
Who = Annotated[
    str,
    typer.Option(
        "--principal",
        help="For whom, as records name it: `key:cursor`, `local:alice`, `anonymous`.",
        show_default=False,
    ),
]


def login(
    server: Server,
    principal: Who = "",
    config: Config = None,
) -> None:
    """Log in at a server, through a browser on this machine. Who may do that has the state directory anyway."""
    from keepgate.compose.login import default_principal, log_in
    from keepgate.config import load

    settings = load(config, env=os.environ)
    whom = principal or default_principal(settings)

    log_in(settings, server, whom, lambda url: typer.echo(f"open in a browser on this machine: {url}"))
    typer.echo(f"{whom} is logged in at {server}")


def logout(server: Server, principal: Who = "", config: Config = None) -> None:
    """Forget what a principal was granted at a server."""
    from keepgate.compose.login import default_principal, log_out
    from keepgate.config import load

    settings = load(config, env=os.environ)
    whom = principal or default_principal(settings)
    forgotten = log_out(settings, server, whom)
    typer.echo(f"{whom} is logged out at {server}" if forgotten else f"{whom} was not logged in at {server}")
