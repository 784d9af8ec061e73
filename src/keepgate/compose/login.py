"""`keepgate login`: a principal's login at a server, through the browser of whoever has the state directory."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Callable
from typing import TYPE_CHECKING

from keepgate.auth.client import documents
from keepgate.auth.client.credentials import keep
from keepgate.auth.client.login import Begun, Login
from keepgate.auth.client.pages import once
from keepgate.compose.running import run
from keepgate.compose.secrets import resolver
from keepgate.compose.upstream_auth import Authorizations, ask_for
from keepgate.config import Settings
from keepgate.model.errors import ConfigError, LocalError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

PATIENCE = 600.0
"""Seconds for the person at the browser."""


def default_principal(settings: Settings) -> str:
    """Who this is for if nobody says: the caller without a key, else the user as whom `keepgate stdio` acts."""
    return "anonymous" if settings.identity.anonymous else f"local:{getpass.getuser()}"


def log_in(settings: Settings, server: str, principal: str, show: Callable[[str], None]) -> None:
    """Wait until somebody has logged in at the URL that `show` gets. Raises KeepgateError."""
    found = settings.servers.get(server)
    if found is None or found.auth is None or found.auth.type != "oauth":
        raise ConfigError(f"there is no server `{server}` with `auth: {{type: oauth}}` in {settings.file}")
    authorizations = Authorizations(settings, pages=False)
    login = authorizations.login(server, found, resolver(settings))

    async def work() -> None:
        said = await ask_for(found)(found.url)
        await _through_browser(login, documents.bearer(said.challenge), principal, authorizations, show)

    run(work())


def log_out(settings: Settings, server: str, principal: str) -> bool:
    """Forget what the principal was granted there; False if that is nothing."""
    return Authorizations(settings, pages=False).keep.remove(principal, server)


async def _through_browser(
    login: Login,
    challenge: dict[str, str],
    principal: str,
    authorizations: Authorizations,
    show: Callable[[str], None],
) -> None:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    answered: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
    begun: list[Begun] = []

    async def callback(request: Request) -> Response:
        query = once(request.url.query)
        if not begun or query.get("state") != begun[0].state or answered.done():
            return PlainTextResponse("This is not the login that keepgate waits for.", 400)
        answered.set_result(query)
        return PlainTextResponse("keepgate has what it needs: you can close this page.")

    app = Starlette(routes=[Route("/callback", callback)])
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", 0, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    try:
        while not server.started:
            if serving.done():
                raise LocalError("login", "no port of this machine can be listened on")
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        begun.append(await login.begin(challenge, (), f"http://127.0.0.1:{port}/callback"))
        show(begun[0].url)
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await answered
        except TimeoutError:
            raise LocalError("login", "nobody logged in within ten minutes") from None
        keep(authorizations.keep, principal, login, await login.finish(begun[0], answer))
    finally:
        server.should_exit = True
        await serving
