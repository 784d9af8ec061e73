"""What is going on: sessions of the handshake era, and who has something open or running."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Protocol

from pydantic import StringConstraints

from keepgate.admin.access import Permission
from keepgate.admin.problem import not_found
from keepgate.admin.route import route, shape

SessionId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


@shape
@dataclass(frozen=True, slots=True)
class Session:
    """One session."""

    id: str
    """A digest of its id: the id itself is its client's."""
    principal: str
    mount: str
    """The one server it is for; empty: all."""
    revision: str
    """Of the protocol."""
    client: str
    """What the client calls itself: display only."""
    idle: float
    """Seconds since the last message."""
    busy: bool
    """Whether a request runs."""


@shape
@dataclass(frozen=True, slots=True)
class SessionList:
    """All of them."""

    sessions: tuple[Session, ...]


@shape
@dataclass(frozen=True, slots=True)
class ActivePrincipal:
    """Somebody who has a session or a call that runs."""

    id: str
    sessions: int
    running: int
    """Calls in flight."""


@shape
@dataclass(frozen=True, slots=True)
class PrincipalList:
    """All of them, by name."""

    principals: tuple[ActivePrincipal, ...]


class Sessions(Protocol):
    """What the running gateway has open."""

    def all(self) -> tuple[Session, ...]:
        """Every live session."""

    def principals(self) -> tuple[ActivePrincipal, ...]:
        """Who has something open or running."""

    def end(self, session: str) -> bool:
        """End a session; False for an unknown one."""


@route("GET", "/sessions", Permission.SESSIONS_READ)
async def list_sessions(sessions: Sessions) -> SessionList:
    """Every session of the handshake era."""
    return SessionList(sessions.all())


@route("DELETE", "/sessions/{session}", Permission.SESSIONS_END, status=204)
async def end_session(sessions: Sessions, session: SessionId) -> None:
    """End a session: its streams and servers with it. The client may open another."""
    if not sessions.end(session):
        raise not_found("session")


@route("GET", "/principals", Permission.SESSIONS_READ)
async def list_principals(sessions: Sessions) -> PrincipalList:
    """Who has a session, or a call in flight."""
    return PrincipalList(sessions.principals())
