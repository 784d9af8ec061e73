"""The servers behind the gateway: what they are, whether they can be reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

from pydantic import StringConstraints

from keepgate.admin.access import Permission
from keepgate.admin.problem import not_found
from keepgate.admin.route import route, shape

ServerId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


@shape
@dataclass(frozen=True, slots=True)
class Refused:
    """Something a server lists that is not shown and not called for what it says of itself."""

    kind: str
    """tool, prompt, resource or resource template."""
    name: str
    """As the server lists it."""
    why: str
    """With the rules that were met."""


@shape
@dataclass(frozen=True, slots=True)
class Server:
    """One configured server as it is now."""

    id: str
    transport: Literal["stdio", "http", "sse"]
    """How it is reached."""
    prefix: str
    """Put before the names of its tools and prompts."""
    protocol: str
    """The configured revision, or `auto`."""
    state: Literal["reachable", "failing", "open"]
    """`open`: it failed too often, and calls fail at once until the next try."""
    failures: int
    """In a row, just now."""
    cause: str
    """Of the last failure."""
    next_try: float
    """Seconds until it is tried again; 0 if it may be tried now."""
    connections: int
    """Open just now: processes, or HTTP sessions."""
    refused: tuple[Refused, ...]
    """What its content is refused for, as last listed; what the lock withholds is for `keepgate lock diff` to say."""


@shape
@dataclass(frozen=True, slots=True)
class ServerList:
    """All of them, in the order of the configuration."""

    servers: tuple[Server, ...]


class Servers(Protocol):
    """The running gateway's servers."""

    def all(self) -> tuple[Server, ...]:
        """In the order of the configuration."""

    def retry(self, server: str) -> bool:
        """Let the next call try a server that failed; False for an unknown one."""


@route("GET", "/servers", Permission.SERVERS_READ)
async def list_servers(servers: Servers) -> ServerList:
    """The servers and their state."""
    return ServerList(servers.all())


@route("GET", "/servers/{server}", Permission.SERVERS_READ)
async def get_server(servers: Servers, server: ServerId) -> Server:
    """One server and its state."""
    for each in servers.all():
        if each.id == server:
            return each
    raise not_found("server")


@route("POST", "/servers/{server}/retry", Permission.SERVERS_RETRY, status=204)
async def retry_server(servers: Servers, server: ServerId) -> None:
    """Let the next call try a server that failed too often, instead of failing at once."""
    if not servers.retry(server):
        raise not_found("server")
