"""`keepgate sandbox`: what the servers' sandboxes hold, and the packages that launchers stand for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keepgate.cli.screen import fail, safe

if TYPE_CHECKING:
    from keepgate.config import Settings

app = typer.Typer(no_args_is_help=True, help="What contains the servers that keepgate starts.")
Config = Annotated[Path | None, typer.Option("--config", help="Configuration file.", show_default=False)]
Server = Annotated[str, typer.Argument(help="The server's id.")]


@app.command()
def show(server: Server, config: Config = None) -> None:
    """Show what a server may see and reach, its own code included, and the packages that were fetched for it."""
    from keepgate.compose.launchers import closure_of
    from keepgate.compose.sandbox import seen_by

    settings = _settings(config, server)
    closure = closure_of(server, settings)
    command = (str(closure.program),) if closure else settings.servers[server].argv
    for line in seen_by(server, settings, command):
        typer.echo(safe(line))
    for package in closure.packages if closure else ():
        typer.echo(safe(f"package {package.purl}"))


@app.command()
def propose(
    server: Server,
    forget: Annotated[bool, typer.Option("--forget", help="Begin anew: drop what was seen so far.")] = False,
    config: Config = None,
) -> None:
    """Propose the narrowest sandbox for what a server in `observe` mode was seen to use."""
    from keepgate.compose.launchers import closure_of
    from keepgate.compose.sandbox import learned_of
    from keepgate.transports.sandbox import observing

    settings = _settings(config, server)
    if forget:
        observing.forget(settings.state, server)
        typer.echo(f"{server}: forgotten")
        return
    closure = closure_of(server, settings)
    found = learned_of(
        server, settings, (str(closure.program),) if closure else settings.servers[server].argv
    )
    for line in (*(f"# it runs {each}" for each in found.runs), *(f"# {each}" for each in found.remarks)):
        typer.echo(safe(line).replace("\n", " "))
    typer.echo(f"servers:\n  {server}:\n    sandbox:\n      mode: strict")
    for key, values in (("read", found.read), ("write", found.write), ("network", found.network)):
        if values:
            typer.echo(f"      {key}:")
            for value in values:
                typer.echo(f"        - {json.dumps(value)}")


@app.command()
def fetch(config: Config = None) -> None:
    """Fetch what launchers stand for and was never fetched, so that nobody has to wait for it."""
    from keepgate.compose import load_settings
    from keepgate.compose.launchers import closure_of
    from keepgate.compose.running import run
    from keepgate.compose.sandbox import contained, fetch_all

    settings = load_settings(config)
    faults = run(fetch_all(settings))
    for name in contained(settings):
        if closure := closure_of(name, settings):
            typer.echo(f"{name}: {len(closure.packages)} packages")
    if faults:
        fail("\n".join(safe(f"{name}: {error}") for name, error in faults.items()))


@app.command()
def update(server: Server, config: Config = None) -> None:
    """Fetch anew what the launcher of a server stands for, and show what has changed."""
    from keepgate.compose.launchers import packages_of, update_packages

    settings = _settings(config, server)
    before = {each.purl: each.integrity for each in packages_of(server, settings)}
    found = update_packages(server, settings)
    if found is None:
        fail(f"`{server}` is started by no launcher that is resolved: there is nothing to update")
    after = {each.purl: each.integrity for each in found}
    for purl in sorted(before.keys() | after.keys()):
        if purl not in after:
            typer.echo(safe(f"- {purl}"))
        elif purl not in before:
            typer.echo(safe(f"+ {purl}"))
        elif before[purl] != after[purl]:
            typer.echo(safe(f"! {purl} is not what it was: its content has another hash"))
    same = (
        "nothing has changed"
        if before == after
        else "running servers keep what they have until they are restarted"
    )
    typer.echo(f"{len(after)} packages; {same}")


def _settings(config: Path | None, server: str) -> Settings:
    from keepgate.compose import load_settings

    settings = load_settings(config)
    if server not in settings.servers:
        fail(f"there is no server `{server}` in {settings.file}")
    return settings
