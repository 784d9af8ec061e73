"""All handshake sessions of one process: unguessable ids, bound to a principal and an endpoint, bounded, expiring."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace

from keepgate.gateway.background import Background
from keepgate.gateway.services import Services
from keepgate.gateway.session import Session
from keepgate.model.access import Principal
from keepgate.model.errors import RemoteError
from keepgate.protocol import jsonrpc

OPENING = 20.0
"""Sessions a principal may open per second, sustained: each may start a process per server."""
OPENING_BURST = 1000.0
ENDING = 5.0
"""Seconds that sessions which ended on their own get at shutdown for ending their servers."""


class Sessions:
    """Sessions by id. The id is 256 random bits and never authenticates: the principal must match as well."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._by_id: dict[str, Session] = {}
        self._ending = Background()
        self._watchers: dict[str, Callable[[], None]] = {}
        self.ended = 0
        """Sessions that ended so far."""

    def new(self, principal: Principal, mount: str | None) -> Session:
        """A new session. At the principal's limit its longest idle one gives way; RemoteError (429) if all are busy."""
        pace = self._services.enforcer.meters.spend(
            f"session:{principal.id}", rate=OPENING, burst=OPENING_BURST
        )
        if pace.remaining < 0:
            raise RemoteError(
                "sessions",
                "sessions are opened too fast",
                rpc_code=jsonrpc.RATE_LIMITED,
                status=429,
                retry_after=pace.resets_in,
            )
        own = [session for session in self._by_id.values() if session.principal.id == principal.id]
        if len(own) >= self._services.limits.sessions:
            idle = [session for session in own if not session.busy]
            if not idle:
                raise RemoteError(
                    "sessions",
                    "too many sessions",
                    rpc_code=jsonrpc.RATE_LIMITED,
                    status=429,
                    retry_after=1.0,
                )
            self.end_later(min(idle, key=lambda session: session.touched))
        session = Session(self._services, principal, mount, secrets.token_urlsafe(32))
        self._by_id[session.id] = session
        return session

    def end_later(self, session: Session) -> None:
        self.forget(session)
        _ = self._ending.spawn(session.close())

    def lookup(self, session_id: str | None, principal: Principal) -> Session | None:
        """The session of this id if it belongs to the principal, else None."""
        session = self._by_id.get(session_id) if session_id else None
        return session if session is not None and session.principal.id == principal.id else None

    def find(self, session_id: str | None, principal: Principal, mount: str | None) -> Session:
        """As `lookup`. Raises RemoteError: 400 without an id, 404 for one that is unknown, ended or another's."""
        if session_id is None:
            raise RemoteError("session", "the `Mcp-Session-Id` header is missing: send `initialize` first")
        session = self.lookup(session_id, principal)
        if session is None or session.mount != mount:
            raise RemoteError("session", "no such session: send `initialize` again", status=404)
        session.touched = self._services.monotonic()
        if session.principal is not principal:
            # The same principal, but its newest credential may say something else of its groups or its login.
            session.caller = replace(session.caller, principal=principal)
        return session

    def when_ended(self, session: Session, callback: Callable[[], None]) -> None:
        """Call back once when the session ends, for whatever reason."""
        self._watchers[session.id] = callback

    def forget(self, session: Session) -> None:
        """Make the id unknown at once."""
        self.ended += self._by_id.pop(session.id, None) is not None
        watcher = self._watchers.pop(session.id, None)
        if watcher is not None:
            watcher()

    async def end(self, session: Session) -> None:
        """Close a session. Never raises."""
        self.forget(session)
        await session.close()

    async def sweep(self) -> None:
        """End sessions that were idle too long."""
        limit = self._services.monotonic() - self._services.limits.session_idle
        await self._end_all([s for s in self._by_id.values() if s.touched < limit and not s.busy])

    def all(self) -> list[Session]:
        """Every live session."""
        return list(self._by_id.values())

    async def close(self) -> None:
        """End every session. Never raises."""
        await self._end_all(self.all())
        await self._ending.drain(ENDING)

    async def _end_all(self, sessions: Sequence[Session]) -> None:
        """All at once: each may have servers that are slow to end."""
        await asyncio.gather(*(self.end(session) for session in sessions))
