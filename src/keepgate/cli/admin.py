"""`keepgate admin`: who may use the admin face, kept in the state directory (docs/admin.md).

Works without a running gateway: whoever may write the state directory is above every administrator.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keepgate.cli.keys import Config, Expires

if TYPE_CHECKING:
    from keepgate.config import Settings
    from keepgate.model.administrator import Administrator
    from keepgate.stores.admins import JsonAdminStore

app = typer.Typer(no_args_is_help=True, help="Who may use the admin face.")

Name = Annotated[str, typer.Argument(help="Of the administrator.", show_default=False)]
Roles = Annotated[
    list[str],
    typer.Option(
        "--role", help="viewer, operator, approver, admin or payloads. May be repeated.", show_default=False
    ),
]


@app.command()
def add(name: Name, role: Roles, expires: Expires = None, config: Config = None) -> None:
    """Add an administrator and print the first key. It is shown this once and cannot be recovered."""
    from keepgate.admin import administrators

    store = _store(config)
    administrators.add(store, name, tuple(role), now=time.time())
    _show(administrators.make_key(store, name, now=time.time(), lifetime=expires), name)


@app.command()
def key(
    name: Name,
    revoke: Annotated[bool, typer.Option("--revoke", help="End all keys instead.")] = False,
    expires: Expires = None,
    config: Config = None,
) -> None:
    """Make a further key for an administrator and print it, or end all of them."""
    from keepgate.admin import administrators

    if revoke:
        administrators.revoke_keys(_store(config), name)
        typer.echo(f"revoked the keys of {name}")
        return
    _show(administrators.make_key(_store(config), name, now=time.time(), lifetime=expires), name)


@app.command()
def role(name: Name, role: Roles, config: Config = None) -> None:
    """Give an administrator other roles."""
    from keepgate.admin import administrators

    administrators.set_roles(_store(config), name, tuple(role))
    typer.echo(f"{name} is {', '.join(role)}")


@app.command()
def remove(name: Name, config: Config = None) -> None:
    """Forget an administrator. A running keepgate refuses all credentials within a second."""
    from keepgate.admin import administrators

    administrators.remove(_store(config), name)
    typer.echo(f"removed {name}")


@app.command("list")
def list_administrators(config: Config = None) -> None:
    """List the administrators and what they can log in with: never a secret."""
    rows = [("NAME", "ROLES", "LOGIN")]
    rows += [
        (ascii(each.name)[1:-1], ",".join(each.roles), ",".join(_login(each)) or "nothing")
        for each in _store(config).read()
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _login(each: Administrator) -> list[str]:
    found = {"key": each.keys, "password": each.password, "totp": each.totp, "passkey": each.passkeys}
    return [word for word, given in found.items() if given]


def _settings(config: Path | None) -> Settings:
    from keepgate.config import load

    return load(config, env=os.environ)


def _store(config: Path | None) -> JsonAdminStore:
    from keepgate.stores.admins import JsonAdminStore

    return JsonAdminStore(_settings(config).state)


def _show(text: str, name: str) -> None:
    """The key alone on stdout, so that it can be piped; what to do with it on stderr."""
    typer.echo(text)
    typer.echo(f"the key of {name} is shown this once: send it as `Authorization: Bearer <key>`.", err=True)
