"""`keepgate admin login` and `call`: the admin API of a running gateway, from the command line."""

from __future__ import annotations

import json
import os
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import typer

from keepgate.cli.screen import fail
from keepgate.model.errors import LocalError

ROOT: Final = "/admin/api/v1"
KEY: Final = "KEEPGATE_ADMIN_KEY"
TOKEN: Final = "KEEPGATE_ADMIN_TOKEN"  # noqa: S105 - the name of a variable
MOST: Final = 64 << 20

Url = Annotated[str, typer.Option(help="Where the gateway is.")]


def login(url: Url = "http://127.0.0.1:8700") -> None:
    """Log in with the key in `$KEEPGATE_ADMIN_KEY` and a code; print a token for `$KEEPGATE_ADMIN_TOKEN`."""
    key = os.environ.get(KEY, "")
    if not key:
        fail(f"put your key into `${KEY}`", 2)
    code = typer.prompt("code", err=True)
    answer = send(url, "POST", "/login", json.dumps({"key": key, "code": code, "keep": "token"}))
    typer.echo(answer["token"])


def call(
    method: Annotated[str, typer.Argument(help="GET, POST, PUT or DELETE.", show_default=False)],
    path: Annotated[str, typer.Argument(help="For instance `/servers`.", show_default=False)],
    data: Annotated[str, typer.Option(help="A body, in JSON.", show_default=False)] = "",
    url: Url = "http://127.0.0.1:8700",
) -> None:
    """Ask the admin API of a running gateway, with the token or key in `$KEEPGATE_ADMIN_TOKEN`; print the answer."""
    token = os.environ.get(TOKEN, "")
    if not token:
        fail(f"put a key, or what `keepgate admin login` prints, into `${TOKEN}`", 2)
    answer = send(url, method.upper(), path, data, token)
    if answer is not None:
        typer.echo(json.dumps(answer, indent=2))


def send(url: str, method: str, path: str, body: str = "", token: str = "") -> Any:
    """What the API answers; None for nothing. Raises LocalError with what it says is wrong."""
    parts = urlsplit(url)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if (
        parts.scheme not in ("https", "http")
        or (parts.scheme == "http" and not local)
        or parts.hostname is None
    ):
        raise LocalError(
            "url", f"`{url}` must be https, or http on this machine: a key would be sent in clear"
        )
    headers = {"Accept": "application/json"}
    if body:
        headers["Content-Type"] = "application/json"
    if token:
        headers["Authorization"] = f"Bearer {token}"
    connection = (
        HTTPSConnection(parts.hostname, parts.port, timeout=60, context=ssl.create_default_context())
        if parts.scheme == "https"
        else HTTPConnection(parts.hostname, parts.port, timeout=60)
    )
    try:
        connection.request(method, ROOT + path, body or None, headers)
        response = connection.getresponse()
        raw = response.read(MOST)
    except (OSError, HTTPException, ValueError) as error:
        raise LocalError("unreachable", f"`{url}` does not answer: {error}") from error
    finally:
        connection.close()
    return _read(response.status, raw)


def _read(status: int, raw: bytes) -> Any:
    try:
        answer = json.loads(raw) if raw else None
    except ValueError:
        answer = None
    if status >= 400:
        title = answer.get("title") if isinstance(answer, dict) else None
        raise LocalError("refused", f"{status}: {title or 'refused'}")
    return answer
