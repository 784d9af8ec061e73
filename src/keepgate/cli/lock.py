"""`keepgate lock`: what servers were when they were approved, what has changed since, and approving that.

Exit codes: 0 all as approved, 1 something is not, or failed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from keepgate.cli.keys import Config, duration
from keepgate.cli.screen import fail, safe
from keepgate.model.errors import ConfigError, KeepgateError

if TYPE_CHECKING:
    from keepgate.config import Settings
    from keepgate.lock.compare import Change, Offer
    from keepgate.lock.document import Approval, Lock

app = typer.Typer(no_args_is_help=True, help="What servers were when they were approved: keepgate.lock.")

Names = Annotated[list[str] | None, typer.Argument(help="Servers; without any: all that are configured.")]
Until = Annotated[
    float | None,
    typer.Option(parser=duration, metavar="DURATION", help="End the approval after this time, e.g. 90d."),
]
Reason = Annotated[str, typer.Option(help="Why it is approved.", show_default=False)]
By = Annotated[
    str, typer.Option(help="Who approves; without it the user of this process.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.command()
def write(until: Until = None, reason: Reason = "", by: By = "", config: Config = None) -> None:
    """Ask all servers what they offer and write the first lock. One that exists is never replaced."""
    from keepgate.compose import load_settings
    from keepgate.compose.lock import approval, lock_path
    from keepgate.lock.document import Lock

    settings = load_settings(config)
    if lock_path(settings).exists():
        fail(f"there is a lock `{lock_path(settings)}`: `keepgate lock approve` changes it")
    _approve(settings, Lock(), _offers(settings, []), approval(by, reason, until))


@app.command()
def approve(  # noqa: PLR0917 - each is an option
    names: Names = None,
    every: Annotated[bool, typer.Option("--all", help="All servers, whatever the lock says now.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    until: Until = None,
    reason: Reason = "",
    by: By = "",
    config: Config = None,
) -> None:
    """Show what changed, and approve servers as they are now. Servers that are not configured any more go."""
    from keepgate.compose import load_settings
    from keepgate.compose.lock import approval, lock_path
    from keepgate.lock.document import Lock
    from keepgate.stores import lockfile

    settings = load_settings(config)
    if bool(names) == every:
        fail("name the servers to approve, or say --all", 2)
    shown = lock = Lock()
    try:
        shown = lock = _lock(settings) if lock_path(settings).exists() else Lock()
    except KeepgateError as error:
        if not every:  # what is not believed must not be signed along with what is approved now
            raise
        typer.echo(f"the lock that is there does not count: {safe(error.public)}")
        shown = lockfile.read(lock_path(settings)) if _readable(lock_path(settings)) else Lock()
    offers = _offers(settings, names or [])
    for name, offer in offers.items():
        for line in _told(settings, shown, name, offer):
            typer.echo(safe(line))
    if not yes and not _sure(f"approve {', '.join(offers)} as shown?"):
        fail("nothing was approved: say --yes, or answer on a terminal")
    kept = Lock({name: one for name, one in lock.servers.items() if name in settings.servers})
    _approve(settings, kept, offers, approval(by, reason, until))


@app.command()
def check(names: Names = None, as_json: Json = False, config: Config = None) -> None:
    """Ask the servers what they offer now and say which are not as approved."""
    from keepgate.compose import load_settings

    settings = load_settings(config)
    lock = _lock(settings)
    found = {
        name: _changes(settings, lock, name, offer) for name, offer in _offers(settings, names or []).items()
    }
    if as_json:
        typer.echo(
            orjson.dumps({name: [_shape(one) for one in each] for name, each in found.items()}).decode()
        )
    else:
        for name, changes in found.items():
            typer.echo(f"{name}: {f'{len(changes)} changes' if changes else 'as approved'}")
    raise typer.Exit(1 if any(found.values()) else 0)


@app.command()
def diff(names: Names = None, config: Config = None) -> None:
    """Show what changed since servers were approved, in words and line by line."""
    from keepgate.compose import load_settings

    settings = load_settings(config)
    lock = _lock(settings)
    lines = [
        line
        for name, offer in _offers(settings, names or []).items()
        for line in _told(settings, lock, name, offer)
    ]
    for line in lines or ["nothing changed"]:
        typer.echo(safe(line))
    raise typer.Exit(1 if lines else 0)


@app.command()
def verify(config: Config = None) -> None:
    """Check the format and the signature of the lock, without asking any server."""
    from keepgate.compose import load_settings
    from keepgate.compose.lock import approver, lock_path

    settings = load_settings(config)
    lock = _lock(settings)
    own = "this state directory's" if lock.key == approver(settings).public else "configured"
    typer.echo(f"{lock_path(settings)}: {len(lock.servers)} servers, signed by {lock.key} ({own} key)")
    for name, server in lock.servers.items():
        if server.approved is not None:
            until = f", until {server.approved.until}" if server.approved.until else ""
            typer.echo(
                safe(f"  {name}: {server.approved.by}, {server.approved.at}{until} {server.approved.reason}")
            )


def _lock(settings: Settings) -> Lock:
    """The lock, if it counts. Raises ConfigError."""
    from keepgate.compose.lock import lock_of, lock_path

    lock = lock_of(settings)
    if lock is None:
        raise ConfigError(f"there is no lock `{lock_path(settings)}`: `keepgate lock write` makes one")
    return lock


def _readable(path: Path) -> bool:
    from keepgate.stores import lockfile

    try:
        lockfile.read(path)
    except KeepgateError:
        return False
    return True


def _offers(settings: Settings, names: list[str]) -> dict[str, Offer]:
    """What servers offer now; one that cannot be asked is said and left out. Fails if there is none."""
    from dataclasses import replace

    from keepgate.compose import list_servers
    from keepgate.compose.lock import offer_of

    if unknown := [name for name in names if name not in settings.servers]:
        fail(f"not configured: {', '.join(map(safe, unknown))}", 2)
    chosen = {name: one for name, one in settings.servers.items() if not names or name in names}
    out, failed = {}, False
    for name, answer in list_servers(replace(settings, servers=chosen)).items():
        if isinstance(answer, KeepgateError):
            failed = True
            print(f"warning: {name} could not be asked: {safe(answer.public)}", file=sys.stderr)
        else:
            out[name] = offer_of(chosen[name], answer)
    if not out or (failed and names):
        fail("no server could be asked" if not out else "not every server that was named could be asked")
    return out


def _changes(settings: Settings, lock: Lock, name: str, offer: Offer) -> list[Change]:
    from keepgate.lock.compare import Change, Class, compare
    from keepgate.stores.definitions import Definitions

    locked = lock.servers.get(name)
    if locked is None:
        return [Change(Class.ADDED, "server", "", after=offer.launch.value())]
    return list(compare(locked, offer, Definitions(settings.state).get, _suspicious))


def _told(settings: Settings, lock: Lock, name: str, offer: Offer) -> list[str]:
    from keepgate.lock.render import told

    lines = list(told(_changes(settings, lock, name, offer), server=name))
    if name not in lock.servers:
        for kind, items in offer.items.items():
            lines += [f"  {kind}: {', '.join(items)}"] if items else []
    return lines


def _suspicious(text: str) -> frozenset[str]:
    """The rules that a text meets as a description."""
    from keepgate import check as inspect

    found = inspect({"kind": "tool", "tool": {"name": "t", "description": text}})
    return frozenset(finding.rule for finding in found.findings)


def _approve(settings: Settings, lock: Lock, offers: dict[str, Offer], approval: Approval) -> None:
    from keepgate.compose.lock import approve as put

    put(settings, lock, offers, approval)
    typer.echo(f"approved: {', '.join(offers)}")


def _sure(question: str) -> bool:
    return sys.stdin.isatty() and typer.confirm(question)


def _shape(change: Change) -> dict[str, str]:
    return {
        "change": str(change.change),
        "kind": change.kind,
        "name": change.name,
        "part": change.part,
        "risk": change.risk,
    }
