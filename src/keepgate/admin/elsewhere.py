"""Administrators who log in at an identity provider: sent there, taken back, given the roles that are configured.

The way back begins at another site, so a page stands at its end: a redirect from elsewhere does not send on cookies for
our own pages alone (`SameSite=Strict`).
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from keepgate.admin.cookie import remember
from keepgate.admin.face import OPENING, OPENING_BURST, Event, Journal, Throttle
from keepgate.admin.logins import Logins
from keepgate.admin.place import HEADERS, Place
from keepgate.admin.problem import ProblemError
from keepgate.model.errors import AuditError, RemoteError

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

SECONDS: Final = 600.0
MOST: Final = 1000
COOKIE: Final = "keepgate-admin-login"
_PAGE: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=/admin/login">'
    "<title>keepgate</title><p>logged in</p></html>"
)


@dataclass(frozen=True, slots=True)
class Person:
    """Who logged in: a name, and every name that a grant could reach."""

    name: str
    grantees: tuple[str, ...]


class Provider(Protocol):
    """Where administrators log in. Raises ProblemError (401) for a login that does not count, RemoteError (503)."""

    async def begin(self, redirect_uri: str, state: str) -> tuple[str, Any]:
        """Where to send the browser, and what `finish` needs."""

    async def finish(self, pending: Any, answer: Mapping[str, str]) -> Person:
        """Who it was, with a second factor."""


@dataclass(frozen=True, slots=True)
class _Away:
    browser: str
    pending: Any
    until: float


class Elsewhere:
    """`/admin/oidc` and the way back. `grants`: roles by grantee."""

    def __init__(  # noqa: PLR0913 - what it brings together
        self,
        provider: Provider,
        grants: Mapping[str, tuple[str, ...]],
        logins: Logins,
        place: Place,
        *,
        journal: Journal,
        throttle: Throttle,
        clock: Callable[[], float],
    ) -> None:
        self._provider = provider
        self._grants = grants
        self._logins = logins
        self._journal = journal
        self._throttle = throttle
        self._place = place
        self._clock = clock
        self._away: dict[str, _Away] = {}

    def web(self) -> list[BaseRoute]:
        """For the web application beside the endpoint."""
        return [
            Route("/admin/oidc", self._guard(self._begin)),
            Route("/admin/oidc/callback", self._guard(self._return)),
        ]

    def _guard(
        self, answer: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            try:
                self._place.check_navigation(request)
                self._slow_down(request)
                return await answer(request)
            except AuditError:
                return _said("keepgate cannot record: nothing is done", 503)
            except (ProblemError, RemoteError) as error:
                return _said(error.public, error.status)

        return guarded

    def _slow_down(self, request: Request) -> None:
        peer = request.client.host if request.client else ""
        if self._throttle(f"admin-open:{peer}", rate=OPENING, burst=OPENING_BURST):
            raise ProblemError(429, "rate", "too many attempts")

    async def _begin(self, request: Request) -> Response:
        state, browser, now = secrets.token_urlsafe(32), secrets.token_urlsafe(32), self._clock()
        origin = self._place.origin(request)
        url, pending = await self._provider.begin(f"{origin}/admin/oidc/callback", state)
        while len(self._away) >= MOST:
            del self._away[next(iter(self._away))]
        self._away[_hash(state)] = _Away(_hash(browser), pending, now + SECONDS)
        headers = {**HEADERS, "Location": url, "Set-Cookie": self._cookie(origin, browser)}
        return Response(status_code=303, headers=headers)

    async def _return(self, request: Request) -> Response:
        origin = self._place.origin(request)
        given = {
            name: values[0]
            for name in request.query_params
            if len(values := request.query_params.getlist(name)) == 1
        }
        away = self._away.pop(_hash(given.get("state", "")), None)
        browser = _hash(request.cookies.get(_name(origin), ""))
        if away is None or away.until <= self._clock() or not compare_digest(away.browser, browser):
            raise ProblemError(400, "login", "this login was not begun here, or is over: begin again")
        event = Event("admin.done", self._journal.trace(), "login.elsewhere", "", allowed=True, reason="200")
        try:
            person, roles = await self._let_in(away, given)
        except ProblemError as error:
            refused = replace(
                event, method="admin.refused", allowed=False, reason=error.public, private=error.private
            )
            await self._journal.write(refused)
            raise
        await self._journal.write(replace(event, who=f"admin:{person.name}"))
        token, _ = self._logins.begin(person.name, "oidc", second_factor=True, cookie=True, roles=roles)
        response = Response(_PAGE, 200, dict(HEADERS), "text/html")
        response.headers.append("Set-Cookie", remember(origin, token))
        response.headers.append("Set-Cookie", self._cookie(origin, "") + "; Max-Age=0")
        return response

    async def _let_in(self, away: _Away, given: Mapping[str, str]) -> tuple[Person, tuple[str, ...]]:
        """Who it is, and with which roles. Raises ProblemError, RemoteError (503)."""
        person = await self._provider.finish(away.pending, given)
        roles = tuple(sorted({role for name in person.grantees for role in self._grants.get(name, ())}))
        if not roles:
            raise ProblemError(403, "role", "nobody gave you a role here", person.name)
        return person, roles

    @staticmethod
    def _cookie(origin: str, browser: str) -> str:
        """`Lax`: it has to come along when the provider sends the browser back."""
        secure = "; Secure" if origin.startswith("https:") else ""
        return f"{_name(origin)}={browser}; Path=/; HttpOnly; SameSite=Lax{secure}"


def _name(origin: str) -> str:
    return f"__Host-{COOKIE}" if origin.startswith("https:") else COOKIE


def _said(text: str, status: int) -> Response:
    return Response(text, status, dict(HEADERS), "text/plain")


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
