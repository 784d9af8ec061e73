"""What runs, as the admin face shows it: servers and sessions of the gateway."""

from __future__ import annotations

import time
from collections import Counter
from hashlib import sha256
from typing import Literal

from keepgate.admin.routes.servers import Refused, Server
from keepgate.admin.routes.sessions import ActivePrincipal, Session
from keepgate.gateway.circuit import Circuit
from keepgate.gateway.gateway import Gateway


class RunningServers:
    """routes.servers.Servers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def all(self) -> tuple[Server, ...]:
        """In the order of the configuration."""
        return tuple(
            Server(
                id=each.id,
                transport=_transport(each.connector.kind),
                prefix=each.settings.prefix,
                protocol=each.settings.revision,
                state=_state(each.circuit),
                failures=each.circuit.failures,
                cause=each.circuit.cause,
                next_try=round(each.circuit.wait, 3),
                connections=len(each.links),
                refused=tuple(
                    Refused(what.kind, what.name, what.why)
                    for what in (each.vetting.refused() if each.vetting is not None else ())
                ),
            )
            for each in self._gateway.services.upstreams.values()
        )

    def retry(self, server: str) -> bool:
        """False for an unknown one."""
        found = self._gateway.services.upstreams.get(server)
        if found is None:
            return False
        found.circuit.reached()
        return True


def _transport(kind: str) -> Literal["stdio", "http", "sse"]:
    return "sse" if kind == "sse" else "http" if kind == "http" else "stdio"


def _state(circuit: Circuit) -> Literal["reachable", "failing", "open"]:
    return "open" if circuit.open else "failing" if circuit.failures else "reachable"


class RunningSessions:
    """routes.sessions.Sessions."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def all(self) -> tuple[Session, ...]:
        """Every live session over HTTP."""
        now = time.monotonic()
        return tuple(
            Session(
                id=public_id(each.id),
                principal=each.principal.id,
                mount=each.mount or "",
                revision=each.caller.revision,
                client=each.caller.client,
                idle=round(max(0.0, now - each.touched), 3),
                busy=each.busy,
            )
            for each in self._gateway.sessions.all()
        )

    def principals(self) -> tuple[ActivePrincipal, ...]:
        """By name."""
        sessions = Counter(each.principal.id for each in self._gateway.sessions.all())
        running = self._gateway.enforcer.meters.in_flight()
        return tuple(
            ActivePrincipal(name, sessions[name], running.get(name, 0))
            for name in sorted(sessions.keys() | running.keys())
        )

    def end(self, session: str) -> bool:
        """False for an unknown one."""
        for each in self._gateway.sessions.all():
            if public_id(each.id) == session:
                self._gateway.sessions.end_later(each)
                return True
        return False


def public_id(session_id: str) -> str:
    """A name for a session that does not open it."""
    return sha256(b"keepgate session " + session_id.encode()).hexdigest()[:32]
