"""`keepgate up`: from the servers that clients start today to a gateway in front of them, in one go.

The first run writes the configuration, last of all, so that an interrupted one leaves nothing half done; every later
run serves what is configured.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keepgate.cli import clients as face
from keepgate.cli.screen import fail
from keepgate.model.errors import ConfigError

if TYPE_CHECKING:
    from keepgate.clients.first_run import Adoption, Offer, Server
    from keepgate.clients.formats import Machine
    from keepgate.config import Settings
    from keepgate.gateway.inventory import Inventory
    from keepgate.model.errors import KeepgateError
    from keepgate.model.upstream import LaunchEntry

    Answers = Mapping[str, Inventory | KeepgateError]

Config = Annotated[
    Path | None, typer.Option("--config", help="Configuration file, written if missing.", show_default=False)
]
Install = Annotated[
    bool | None,
    typer.Option(
        "--install/--no-install", help="Rewrite the clients' entries. Asked on a terminal, else no."
    ),
]
Start = Annotated[
    bool, typer.Option("--start/--no-start", help="Start each server once, to list what it offers.")
]
Serve = Annotated[bool, typer.Option("--serve/--no-serve", help="Serve when set up.")]


def up(
    config: Config = None,
    install: Install = None,
    start: Start = True,
    project: Annotated[
        bool, typer.Option("--project", help="Take over the servers of the current project's files as well.")
    ] = False,
    serve: Serve = True,
) -> None:
    """Find the MCP servers of your clients, put keepgate in front of them, and serve.

    Writes the configuration, a role per server that names what it offers, a key per client, and moves secrets into
    keepgate's own store. Later runs serve what is configured.
    """
    from keepgate.compose import load_settings, run_serve

    here = face.machine()
    file = _locate(config, here)
    if file.exists():
        settings = load_settings(file)
        _say_new(settings, here)
    else:
        _first_run(file, here, install=install, start=start, project=project)
        settings = load_settings(file)
    if serve:
        run_serve(settings, lambda url: typer.echo(f"ready: {url}/mcp"))


def _first_run(file: Path, here: Machine, *, install: bool | None, start: bool, project: bool) -> None:
    from keepgate.clients import CLIENTS
    from keepgate.clients.discover import discover
    from keepgate.clients.first_run import starter
    from keepgate.compose import secret_store

    found = discover(here, CLIENTS.values())
    face.show(found, face.DEFAULT_URL)
    # A project's files come from whoever wrote the repository: its servers are not ours to start unasked.
    taken = [each for each in found if project or each.place.scope == "user"]
    if len(taken) < len(found):
        typer.echo("the servers of this project are left out: `--project` takes them over")
    adoption = _adopt((entry for each in taken for entry in each.entries), file, here)
    for entry, why in adoption.left:
        typer.echo(f"not taken over: {face.line(entry.name)} of {entry.origin.client}, {face.line(why)}")
    if not adoption.servers:
        fail("no server found to stand in front of: write one into a configuration, see docs/clients.md")

    _contain(adoption)
    answers = _answers(adoption, file, here) if start else {}
    text = starter(adoption, _offers(answers))
    settings = _parse(text, file, here)
    if adoption.secrets:
        secret_store(settings).put(adoption.secrets)
    names = dict.fromkeys(client for server in adoption.servers for client in server.clients)
    keys = {name: face.fresh_key(settings, name) for name in names}
    _lock(settings, answers)
    _write(file, text)
    typer.echo(f"wrote {file}")
    typer.echo("nothing is vetted yet: read its roles, they list all that your clients may use")
    _say_lost(adoption, settings)
    _connect(settings, here, keys, install=install, project=project)


def _say_lost(adoption: Adoption, settings: Settings) -> None:
    """What a rewritten client could not use any more."""
    for server in adoption.waiting:
        typer.echo(f"{server.id} waits, commented out, for: keepgate secrets set {' '.join(server.missing)}")
    lost = [server.id for server in adoption.servers if not settings.access.roles[server.id].allow]
    lost += [server.id for server in adoption.waiting]
    lost += [face.line(entry.name) for entry, _ in adoption.left if not entry.disabled]
    if lost:
        typer.echo(
            f"not usable through keepgate yet, so out of reach of a rewritten client: {', '.join(lost)}"
        )


def _adopt(entries: Iterable[LaunchEntry], file: Path, here: Machine) -> Adoption:
    """What can be taken over, each server checked on its own: one odd entry must not spoil the file."""
    from keepgate.clients.first_run import Adoption, adopt, starter

    adoption = adopt(entries, home=here.home, env=here.env)
    out = Adoption(left=adoption.left)
    for server in [*adoption.servers, *adoption.waiting]:
        try:
            _parse(starter(Adoption(servers=[server]), {}), file, here)
        except ConfigError as error:
            why = error.public.removeprefix(f"{error.where}: ")
            out.left.extend((entry, why) for entry in server.entries)
            continue
        _ask(server)
        (out.waiting if server.missing else out.servers).append(server)
    return out


def _contain(adoption: Adoption) -> None:
    """Give each server that is started a sandbox that lets it work as far as that can be told."""
    from keepgate.compose.sandbox import suggested

    for server in (*adoption.servers, *adoption.waiting):
        command, env = server.config.get("command", ()), server.config.get("env", {})
        if box := suggested(command, env, Path(server.config.get("cwd", "."))):
            server.config["sandbox"] = box
            server.notes.append(
                "its sandbox shows it what its arguments name and lets it reach nothing: list under `network` what it"
                " must reach, the log of keepgate says what it tried"
            )


def _ask(server: Server) -> None:
    """Secrets that a client keeps to itself, from the person at the terminal."""
    if not server.missing or not _terminal():
        return
    typer.echo(f"{server.id} needs what only its client knows (nothing: leave it out for now)")
    given = {
        name: typer.prompt(f"  {face.line(what)}", default="", show_default=False, hide_input=True)
        for name, what in server.missing.items()
    }
    if all(given.values()):
        server.secrets.update(given)
        server.missing.clear()


def _lock(settings: Settings, answers: Answers) -> None:
    """Pin what was seen: what a server comes to offer later is not used before somebody approves it."""
    from keepgate.compose.lock import approval, approve, lock_path, offer_of
    from keepgate.gateway.inventory import Inventory
    from keepgate.lock.document import Lock

    offers = {
        name: offer_of(settings.servers[name], answer)
        for name, answer in answers.items()
        if isinstance(answer, Inventory) and name in settings.servers
    }
    if lock_path(settings).exists():
        typer.echo(f"{lock_path(settings)} was there before and stays as it is")
    elif offers:
        approve(settings, Lock(), offers, approval(reason="first run: seen, not vetted"))
        typer.echo(f"wrote {lock_path(settings)}: what they offer later needs `keepgate lock approve`")


def _answers(adoption: Adoption, file: Path, here: Machine) -> Answers:
    """Start or reach every server once and ask what it offers, after saying what is started."""
    from keepgate.clients.first_run import starter
    from keepgate.compose import list_servers

    typer.echo("asking each server once what it offers (--no-start skips this):")
    for server in adoption.servers:
        typer.echo(f"  {server.id}: {_started(server)}")
        for note in server.notes:
            typer.echo(f"    note: {face.line(note)}")
    return list_servers(_parse(starter(adoption, {}), file, here), adoption.secrets)


def _offers(answers: Answers) -> dict[str, Offer]:
    """What is granted of what the servers said."""
    from keepgate.clients.first_run import Offer
    from keepgate.gateway.inventory import Inventory

    out = {}
    for name, answer in answers.items():
        if isinstance(answer, Inventory):
            out[name] = Offer(answer.tools, answer.prompts, answer.resources)
            counts = (
                f"{len(answer.tools)} tools, {len(answer.prompts)} prompts, {len(answer.resources)} resources"
            )
            typer.echo(f"  {name}: {counts}")
        else:
            out[name] = Offer(unknown=f"it could not be asked ({answer.public})")
            typer.echo(
                f"  {name}: could not be asked, so nothing of it is granted: {face.line(answer.public)}"
            )
    return out


def _started(server: Server) -> str:
    """What is going to be started or reached, every `${...}` filled in."""
    from keepgate.clients.formats import MASK

    env = server.config.get("env", {})
    shown = {name: value if isinstance(value, str) else MASK for name, value in env.items()}
    return face.command_text(tuple(server.config.get("command", ())), shown, server.config.get("url", ""))


def _connect(
    settings: Settings,
    here: Machine,
    keys: Mapping[str, str],
    *,
    install: bool | None,
    project: bool,
) -> None:
    """Rewrite the clients' files, or show what to put there. Keys are shown only where nothing else holds them."""
    from keepgate.clients import CLIENTS

    if install is None:
        question = "replace these servers in the clients' files by keepgate (with backup)?"
        install = _terminal() and typer.confirm(question)
    if install:
        worker = face.rewriter(here)
        changes = [
            change
            for name in keys
            for change in face.plan_install(
                worker, CLIENTS[name], settings, partial(keys.__getitem__, name), project=project, rotate=True
            )
        ]
        face.finish(worker, changes)
        typer.echo("restart the clients; `keepgate clients uninstall` leads back")
        return
    typer.echo(
        "to connect a client, put this among its servers (shown this once; or `keepgate clients install`):"
    )
    for name, key in keys.items():
        path = CLIENTS[name].anchor(here).path
        typer.echo(f"{CLIENTS[name].title}, {face.line(str(path))}:")
        typer.echo(f'  "keepgate": {json.dumps(CLIENTS[name].entry(face.gateway(settings, key)))}')


def _say_new(settings: Settings, here: Machine) -> None:
    """Servers that appeared in a client since, and reach it around keepgate."""
    from keepgate.clients import CLIENTS
    from keepgate.clients.discover import discover

    entries = [entry for each in discover(here, CLIENTS.values()) for entry in each.entries]
    for entry in face.unserved(entries, settings, here):
        name, client = face.line(entry.name), entry.origin.client
        typer.echo(f"new: {name} of {client} is not in {settings.file} and does not pass keepgate")


def _locate(config: Path | None, here: Machine) -> Path:
    """Where the configuration is looked for; on a first run it goes to the user's own directory, not into a project."""
    given = config or (Path(here.env["KEEPGATE_CONFIG"]) if here.env.get("KEEPGATE_CONFIG") else None)
    if given:
        return given.absolute()
    local = here.cwd / "keepgate.yaml"
    base = Path(here.env.get("XDG_CONFIG_HOME", ""))
    user = (base if base.is_absolute() else here.home / ".config") / "keepgate" / "keepgate.yaml"
    return local if local.is_file() else user


def _parse(text: str, file: Path, here: Machine) -> Settings:
    from keepgate.config import parse

    return parse(text, file=file, env=here.env)


def _terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _write(file: Path, text: str) -> None:
    """Make the file, for its owner alone; one that appeared meanwhile is not overwritten."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise ConfigError(f"cannot write `{file}`: {error.strerror}") from error
