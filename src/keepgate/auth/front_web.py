"""The login front over HTTP: metadata, the page that asks, the way to the provider and back, tokens.

RFC 6749, 7009, 7591, 7636, 8414, 8707, 9207.

Before a client and its redirect address are known to be right, mistakes end on a page of our own and nowhere else.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from keepgate.auth.front import Asked, Away, Front, FrontError, Tokens, check_challenge
from keepgate.auth.front_clients import ClientError, FrontClients
from keepgate.auth.oidc import LoginError
from keepgate.model.errors import AuditError, RemoteError
from keepgate.protocol import jsonrpc
from keepgate.protocol.jsonrpc import JsonLimits

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

METADATA: Final = "/.well-known/oauth-authorization-server"
COOKIE: Final = "keepgate-login"
MOST: Final = 16 << 10
_LIMITS: Final = JsonLimits(size=MOST, depth=8, members=500)
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # with none at all, browsers call the origin of our own form `null`
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>keepgate</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:10vh auto;padding:0 1rem}}
code{{overflow-wrap:anywhere}}button{{font:inherit;padding:.5rem 1rem;margin-right:1rem}}</style>
<h1>keepgate</h1>{body}</html>"""
_ASK: Final = """<p><strong>{name}</strong> wants to use your tools through this gateway, in your name.</p>
<dl><dt>It is known as</dt><dd><code>{client}</code></dd>
<dt>It will be told on</dt><dd><strong><code>{host}</code></strong></dd>
<dt>It wants to reach</dt><dd><code>{resource}</code></dd><dt>It asks for</dt><dd><code>{scopes}</code></dd></dl>
<p>The name is what it calls itself. If you did not begin this in a program of yours just now, say no.</p>
<form method="post" action="/oauth/consent"><input type="hidden" name="page" value="{page}">
<input type="hidden" name="csrf" value="{csrf}"><button name="answer" value="yes">Allow and log in</button>
<button name="answer" value="no">No</button></form>"""

Answer = Callable[[Request], Awaitable[Response]]


class Desk(Protocol):
    """What the front tells the gateway."""

    def note(self, event: str, reason: str, *, principal: str = "", private: str = "") -> None:
        """Into the log. Raises AuditError: then nothing happens."""

    def spend(self, source: str) -> float:
        """Seconds that this source has to wait; 0 if it may go on."""


class FrontWeb:
    """The routes of a front."""

    def __init__(self, front: Front, clients: FrontClients, scopes: tuple[str, ...], desk: Desk) -> None:
        self._front = front
        self._clients = clients
        self._scopes = scopes
        self._desk = desk

    def routes(self) -> list[BaseRoute]:
        """For the web application beside the endpoint."""
        made: list[BaseRoute] = [
            Route(METADATA, self._metadata),
            Route("/oauth/authorize", self._guard(self._authorize)),
            Route("/oauth/consent", self._guard(self._consent), methods=["POST"]),
            Route("/oauth/callback", self._guard(self._callback)),
            Route("/oauth/token", self._guard(self._token), methods=["POST"]),
            Route("/oauth/revoke", self._guard(self._revoke), methods=["POST"]),
        ]
        if self._clients.registration:
            made.append(Route("/oauth/register", self._guard(self._register), methods=["POST"]))
        return made

    def _guard(self, answer: Answer) -> Answer:
        """Slow down who asks too often; nothing happens that cannot be recorded; no cause is shown."""

        async def guarded(request: Request) -> Response:
            if self._desk.spend(request.client.host if request.client else ""):
                return Response("too many requests", 429, {"Retry-After": "5"})
            try:
                return await answer(request)
            except AuditError:
                return page("Nothing can be recorded now, so nothing is done: try again.", 503)
            except RemoteError as error:
                return page(escape(error.public), error.status)

        return guarded

    async def _metadata(self, _: Request) -> Response:
        url = self._front.url
        document: dict[str, Any] = {
            "issuer": url,
            "authorization_endpoint": f"{url}/oauth/authorize",
            "token_endpoint": f"{url}/oauth/token",
            "revocation_endpoint": f"{url}/oauth/revoke",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "revocation_endpoint_auth_methods_supported": ["none"],
            "authorization_response_iss_parameter_supported": True,
            "client_id_metadata_document_supported": True,
        }
        if self._scopes:
            document["scopes_supported"] = list(self._scopes)
        if self._clients.registration:
            document["registration_endpoint"] = f"{url}/oauth/register"
        return JSONResponse(document, headers={"Cache-Control": "max-age=300"})

    # The way of a browser

    async def _authorize(self, request: Request) -> Response:
        try:
            given = once(request.url.query)
            client = await self._clients.get(given.get("client_id", ""))
            redirect = given.get("redirect_uri", "")
            client.check_redirect(redirect)
        except (ClientError, ValueError) as error:
            return page(f"This cannot go on: {escape(str(error))}.", 400)
        state = given.get("state", "")
        try:
            asked = self._asked(given, Asked(client, redirect, state, "", ""))
        except FrontError as error:
            return self._back(redirect, state, error=error.code, error_description=error.public)
        browser = request.cookies.get(self._cookie, "")
        if len(browser) != 43:
            browser = secrets.token_urlsafe(32)
        number, csrf = self._front.show(asked, browser)
        shown = page(
            _ASK.format(
                name=escape(client.name or "A program without a name"),
                client=escape(client.id),
                host=escape(urlsplit(redirect).netloc),
                resource=escape(asked.resource),
                scopes=escape(" ".join(asked.scopes) or "nothing in particular"),
                page=number,
                csrf=csrf,
            )
        )
        self._remember(shown, browser)
        return shown

    def _asked(self, given: Mapping[str, str], begun: Asked) -> Asked:
        """The rest of the request. Raises FrontError, which goes back to the client."""
        if len(begun.state) > 1024:
            raise FrontError("invalid_request", "`state` is too long")
        if given.get("response_type") != "code" or given.get("response_mode", "query") != "query":
            raise FrontError("unsupported_response_type", "only `code` in the query is answered")
        check_challenge(given.get("code_challenge", ""), given.get("code_challenge_method", ""))
        resource = given.get("resource", "") or self._front.resource.whole
        path = resource.removeprefix(self._front.url)
        if resource != self._front.resource.identifier(path):
            raise FrontError("invalid_target", "the resource is not one of this gateway")
        wanted = given.get("scope", "").split()
        scopes = tuple(scope for scope in dict.fromkeys(wanted or self._scopes) if scope in self._scopes)
        acr, age = given.get("acr_values", ""), given.get("max_age", "")
        if len(acr) > 512 or not acr.isascii() or not acr.isprintable():
            raise FrontError("invalid_request", "`acr_values` is malformed")
        if age and not (age.isascii() and age.isdigit() and len(age) <= 7):
            raise FrontError("invalid_request", "`max_age` is malformed")
        return Asked(
            begun.client,
            begun.redirect_uri,
            begun.state,
            given["code_challenge"],
            resource,
            scopes,
            tuple(acr.split()),
            int(age) if age else None,
        )

    async def _consent(self, request: Request) -> Response:
        try:
            given = once((await self._body(request)).decode())
            self._own_page(request)
            browser = request.cookies.get(self._cookie, "")
            asked = self._front.answered(given.get("page", ""), browser, given.get("csrf", ""))
        except (FrontError, ValueError) as error:
            return page(f"This cannot go on: {escape(str(error))}.", 400)
        agreed = given.get("answer") == "yes"
        what = f"{asked.client.id} to {urlsplit(asked.redirect_uri).netloc}"
        self._desk.note("front.agreed" if agreed else "front.refused", what)
        if not agreed:
            return self._back(asked.redirect_uri, asked.state, error="access_denied")
        return redirect_to(await self._front.leave(asked, browser))

    async def _callback(self, request: Request) -> Response:
        try:
            given = once(request.url.query)
            away = self._front.returned(given.get("state", ""), request.cookies.get(self._cookie, ""))
        except (FrontError, ValueError) as error:
            return page(f"This cannot go on: {escape(str(error))}.", 400)
        asked = away.asked
        try:
            code = await self._let_in(away, given)
        except LoginError as error:
            self._desk.note("front.failed", error.public, private=error.private)
            return self._back(
                asked.redirect_uri, asked.state, error="access_denied", error_description=error.public
            )
        except FrontError as error:
            self._desk.note("front.failed", error.public)
            return self._back(
                asked.redirect_uri, asked.state, error=error.code, error_description=error.public
            )
        self._desk.note("front.login", f"{asked.client.id} to {urlsplit(asked.redirect_uri).netloc}")
        return self._back(asked.redirect_uri, asked.state, code=code)

    async def _let_in(self, away: Away, given: Mapping[str, str]) -> str:
        """A code for the client. Raises LoginError, FrontError, RemoteError (503)."""
        return self._front.code_for(away, dict(await self._front.login.answered(away.pending, given)))

    # The way of a client

    async def _token(self, request: Request) -> Response:
        try:
            given = once((await self._body(request)).decode())
            tokens = self._granted(given, secret="authorization" in request.headers)
        except FrontError as error:
            self._desk.note("front.denied", error.public)
            return problem(error.code, error.public)
        except ValueError as error:
            return problem("invalid_request", str(error))
        self._desk.note("front.tokens", given["client_id"][:200])
        return JSONResponse(answer(tokens), headers=_HEADERS)

    def _granted(self, given: Mapping[str, str], *, secret: bool) -> Tokens:
        """Raises FrontError."""
        client, resource = given.get("client_id", ""), given.get("resource", "")
        if secret or "client_secret" in given:
            raise FrontError("invalid_client", "clients have no secret here")
        if given.get("grant_type") == "authorization_code":
            code, verifier = given.get("code", ""), given.get("code_verifier", "")
            return self._front.redeem(client, code, given.get("redirect_uri", ""), verifier, resource)
        if given.get("grant_type") == "refresh_token":
            return self._front.refresh(client, given.get("refresh_token", ""), resource)
        raise FrontError("unsupported_grant_type", "only codes and refresh tokens are taken")

    async def _revoke(self, request: Request) -> Response:
        try:
            given = once((await self._body(request)).decode())
        except ValueError as error:
            return problem("invalid_request", str(error))
        self._front.revoke(given.get("token", ""))
        return Response(status_code=200, headers=_HEADERS)

    async def _register(self, request: Request) -> Response:
        try:
            document = jsonrpc.parse(await self._body(request), _LIMITS)
            made = self._clients.register(document if isinstance(document, dict) else {})
        except (ClientError, RemoteError, ValueError) as error:
            return problem("invalid_client_metadata", str(error))
        self._desk.note("front.registered", made.id)
        answered = {
            "client_id": made.id,
            "client_name": made.name,
            "redirect_uris": list(made.redirects),
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
        }
        return JSONResponse(answered, 201, headers=_HEADERS)

    # Helpers

    @property
    def _cookie(self) -> str:
        return f"__Host-{COOKIE}" if self._front.url.startswith("https:") else COOKIE

    def _remember(self, response: Response, browser: str) -> None:
        """`Lax`: it has to come along when the provider sends the browser back."""
        secure = "; Secure" if self._front.url.startswith("https:") else ""
        cookie = f"{self._cookie}={browser}; Path=/; HttpOnly; SameSite=Lax; Max-Age=600{secure}"
        response.headers.append("Set-Cookie", cookie)

    def _own_page(self, request: Request) -> None:
        """Raises FrontError for a form that another site's page sent."""
        site = request.headers.get("sec-fetch-site", "same-origin")
        if site != "same-origin" or request.headers.get("origin", self._front.url) != self._front.url:
            raise FrontError("access_denied", "the answer did not come from our own page")

    async def _body(self, request: Request) -> bytes:
        body = await request.body()
        if len(body) > MOST:
            raise ValueError("the body is too large")
        return body

    def _back(self, redirect: str, state: str, **more: str) -> Response:
        """To the client, with our `iss` (RFC 9207)."""
        given = {**more, **({"state": state} if state else {}), "iss": self._front.url}
        return redirect_to(f"{redirect}{'&' if '?' in redirect else '?'}{urlencode(given, quote_via=quote)}")


def once(text: str) -> dict[str, str]:
    """Parameters, none of them twice (RFC 6749 section 3.1). Raises ValueError with a public text."""
    if len(text) > MOST:
        raise ValueError("the request is too long")
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=bool(text), errors="strict", max_num_fields=40
        )
    except ValueError:
        raise ValueError("the request is malformed") from None
    given = dict(pairs)
    if len(given) != len(pairs):
        raise ValueError("a parameter is given twice")
    return given


def answer(tokens: Tokens) -> dict[str, Any]:
    """RFC 6749 section 5.1."""
    return {
        "access_token": tokens.access,
        "token_type": "Bearer",
        "expires_in": tokens.seconds,
        "refresh_token": tokens.refresh,
        "scope": tokens.scope,
    }


def problem(code: str, text: str) -> Response:
    """RFC 6749 section 5.2."""
    status = 401 if code == "invalid_client" else 400
    return JSONResponse({"error": code, "error_description": text}, status, headers=_HEADERS)


def page(body: str, status: int = 200) -> Response:
    """A page of our own; `body` is markup."""
    return Response(_PAGE.format(body=body), status, dict(_HEADERS), "text/html")


def redirect_to(url: str) -> Response:
    """303: whatever was sent here is not sent there."""
    return Response(status_code=303, headers={**_HEADERS, "Location": url})
