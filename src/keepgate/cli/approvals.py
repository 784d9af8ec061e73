"""`keepgate approvals`: what waits for a person, in full, and the decision on it.

Approving needs a terminal and the id typed once more: a program that a model steers must not approve for it.
"""

from __future__ import annotations

import getpass
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import orjson
import typer

from keepgate.cli.keys import Config
from keepgate.cli.screen import fail, safe

if TYPE_CHECKING:
    from keepgate.config import Settings
    from keepgate.model.approval import Pending
    from keepgate.stores.approvals import Approvals

app = typer.Typer(no_args_is_help=True, help="Requests that wait for a person to decide.")

Id = Annotated[str, typer.Argument(metavar="ID", help="Of the approval, as the caller was told.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for the log.", show_default=False)]
LINE: Final = 160
"""Characters of one line of arguments."""


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
def approve(name: Id, why: Why = "", config: Config = None) -> None:
    """Let exactly this request pass, once."""
    settings, store = _store(config)
    for line in _told(store.get(name)):
        typer.echo(line)
    if not sys.stdin.isatty():
        fail("approving needs a terminal: nothing that a program is fed may approve")
    if typer.prompt("type the id once more to approve it", default="", show_default=False).strip() != name:
        fail("not approved")
    _decide(settings, store, name, approve=True, why=why)


@app.command()
def deny(name: Id, why: Why = "", config: Config = None) -> None:
    """Refuse it."""
    settings, store = _store(config)
    _decide(settings, store, name, approve=False, why=why)


def _store(config: Path | None) -> tuple[Settings, Approvals]:
    from keepgate.compose import load_settings
    from keepgate.compose.approvals import approvals_of

    settings = load_settings(config)
    return settings, approvals_of(settings)


def _decide(settings: Settings, store: Approvals, name: str, *, approve: bool, why: str) -> None:
    from keepgate.compose.approvals import decide

    found = decide(settings, store, name, approve=approve, by=f"local:{getpass.getuser()}", reason=why)
    typer.echo(f"{found.id}: {found.state}")


def _told(one: Pending) -> list[str]:
    """What an approver must see. Outsiders' text is escaped, and stands where it cannot be taken for keepgate's."""
    wanted = one.wanted
    head = {
        "approval": f"{one.id}, {one.state}, {max(one.expires - time.time(), 0):.0f} s left",
        "asked by": f"{wanted.principal} (program calls itself {wanted.client or 'nothing'})",
        "to": f"{wanted.action} {wanted.server}/{wanted.name}",
        "because": wanted.reason or "a policy asks",
        "rules": ", ".join(wanted.rules) or "none",
        "decision": wanted.trace,
    }
    lines = [f"{key + ':':10} {safe(text, 500).replace(chr(10), ' ')}" for key, text in head.items()]
    body = orjson.dumps(wanted.params, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()
    lines.append(f"arguments, {len(body)} characters, everything after `|` is the caller's:")
    for line in body.split("\n"):
        shown = safe(line, len(line))
        lines += [f"  | {shown[at : at + LINE]}" for at in range(0, len(shown), LINE)]
    return lines
