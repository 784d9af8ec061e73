"""A configuration to its gateway."""

from __future__ import annotations

from keepgate.compose.identity import outside_of
from keepgate.compose.running import identity
from keepgate.compose.secrets import Master, resolver
from keepgate.compose.servers import servers_of
from keepgate.compose.settings import limits_of
from keepgate.config import Settings
from keepgate.gateway.gateway import Gateway, Keys
from keepgate.policy.engine import Engine
from keepgate.ports import AuditLog
from keepgate.protocol.seal import derive


def policy_of(settings: Settings) -> Engine:
    """The compiled policy. Raises ConfigError."""
    return Engine.compile(settings.access.roles, settings.access.grants)


def build(settings: Settings, audit: AuditLog) -> Gateway:
    """The gateway for a configuration, on the running loop. Raises ConfigError, LocalError."""
    from keepgate.config.inspection import guards_of

    master = Master(settings.state).master_key()
    return Gateway(
        servers_of(settings, resolver(settings)),
        policy_of(settings),
        outside_of(settings, audit, resolver(settings)),
        Keys(request_state=derive(master, "request-state"), cursor=derive(master, "cursor")),
        limits_of(settings),
        identity,
        anonymous=settings.identity.anonymous,
        sync=settings.durability == "sync",
        inspection=guards_of(settings),
    )
