"""`keepgate clients`: what the AI clients of this machine start, and keepgate put in the place of it or taken out."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keepgate.cli.screen import fail, safe

if TYPE_CHECKING:
    from keepgate.clients.discover import Found
    from keepgate.clients.formats import Client, Gateway, Machine
    from keepgate.clients.rewrite import Change, Rewriter
    from keepgate.config import Settings
    from keepgate.model.upstream import LaunchEntry

app = typer.Typer(
    no_args_is_help=True,
    help="Show what Claude Desktop, Claude Code, Cursor and VS Code start; lead them through keepgate and back.",
)

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[CLIENT]...", help="claude-desktop, claude-code, cursor, vscode; default: all."),
]
Config = Annotated[Path | None, typer.Option("--config", help="Configuration file.", show_default=False)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, secrets masked.")]
Project = Annotated[bool, typer.Option("--project", help="The files of the current project as well.")]

DEFAULT_URL = "http://127.0.0.1:8700/mcp"


@app.command("list")
def list_clients(config: Config = None) -> None:
    """List every configured server: which client starts it, how, and whether through keepgate."""
    from keepgate.clients import CLIENTS
    from keepgate.clients.discover import discover

    found = discover(machine(), CLIENTS.values())
    if not found:
        typer.echo("no client configuration found")
    show(found, _url(config))


@app.command()
def install(
    names: Names = None,
    project: Project = False,
    dry_run: DryRun = False,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Make a new key even where one is in use.")
    ] = False,
    config: Config = None,
) -> None:
    """Replace the servers of a client by one entry that leads to keepgate. Undone by `keepgate clients uninstall`.

    The former servers stay in a backup and work through keepgate as far as keepgate.yaml has them.
    """
    from keepgate.clients import CLIENTS
    from keepgate.compose import load_settings

    settings = load_settings(config)
    here = machine()
    chosen = _chosen(names) if names else [each for each in CLIENTS.values() if _present(each, here)]
    changes = []
    worker = rewriter(here)
    for client in chosen:
        key = partial(fresh_key, settings, client.id) if not dry_run else str
        changes += plan_install(worker, client, settings, key, project=project, rotate=rotate)
        if not any(grant.to == f"key:{client.id}" for grant in settings.access.grants):
            typer.echo(f"warning: no grant in {settings.file} is for `key:{client.id}`", err=True)
    _say_lost(changes, settings)
    finish(worker, changes, dry_run=dry_run)


@app.command()
def uninstall(names: Names = None, dry_run: DryRun = False) -> None:
    """Take keepgate out and put the former servers back, byte for byte where nothing changed since."""
    from keepgate.clients import CLIENTS
    from keepgate.clients.rewrite import RefusedError

    worker = rewriter(machine())
    chosen = frozenset(client.id for client in (_chosen(names) if names else CLIENTS.values()))
    try:
        changes = list(worker.uninstall(chosen))
    except RefusedError as error:
        fail(f"the manifest in {worker.ledger.folder} is {error}")
    finish(worker, changes, dry_run=dry_run)
    if not dry_run:
        for client_id in sorted({change.client for change in changes}):
            typer.echo(f"the key of {client_id} still works: `keepgate keys revoke {client_id}` ends it")


def machine() -> Machine:
    """This machine, as the process sees it."""
    from keepgate.clients.formats import Machine

    return Machine(Path.home(), sys.platform, Path.cwd(), os.environ)


def rewriter(here: Machine) -> Rewriter:
    """Backups are kept per user, whatever configuration is used: they belong to the user's files."""
    from keepgate.clients.rewrite import Ledger, Rewriter

    given = Path(here.env.get("XDG_STATE_HOME", ""))
    state = given if given.is_absolute() else here.home / ".local" / "state"
    return Rewriter(here, Ledger(state / "keepgate" / "clients"))


def gateway(settings: Settings, key: str) -> Gateway:
    """How a client reaches the keepgate of these settings."""
    from keepgate.clients.formats import KEY_ENV, Gateway

    own = shutil.which("keepgate")
    program = (str(Path(own).absolute()),) if own else (sys.executable, "-m", "keepgate")
    argv = (*program, "stdio", "--config", str(settings.file), "--key-env", KEY_ENV)
    return Gateway(endpoint(settings), key, argv)


def endpoint(settings: Settings) -> str:
    """Where keepgate answers."""
    return f"{'https' if settings.tls else 'http'}://{settings.listen}/mcp"


def fresh_key(settings: Settings, name: str) -> str:
    """A new key of this name; one that was there before ends."""
    from keepgate.auth import apikey
    from keepgate.stores.keys import JsonKeyStore

    store, now = JsonKeyStore(settings.state), time.time()
    there = any(key.name == name and key.live(now) for key in store.read())
    return (apikey.rotate if there else apikey.create)(store, name, now=now)


def plan_install(
    worker: Rewriter,
    client: Client,
    settings: Settings,
    key: Callable[[], str],
    *,
    project: bool = False,
    rotate: bool = False,
) -> list[Change]:
    """What would happen to the files of one client. `key` is called only if an entry has to be written."""
    from keepgate.clients.discover import through_keepgate

    def ours(entry: LaunchEntry) -> bool:
        return not rotate and through_keepgate(entry, endpoint(settings))

    return worker.install(client, lambda: client.entry(gateway(settings, key())), ours, project=project)


def finish(worker: Rewriter, changes: Iterable[Change], *, dry_run: bool = False) -> None:
    """Do or show what was planned; exit code 1 if a file had to be left as it is."""
    from keepgate.clients.rewrite import RefusedError

    failed, count = False, 0
    for change in changes:
        count += 1
        refused = change.refused
        if not refused and dry_run:
            typer.echo(change.diff())
        elif not refused:
            try:
                worker.apply(change)
            except RefusedError as error:
                refused = str(error)
            else:
                typer.echo(f"{'restored' if change.undo else 'rewrote'} {line(str(change.path))}")
        for note in change.notes:
            typer.echo(f"note: {line(str(change.path))}: {line(note)}", err=True)
        if refused:
            failed = True
            typer.echo(f"error: {line(str(change.path))}: {line(refused)}; left as it is", err=True)
    if not count:
        typer.echo("nothing to do")
    if failed:
        raise typer.Exit(1)


def show(found: Iterable[Found], url: str) -> None:
    """Print files, servers and problems. Everything in them is untrusted text."""
    from keepgate.clients.discover import through_keepgate

    for each in found:
        typer.echo(f"{each.client.title} ({each.place.scope}): {line(str(each.place.path))}")
        for entry in each.entries:
            state = "through keepgate" if through_keepgate(entry, url) else "direct"
            state = "disabled" if entry.disabled else state
            scope = f" [{line(entry.origin.scope)}]" if entry.origin.scope != each.place.scope else ""
            typer.echo(f"  {line(entry.name)}{scope}: {launch_text(entry)}  ({state})")
        for problem in each.problems:
            typer.echo(f"  {'error' if problem.broken else 'warning'}: {line(str(problem))}", err=True)


def launch_text(entry: LaunchEntry) -> str:
    """How a server is started or reached, as its client has it."""
    from keepgate.clients.formats import MASK, is_secret

    env = {name: MASK if is_secret(name, value) else value for name, value in entry.env.items()}
    return command_text(entry.argv, env, entry.url)


def command_text(argv: tuple[str, ...], env: Mapping[str, str], url: str) -> str:
    """The whole command as a shell would want it, or the address: never cut, secrets masked, escaped."""
    from keepgate.clients.formats import MASK, show_args, show_url

    words = [*(f"{name}={value}" for name, value in env.items()), *show_args(argv)]
    text = " ".join(word if MASK in word else shlex.quote(word) for word in words)
    return line(show_url(url) if url else text)


def _say_lost(changes: Iterable[Change], settings: Settings) -> None:
    """Servers that will be gone from a client and that keepgate does not have either."""
    from keepgate.clients import CLIENTS
    from keepgate.clients.discover import discover

    paths = {change.path for change in changes if change.after and not change.refused}
    here = machine()
    entries = [
        entry
        for each in discover(here, CLIENTS.values())
        if each.place.path in paths
        for entry in each.entries
    ]
    for entry in unserved(entries, settings, here):
        typer.echo(
            f"warning: {line(entry.name)} of {entry.origin.client} is not in {settings.file}: "
            "it is out of reach until you add it there",
            err=True,
        )


def unserved(entries: Iterable[LaunchEntry], settings: Settings, here: Machine) -> list[LaunchEntry]:
    """The entries that lead neither to keepgate nor to a server that keepgate has."""
    from keepgate.clients.discover import through_keepgate
    from keepgate.clients.first_run import adopt, same_server

    direct = (entry for entry in entries if not through_keepgate(entry, endpoint(settings)))
    adoption = adopt(direct, home=here.home, env=here.env)
    missing = [
        entry
        for server in [*adoption.servers, *adoption.waiting]
        if not any(same_server(server.config, known.argv, known.url) for known in settings.servers.values())
        for entry in server.entries
    ]
    return missing + [entry for entry, _ in adoption.left if not entry.disabled]


def _present(client: Client, here: Machine) -> bool:
    return any(place.path.exists() for place in client.places(here) if place.anchor)


def _chosen(names: list[str]) -> list[Client]:
    from keepgate.clients import CLIENTS

    for name in names:
        if name not in CLIENTS:
            raise typer.BadParameter(f"unknown client `{safe(name, 40)}`: {', '.join(CLIENTS)}")
    return [CLIENTS[name] for name in dict.fromkeys(names)]


def _url(config: Path | None) -> str:
    from keepgate.config import load
    from keepgate.model.errors import ConfigError

    try:
        return endpoint(load(config, env=os.environ))
    except ConfigError as error:
        if config:
            fail(safe(str(error)))
        return DEFAULT_URL


def line(text: str) -> str:
    """Untrusted text on one line of the terminal."""
    from keepgate.clients.formats import printable

    return printable(text)
