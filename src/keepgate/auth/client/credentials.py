"""What is shown to a server: a user's own token there, or a token of keepgate's for all. Implement ports.Credential.

The caller's token is never among it: `exchange` at most asks an authorization server for another one in its place.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final, Protocol

from keepgate.auth.client import documents
from keepgate.auth.client.login import Grant, Keep, Login, grant_from, grant_to
from keepgate.auth.client.token import GrantError, Token
from keepgate.model.access import Principal
from keepgate.model.errors import LoginNeededError, UpstreamError
from keepgate.ports import Refusal

_SOON: Final = 10.0
"""Seconds within which a token that was just obtained is not obtained again because it is refused."""

_FOR_NOW: Final = ("temporarily_unavailable", "server_error", "slow_down")
"""Refusals of a refresh that may be otherwise next time: they cost nobody a grant."""

log = logging.getLogger("keepgate")


class Doors(Protocol):
    """Where principals log in."""

    def need(
        self, principal: Principal, server: str, challenge: Mapping[str, str], scopes: tuple[str, ...]
    ) -> LoginNeededError:
        """The error that names the login to be made."""

    def pending(self, principal: str, server: str) -> bool:
        """Whether there is one."""


class UserCredential:
    """A principal's grant at a server, out of the vault; refreshed, and asked for when there is none."""

    def __init__(self, principal: Principal, login: Login, keep: Keep, doors: Doors) -> None:
        self._principal = principal
        self._login = login
        self._keep = keep
        self._doors = doors
        self._server = login.terms.server
        self._grant: Grant | None = None
        self._known = False
        """The vault was looked into."""
        self._lock = asyncio.Lock()
        self._refused: frozenset[str] | None = None
        """Scopes that were granted and did not do."""

    def lines(self) -> bytes | None:
        """Without a grant nothing is shown: the server then says what it needs."""
        grant = self._grant
        if grant is not None:
            return _bearer(grant.token.access) if grant.usable else None
        waits = not self._known or self._doors.pending(self._principal.id, self._server)
        return None if waits else b""

    def granted(self) -> None:
        """Somebody has logged in: look into the vault before the next request."""
        self._grant, self._known = None, False

    async def renew(self, used: bytes | None, refusal: Refusal | None) -> None:
        """Raises LoginNeededError, UpstreamError."""
        async with self._lock:
            self._load()
            if used is not None and self.lines() not in (None, used):
                return  # somebody else was faster
            challenge = documents.bearer(refusal.challenge) if refusal is not None else {}
            if refusal is not None and refusal.status == 403:
                self._step_up(challenge)
            grant = self._grant
            if grant is not None and refusal is None and grant.usable:
                return
            if grant is not None and grant.token.refresh and await self._refreshed(grant):
                return
            if (
                grant is None
                and refusal is None
                and not self._doors.pending(self._principal.id, self._server)
            ):
                return  # as nobody, once: the server says what it needs
            scopes = documents.scopes_of(challenge.get("scope"))
            had = (grant.token.scopes or ()) if grant is not None else ()
            self._need(challenge, tuple(dict.fromkeys((*had, *scopes))) if had else scopes)

    def _load(self) -> None:
        kept = self._keep.get(self._principal.id, self._server)
        self._known = True
        self._grant = grant_from(kept, self._login.terms) if kept is not None else None

    def _step_up(self, challenge: Mapping[str, str]) -> None:
        """403: more scopes help, if they were not granted already. Raises LoginNeededError, UpstreamError."""
        wanted = documents.scopes_of(challenge.get("scope"))
        had = self._grant.token.scopes or () if self._grant is not None else ()
        if challenge.get("error") != "insufficient_scope" or not wanted or set(wanted) <= set(had):
            text = f"server `{self._server}` refuses what you may do there (HTTP status 403)"
            raise UpstreamError("auth", text, status=403)
        self._need(challenge, tuple(dict.fromkeys((*had, *wanted))))

    def _need(self, challenge: Mapping[str, str], scopes: tuple[str, ...]) -> None:
        raise self._doors.need(self._principal, self._server, challenge, scopes)

    async def _refreshed(self, grant: Grant) -> bool:
        try:
            fresh = await self._login.refresh(grant)
        except GrantError as error:
            log.info("server %s: a grant cannot be refreshed: %s", self._server, error.public)
            if error.error in _FOR_NOW:
                raise
            self._keep.remove(self._principal.id, self._server)
            self._grant = None
            return False
        keep(self._keep, self._principal.id, self._login, fresh)
        self._grant = fresh
        return True


def keep(where: Keep, principal: str, login: Login, grant: Grant) -> None:
    """Keep a principal's grant at a server."""
    where.put(principal, login.terms.server, grant_to(grant, configured=login.terms.client is not None))


class TokenCredential:
    """A token that needs nobody at a browser: obtained when needed, kept in memory, obtained anew when refused.

    `obtain` gets the scopes that the server demanded, and the challenge.
    """

    def __init__(
        self,
        server: str,
        obtain: Callable[[Mapping[str, str], tuple[str, ...]], Awaitable[Token]],
        until: Callable[[], float] = lambda: float("inf"),
        first: bytes | None = None,
    ) -> None:
        """`first` is shown before the server has said what it needs; None: a token is obtained at once."""
        self._first = first
        self._server = server
        self._obtain = obtain
        self._until = until
        """When what the token was obtained for ends, Unix seconds."""
        self._token: Token | None = None
        self._since = 0.0
        self._scopes: tuple[str, ...] = ()
        self._lock = asyncio.Lock()

    def lines(self) -> bytes | None:
        """None until there is a token that lasts."""
        token = self._token
        if token is None and self._first is not None:
            return self._first
        if token is None or time.time() + 10 >= min(token.expires, self._until() + 10):
            return None
        return _bearer(token.access)

    async def renew(self, used: bytes | None, refusal: Refusal | None) -> None:
        """Raises UpstreamError."""
        async with self._lock:
            if self.lines() not in (None, used, self._first):
                return
            challenge = documents.bearer(refusal.challenge) if refusal is not None else {}
            if refusal is not None:
                self._judge(refusal, challenge)
            token = await self._obtain(challenge, self._scopes)
            self._token = replace(token, refresh="")
            self._since = time.monotonic()

    def _judge(self, refusal: Refusal, challenge: Mapping[str, str]) -> None:
        """Whether another token could do better. Raises UpstreamError."""
        wanted = documents.scopes_of(challenge.get("scope"))
        more = set(wanted) - set(self._scopes)
        if (refusal.status == 403 and not more) or (
            self._token is not None and not more and time.monotonic() - self._since < _SOON
        ):
            text = (
                f"server `{self._server}` refuses the token that it was given (HTTP status {refusal.status})"
            )
            raise UpstreamError("auth", text, status=refusal.status)
        self._scopes = tuple(dict.fromkeys((*self._scopes, *wanted)))


def _bearer(token: str) -> bytes:
    return f"Authorization: Bearer {token}\r\n".encode("ascii")
