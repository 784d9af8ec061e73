"""The command line: arguments to a few lines into `compose`. Commands import what they need when they run.

Exit codes: 0 fine, 1 failed, 2 wrong usage. Commands with codes of their own say so in their help.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Final

import typer

from keepgate import __version__
from keepgate.cli.screen import fail, safe

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="keepgate: the security gateway for MCP. Start with `keepgate up`.",
)

Config = Annotated[Path | None, typer.Option("--config", help="Configuration file.", show_default=False)]

_GROUPS: Final = (
    "admin",
    "alerts",
    "approvals",
    "audit",
    "clients",
    "flows",
    "honeytokens",
    "keys",
    "lock",
    "policy",
    "quarantine",
    "sandbox",
    "secrets",
)


@app.callback(invoke_without_command=True)
def version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """keepgate: the security gateway for MCP."""
    if version:
        typer.echo(f"keepgate {__version__}")
        raise typer.Exit


@app.command()
def serve(config: Config = None) -> None:
    """Serve what is configured over HTTP. Prints `ready: URL` when it listens; Ctrl-C or SIGTERM ends it."""
    from keepgate.compose import load_settings, run_serve

    run_serve(load_settings(config), lambda url: print(f"ready: {url}/mcp", flush=True))


@app.command()
def stdio(
    config: Config = None,
    server: Annotated[
        str, typer.Option(help="Only this server, without a name prefix.", show_default=False)
    ] = "",
    key_env: Annotated[
        str, typer.Option(help="Environment variable with the API key to act as.", show_default=False)
    ] = "",
) -> None:
    """Serve one client over stdin and stdout, for clients that launch a command.

    Acts as the key given, else as `local:<user>`; grant that name a role.
    """
    from keepgate.compose import load_settings, run_stdio

    run_stdio(load_settings(config), mount=server or None, key_env=key_env)


@app.command()
def doctor(config: Config = None) -> None:
    """Check the configuration, keys, log and servers, and say what to change. Exit code 1 if something fails."""
    from keepgate.cli.doctor import doctor as examine

    raise typer.Exit(examine(config))


def _register() -> None:
    for name in _GROUPS:
        app.add_typer(import_module(f"keepgate.cli.{name}").app, name=name)
    app.command()(import_module("keepgate.cli.up").up)
    app.command()(import_module("keepgate.cli.check").check)
    app.command()(import_module("keepgate.cli.scan").scan)
    app.command()(import_module("keepgate.cli.vet").vet)
    app.command()(import_module("keepgate.cli.login").login)
    app.command()(import_module("keepgate.cli.login").logout)


_register()


def main() -> None:
    """Entry point: errors made on purpose are printed as one line, without a traceback."""
    from keepgate.model.errors import KeepgateError

    try:
        app()
    except KeepgateError as error:
        fail(safe(str(error)))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
