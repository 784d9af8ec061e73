"""`keepgate admin`: who may use the admin face, kept in the state directory (docs/admin.md).

Works without a running gateway: whoever may write the state directory is above every administrator.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keepgate.cli import admin_remote
from keepgate.cli.keys import Config, Expires
from keepgate.model.errors import LocalError

if TYPE_CHECKING:
    from keepgate.config import Settings
    from keepgate.model.administrator import Administrator
    from keepgate.stores.admins import JsonAdminStore

app = typer.Typer(no_args_is_help=True, help="Who may use the admin face.")
app.command()(admin_remote.login)
app.command()(admin_remote.call)

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


@app.command()
def password(
    name: Name,
    remove: Annotated[bool, typer.Option("--remove", help="Forget it instead.")] = False,
    config: Config = None,
) -> None:
    """Set the password of an administrator, read from a prompt or from stdin. It opens nothing without a code."""
    from keepgate.admin import administrators
    from keepgate.admin.password import LONGEST, hashed

    if remove:
        text = ""
    elif sys.stdin.isatty():
        text = typer.prompt("password", hide_input=True, confirmation_prompt=True)
    else:
        text = sys.stdin.read(LONGEST + 2).removesuffix("\n").removesuffix("\r")
    kept = "" if remove else hashed(text)
    administrators.edit(_store(config), name, lambda each: replace(each, password=kept))
    typer.echo(f"{'removed' if remove else 'set'} the password of {name}")


@app.command()
def enroll(
    name: Name,
    totp: Annotated[bool, typer.Option("--totp", help="An authenticator app.")] = False,
    passkey: Annotated[bool, typer.Option("--passkey", help="Print a link that adds a passkey.")] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="Forget the app and all passkeys instead.")
    ] = False,
    config: Config = None,
) -> None:
    """Give an administrator a second factor: an authenticator app, or a passkey."""
    from keepgate.admin import administrators

    if totp + passkey + remove != 1:
        raise typer.BadParameter("give one of --totp, --passkey and --remove")
    if totp:
        _enroll_totp(name, config)
    elif passkey:
        _enroll_passkey(name, config)
    else:
        administrators.edit(
            _store(config), name, lambda each: replace(each, totp="", passkeys=(), enrolment=None)
        )
        typer.echo(f"removed the second factors of {name}")


def _enroll_totp(name: str, config: Path | None) -> None:
    """A secret counts only once a code that was made with it is shown."""
    from keepgate.admin import administrators, totp
    from keepgate.compose.secrets import admin_codes

    settings, store = _settings(config), _store(config)
    administrators.find(store.read(), name)
    secret = totp.new_secret()
    typer.echo(totp.uri(secret, name))
    typer.echo(f"or type {totp.base32(secret)} into the app; then give the code that it shows", err=True)
    step = totp.step_of(secret, typer.prompt("code", err=True).strip(), time.time(), 0)
    if not step:
        raise LocalError("code", "the code is wrong: nothing was changed")
    sealed = totp.seal(admin_codes(settings), name, secret)
    administrators.edit(store, name, lambda each: replace(each, totp=sealed, totp_step=step))
    typer.echo(f"the app of {name} counts from now on", err=True)


def _enroll_passkey(name: str, config: Path | None) -> None:
    from keepgate.admin.administrators import Roll
    from keepgate.admin.reception import permit_enrolment

    settings = _settings(config)
    if settings.admin is None:
        raise LocalError("admin", "there is no admin face: set `admin` in the configuration")
    token = permit_enrolment(Roll(_store(config), time.time), name, time.time())
    scheme = "https" if settings.tls else "http"
    url = settings.admin.url or f"{scheme}://localhost:{settings.address[1]}"
    typer.echo(f"{url}/admin/enroll#{token}")
    typer.echo(f"for {name}: works once, within ten minutes, in the browser of the device", err=True)


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
