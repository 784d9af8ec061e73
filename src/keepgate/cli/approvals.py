"""`keepgate approvals`: what waits for a person, in full, and the decision on it.

Approving needs a terminal and the id typed once more: a program that a model steers must not approve for it.
"""

from __future__ import annotations

import getpass
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keepgate.cli.keys import Config, duration
from keepgate.cli.screen import fail, safe

if TYPE_CHECKING:
    from keepgate.config import Settings
    from keepgate.model.approval import Constraint, Pending
    from keepgate.stores.approvals import Approvals

app = typer.Typer(no_args_is_help=True, help="Requests that wait for a person to decide.")

Id = Annotated[str, typer.Argument(metavar="ID", help="Of the approval, as the caller was told.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for the log.", show_default=False)]


@app.command("list")
def list_approvals(
    every: Annotated[bool, typer.Option("--all", help="What was decided as well.")] = False,
    config: Config = None,
) -> None:
    """What waits, the newest first."""
    from keepgate.model.approval import State

    _, store = _store(config)
    found = [one for one in store.every() if every or one.state is State.PENDING]
    for one in found:
        left = max(one.expires - time.time(), 0)
        what = f"{one.wanted.action} {one.wanted.server}/{one.wanted.name}"
        typer.echo(safe(f"{one.id}  {one.state}  {left:.0f} s left  {one.wanted.principal}  {what}", 400))
    if not found:
        typer.echo("nothing waits")


@app.command()
def show(name: Id, config: Config = None) -> None:
    """Everything that would be approved: who, what, with which arguments, and why it asks."""
    _, store = _store(config)
    for line in _told(store.get(name)):
        typer.echo(line)


@app.command()
def approve(
    name: Id,
    why: Why = "",
    remember: Annotated[
        float | None,
        typer.Option(
            parser=duration, metavar="DURATION", help="Let it pass again until then, e.g. 8h; 30d at most."
        ),
    ] = None,
    free: Annotated[
        list[str] | None,
        typer.Option("--any", metavar="ARGUMENT", help="Remember it for any value of this argument."),
    ] = None,
    most: Annotated[
        list[str] | None,
        typer.Option("--most", metavar="ARGUMENT=NUMBER", help="Remember it for numbers from 0 up to this."),
    ] = None,
    config: Config = None,
) -> None:
    """Let exactly this request pass, once; or, if you say so, each like it for a time."""
    settings, store = _store(config)
    constraint = _constraint(free or [], most or [])
    if remember is None and str(constraint) != str(_constraint([], [])):
        fail("`--any` and `--most` are about what is remembered: say for how long with `--remember`", 2)
    for line in _told(store.get(name)):
        typer.echo(line)
    if remember is not None:
        typer.echo(f"to be remembered for {remember:.0f} s: {safe(str(constraint), 1000)}")
    if not sys.stdin.isatty():
        fail("approving needs a terminal: nothing that a program is fed may approve")
    if typer.prompt("type the id once more to approve it", default="", show_default=False).strip() != name:
        fail("not approved")
    if remember is None:
        _decide(settings, store, name, approve=True, why=why)
        return
    from keepgate.compose.approvals import remember as keep

    one = keep(settings, store, name, constraint, by=_me(), seconds=remember)
    typer.echo(f"{one.id}: remembered")


@app.command("remembered")
def list_remembered(config: Config = None) -> None:
    """What passes without being asked for again, and until when."""
    _, store = _store(config)
    found = store.remembered()
    for one in found:
        wanted = one.wanted
        who = f"{wanted.principal} (program {wanted.client or 'without a name'})"
        told = f"{who}  {wanted.action} {wanted.server}/{wanted.name}"
        left = f"{one.expires - time.time():.0f} s left"
        typer.echo(safe(f"{one.id}  {left}  {told}  {one.constraint}  by {one.by}", 2000).replace("\n", " "))
    if not found:
        typer.echo("nothing is remembered")


@app.command()
def revoke(name: Id, why: Why = "", config: Config = None) -> None:
    """Ask again for what is remembered."""
    from keepgate.compose.approvals import revoke as forget

    settings, store = _store(config)
    forget(settings, store, name, by=_me(), reason=why)
    typer.echo(f"{name}: revoked")


@app.command()
def deny(name: Id, why: Why = "", config: Config = None) -> None:
    """Refuse it."""
    settings, store = _store(config)
    _decide(settings, store, name, approve=False, why=why)


def _me() -> str:
    return f"local:{getpass.getuser()}"


def _constraint(free: list[str], most: list[str]) -> Constraint:
    from keepgate.model.approval import Constraint

    bounds = []
    for each in most:
        name, equals, number = each.partition("=")
        try:
            bounds.append((name, float(number)))
        except ValueError:
            equals = ""
        if not (name and equals):
            fail(f"`{safe(each, 80)}` is not ARGUMENT=NUMBER", 2)
    return Constraint(tuple(free), tuple(bounds))


def _store(config: Path | None) -> tuple[Settings, Approvals]:
    from keepgate.compose import load_settings
    from keepgate.compose.approvals import approvals_of

    settings = load_settings(config)
    return settings, approvals_of(settings)


def _decide(settings: Settings, store: Approvals, name: str, *, approve: bool, why: str) -> None:
    from keepgate.compose.approvals import decide

    found = decide(settings, store, name, approve=approve, by=_me(), reason=why)
    typer.echo(f"{found.id}: {found.state}")


def _told(one: Pending) -> list[str]:
    """What an approver must see, so that no text of outsiders can be taken for keepgate's."""
    from keepgate.decide.appeal import arguments, head

    return [*head(one, time.time()), *arguments(one.wanted)]
