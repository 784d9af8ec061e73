"""The pages of a login at a server: who opens one must be the principal it is for (wire.md section 4).

`/login/<ticket>` asks for a proof of that: a key, or for who came with a token a login at its issuer, which leads back
to `/login/proof`. `/login/callback` takes what the server's authorization server sends back, from the browser that gave
the proof and from no other. `/login/client.json` is keepgate's client metadata document.
"""

from __future__ import annotations

import html
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import parse_qsl, urlsplit

from keepgate.auth.access_token import TokenError
from keepgate.auth.client.credentials import keep
from keepgate.auth.client.login import Keep, Login
from keepgate.auth.client.tickets import Ticket, Tickets
from keepgate.auth.oidc import LoginError, OidcLogin
from keepgate.model.access import Principal
from keepgate.model.errors import KeepgateError, LocalError, LoginNeededError, RemoteError, UpstreamError
from keepgate.ports import KeyRing

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

PATH: Final = "/login"
CALLBACK: Final = f"{PATH}/callback"
PROOF: Final = f"{PATH}/proof"
_LONGEST: Final = 16 << 10
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

log = logging.getLogger("keepgate")


class Note(Protocol):
    """Writes a record of an event."""

    def __call__(
        self, name: str, reason: str, *, private: str = "", principal: str = "", server: str = ""
    ) -> None: ...


@dataclass(slots=True)
class Doors:
    """Where principals log in, and the logins of all servers by id. Implements credentials.Doors."""

    tickets: Tickets
    keys: KeyRing
    public_url: str
    """Empty where there are no pages: then only `keepgate login` remains."""
    logins: dict[str, tuple[Login, Keep]]
    granted: Callable[[str, str], Awaitable[None]]
    """Told the principal and the server of every login."""
    note: Note = lambda *_, **__: None
    """Records what came of a login."""
    provers: dict[str, OidcLogin] = field(default_factory=dict)
    """Where users of each issuer's tokens show at a browser who they are."""

    def need(
        self, principal: Principal, server: str, challenge: Mapping[str, str], scopes: tuple[str, ...]
    ) -> LoginNeededError:
        """The error that names the login to be made."""
        ticket = self.tickets.need(principal, server, challenge, scopes)
        if self.public_url and (principal.kind in ("anonymous", "key") or self._prover(principal)):
            url = f"{self.public_url}{PATH}/{ticket.id}"
            return LoginNeededError(server, url, f"open {url} within ten minutes")
        return LoginNeededError(server, "", f"run `keepgate login {server} --principal {principal.id}`")

    def pending(self, principal: str, server: str) -> bool:
        """Whether there is one to be made. Without pages nobody could say that it was."""
        return bool(self.public_url) and self.tickets.pending(principal, server) is not None

    def _prover(self, principal: Principal) -> OidcLogin | None:
        """For a user who came with a token: where a browser can show that it is that user's."""
        issuer = principal.auth.issuer if principal.auth is not None and principal.user else ""
        return self.provers.get(issuer)

    # Pages

    def routes(self, client_document: Mapping[str, object] | None) -> list[Route]:
        """For the ASGI side of the server."""
        from starlette.responses import JSONResponse
        from starlette.routing import Route

        async def document(_: Request) -> Response:
            return JSONResponse(dict(client_document or {}), headers={"Cache-Control": "max-age=3600"})

        made = [
            Route(CALLBACK, self._callback),
            Route(PROOF, self._return),
            Route(f"{PATH}/{{ticket}}", self._ticket, methods=["GET", "POST"]),
        ]
        if client_document is not None:
            made.insert(0, Route(f"{PATH}/client.json", document))
        return made

    async def _ticket(self, request: Request) -> Response:
        ticket = self.tickets.find(request.path_params["ticket"])
        if ticket is None or ticket.server not in self.logins:
            return _page(
                404, "This login does not exist, was used, or has expired.", "Call the tool once more."
            )
        if request.method == "GET":
            return _page(200, _whose(ticket), form=_form(ticket))
        if (prover := self._prover(ticket.principal)) is not None:
            return await self._prove(ticket, prover)
        if not self._proven(ticket, await _fields(request)):
            self._note("login.refused", "opened by somebody else", ticket)
            return _page(403, "That is not the key this login is for.", form=_form(ticket))
        return await self._go_on(ticket)

    async def _prove(self, ticket: Ticket, prover: OidcLogin) -> Response:
        """Send the browser to show whose it is, at the issuer of the caller's token."""
        state = secrets.token_urlsafe(32)
        try:
            url, pending = await prover.begin(f"{self.public_url}{PROOF}", state)
        except RemoteError as error:
            return _page(error.status, error.public)
        ticket.browser = secrets.token_urlsafe(32)
        self.tickets.begin_proof(ticket, state, pending)
        return self._sent(url, f"First show that you are {ticket.principal.user}", ticket.browser)

    async def _return(self, request: Request) -> Response:
        """Back from the issuer: the user of the token, or somebody else."""
        query = once(request.url.query)
        found = self.tickets.proven(query.get("state", ""), request.cookies.get(self._cookie, ""))
        prover = self._prover(found[0].principal) if found is not None else None
        if found is None or prover is None or found[0].server not in self.logins:
            return _page(400, "This browser did not begin this login, or it has expired.")
        ticket, pending = found
        try:
            shown = prover.principal(await prover.answered(pending, query))
        except (LoginError, TokenError) as error:
            self._note("login.refused", error.public, ticket, error.private)
            return _page(403, f"Nobody was recognised: {error.public}.")
        except RemoteError as error:
            return _page(error.status, error.public)
        if (shown.user, shown.tenant) != (ticket.principal.user, ticket.principal.tenant):
            self._note("login.refused", "opened by somebody else", ticket, shown.id)
            return _page(403, "You are not the user this login is for.")
        return await self._go_on(ticket)

    async def _go_on(self, ticket: Ticket) -> Response:
        """Whoever sits at the browser is the principal: on to the server's authorization server."""
        login, _ = self.logins[ticket.server]
        try:
            begun = await login.begin(ticket.challenge, ticket.scopes, f"{self.public_url}{CALLBACK}")
        except (UpstreamError, LocalError) as error:
            self._note("login.failed", error.public, ticket, error.private)
            return _page(502, error.public)
        ticket.browser = secrets.token_urlsafe(32)
        self.tickets.begin(ticket, begun)
        return self._sent(begun.url, "You will log in", ticket.browser)

    def _sent(self, url: str, why: str, browser: str) -> Response:
        """A page that leads on, and the cookie by which the browser is known when it comes back."""
        where = urlsplit(url).netloc
        link = f'<p><a rel="noreferrer" href="{html.escape(url)}">Continue to {html.escape(where)}</a></p>'
        answer = _page(200, f"{why} at {where}.", form=link)
        secure = self.public_url.startswith("https:")
        answer.set_cookie(
            self._cookie, browser, max_age=600, path="/", secure=secure, httponly=True, samesite="lax"
        )
        return answer

    @property
    def _cookie(self) -> str:
        return _cookie(secure=self.public_url.startswith("https:"))

    async def _callback(self, request: Request) -> Response:
        query = once(request.url.query)
        cookie = self._cookie
        ticket = self.tickets.take(query.get("state", ""), request.cookies.get(cookie, ""))
        if ticket is None or ticket.begun is None or ticket.server not in self.logins:
            return _page(400, "This browser did not begin this login, or it has expired.")
        login, where = self.logins[ticket.server]
        try:
            grant = await login.finish(ticket.begun, query)
            keep(where, ticket.principal.id, login, grant)
        except KeepgateError as error:
            self._note("login.failed", error.public, ticket, error.private)
            return _page(502, error.public)
        self._note("login.granted", f"by {grant.issuer}", ticket)
        await self.granted(ticket.principal.id, ticket.server)
        answer = _page(
            200, f"You are logged in at {ticket.server}.", "You can close this page and repeat the call."
        )
        answer.delete_cookie(cookie, path="/")
        return answer

    def _note(self, kind: str, text: str, ticket: Ticket, private: str = "") -> None:
        log.info("%s at server %s: %s", kind, ticket.server, text)
        self.note(kind, text, private=private, principal=ticket.principal.id, server=ticket.server)

    def _proven(self, ticket: Ticket, fields: Mapping[str, str]) -> bool:
        """Whether whoever sits at the browser is the principal. All of loopback is one, where it is anonymous."""
        if ticket.principal.kind == "anonymous":
            return True
        shown = self.keys.authenticate(fields.get("key", "").strip())
        return shown is not None and shown.id == ticket.principal.id


def once(text: str) -> dict[str, str]:
    """Parameters that are there once; one that is there twice could be read in two ways, and is not read."""
    try:
        pairs = parse_qsl(text[:_LONGEST], max_num_fields=20)
    except ValueError:
        return {}
    names = [name for name, _ in pairs]
    return {name: value for name, value in pairs if names.count(name) == 1}


async def _fields(request: Request) -> dict[str, str]:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _LONGEST:
            return {}
    return once(body.decode("ascii", "replace"))


def _cookie(*, secure: bool) -> str:
    return "__Host-keepgate-login" if secure else "keepgate-login"


def _whose(ticket: Ticket) -> str:
    scopes = f" It asks for: {', '.join(ticket.scopes)}." if ticket.scopes else ""
    return (
        f"{ticket.principal.id} is about to be logged in at the server {ticket.server} behind this gateway. Whatever "
        f"account you log in with there will be used for {ticket.principal.id}.{scopes} "
        "If you did not ask for this just now, close this page."
    )


def _form(ticket: Ticket) -> str:
    key = ""
    if ticket.principal.kind == "key":
        field = '<input name="key" type="password" autocomplete="off">'
        key = f"<p><label>The API key of {html.escape(ticket.principal.id)}: {field}</label></p>"
    return f'<form method="post">{key}<p><button>Log in</button></p></form>'


def _page(status: int, text: str, more: str = "", *, form: str = "") -> Response:
    from starlette.responses import HTMLResponse

    body = f"<p>{html.escape(text)}</p>" + (f"<p>{html.escape(more)}</p>" if more else "") + form
    whole = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>keepgate: login</title>{body}</html>'
    )
    return HTMLResponse(whole, status, headers=_HEADERS)
