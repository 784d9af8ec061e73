"""What the gateway needs to know of the configuration: plain data, made by `compose`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from keepgate.model.access import Principal
from keepgate.ports import Connector
from keepgate.protocol.jsonrpc import JsonLimits


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what outsiders control. Times in seconds, sizes in bytes."""

    json: JsonLimits = field(default_factory=JsonLimits)
    response: JsonLimits = field(default_factory=lambda: JsonLimits(size=16 * 1024 * 1024))
    requests_per_second: float = 200.0
    burst: float = 400.0
    concurrent_calls: int = 64
    sessions: int = 32
    """per principal"""
    session_idle: float = 3600.0
    call_timeout: float = 60.0
    """without any sign of life from the server"""
    call_maximum: float = 600.0
    """whatever the server says"""
    connect_timeout: float = 30.0
    list_items: int = 10_000
    replay_events: int = 256
    """kept per event stream for resumption"""
    subscriptions: int = 16
    """open listens per principal"""
    tasks: int = 256
    """per principal"""
    task_ttl: float = 86_400.0
    """a task is forgotten after this time, whatever its server says"""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """One configured server. `revision` is `auto` or the one revision to speak to it."""

    id: str
    connector: Connector = field(compare=False)
    prefix: str
    revision: str = "auto"
    call_timeout: float | None = None
    instructions: bool | None = None
    """pass the server's instructions on; None: only where it is mounted alone"""
    personal: Callable[[Principal], Connector] | None = field(default=None, compare=False)
    """the server knows each principal by a credential of its own: the connector of one"""
    source: object = None
    """what the connector was made from: equal settings mean that a reload need not touch the server"""


@dataclass(frozen=True, slots=True)
class Identity:
    """How keepgate names itself on the wire."""

    name: str = "keepgate"
    version: str = "0"

    @property
    def info(self) -> dict[str, str]:
        """As clientInfo or serverInfo."""
        return {"name": self.name, "version": self.version}
