"""`keepgate secrets`: values for `{secret: "store:NAME"}` in the configuration, sealed in the state directory.

A value enters by prompt or stdin, never as an argument: arguments are public. None is ever printed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keepgate.model.errors import LocalError

if TYPE_CHECKING:
    from keepgate.stores.vault import SecretStore

app = typer.Typer(no_args_is_help=True, help="Keep secrets of servers out of the configuration.")

Name = Annotated[str, typer.Argument(help="As the configuration names it: `store:NAME`.", show_default=False)]
Config = Annotated[Path | None, typer.Option("--config", help="Configuration file.", show_default=False)]


@app.command("set")
def set_secret(name: Name, config: Config = None) -> None:
    """Store a secret, read from a prompt or from stdin (one final line end is not part of it)."""
    from keepgate.stores.vault import MAX_VALUE

    if sys.stdin.isatty():
        value = typer.prompt(name, hide_input=True, confirmation_prompt=True)
    else:
        value = sys.stdin.read(MAX_VALUE + 2).removesuffix("\n").removesuffix("\r")
    if not value:
        raise LocalError("secret-value", "the value is empty: give it on stdin or at the prompt")
    _store(config).put({name: value})
    typer.echo(f"stored {name}")


@app.command("list")
def list_secrets(config: Config = None) -> None:
    """List the names, never the values."""
    for name in _store(config).names():
        typer.echo(name)


@app.command()
def remove(name: Name, config: Config = None) -> None:
    """Forget a secret."""
    _store(config).remove(name)
    typer.echo(f"removed {name}")


@app.command()
def rotate(config: Config = None) -> None:
    """Seal everything anew under a fresh data key, wrapped by the key that is configured now."""
    from keepgate import compose
    from keepgate.config import load

    compose.rotate(load(config, env=os.environ))
    typer.echo("sealed anew")


def _store(config: Path | None) -> SecretStore:
    from keepgate.compose import secret_store
    from keepgate.config import load

    return secret_store(load(config, env=os.environ))
