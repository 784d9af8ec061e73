"""A configuration to its gateway."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from zoneinfo import ZoneInfo

from keepgate import config
from keepgate.auth.front import Front
from keepgate.compose.approvals import approvals_of
from keepgate.compose.asking import attend
from keepgate.compose.budgets import budgets_of
from keepgate.compose.flow import flows_of, guard_of, place_of
from keepgate.compose.honeytokens import honeytokens_of
from keepgate.compose.identity import outside_of
from keepgate.compose.lock import lock_of, pins_of
from keepgate.compose.quarantine import held_of
from keepgate.compose.running import identity
from keepgate.compose.secrets import Master, resolver
from keepgate.compose.servers import servers_of
from keepgate.compose.settings import limits_of
from keepgate.compose.upstream_auth import Authorizations
from keepgate.config import Settings
from keepgate.detect.honeytokens import HoneytokenDetector
from keepgate.gateway.gateway import Gateway, Keys
from keepgate.policy.engine import Engine
from keepgate.policy.explain import Compile
from keepgate.policy.observe import Observing
from keepgate.policy.roles import observed_roles
from keepgate.policy.servers import Server as PolicyServer
from keepgate.ports import AuditLog
from keepgate.protocol.seal import derive
from keepgate.stores.quarantine import QuarantineFile


def policy_of(settings: Settings) -> Engine | Observing:
    """The compiled policy, observed where the configuration says so. Raises ConfigError."""
    access = settings.access
    engine = compiler_of(settings)(access.roles, access.grants)
    servers = [name for name, server in settings.servers.items() if server.mode == "observe"]
    if servers or observed_roles(access.roles):
        return Observing(engine, access.roles, access.grants, servers)
    return engine


def compiler_of(settings: Settings) -> Compile:
    """Compiles roles and grants with all that stands beside them in a configuration. Raises ConfigError."""
    servers = {
        name: PolicyServer(
            server.trust, server.owner, server.data, server.tools, server.flow, place_of(server, settings)
        )
        for name, server in settings.servers.items()
    }
    extra = config.read_policies(settings)
    return partial(Engine.compile, extra=extra, servers=servers, zone=ZoneInfo(settings.access.timezone))


def build(
    settings: Settings, audit: AuditLog, authorizations: Authorizations, front: Front | None = None
) -> Gateway:
    """The gateway for a configuration, on the running loop. Raises ConfigError, LocalError."""
    from keepgate.config.inspection import guards_of

    master = Master(settings.state).master_key()
    lock = lock_of(settings)
    honeytokens = HoneytokenDetector()
    honeytokens.issued = honeytokens_of(settings).issued()
    gateway = Gateway(
        servers_of(settings, resolver(settings), authorizations, lock),
        policy_of(settings),
        replace(
            outside_of(settings, audit, resolver(settings), authorizations.subjects, front),
            approver=approvals_of(settings),
        ),
        Keys(request_state=derive(master, "request-state"), cursor=derive(master, "cursor")),
        limits_of(settings),
        identity,
        anonymous=settings.identity.anonymous,
        sync=settings.durability == "sync",
        inspection=guards_of(settings, derive(master, "content-marks"), honeytokens),
        pins=pins_of(settings, lock),
        budgets=budgets_of(settings),
        flows=flows_of(settings),
        leading=guard_of(settings),
    )
    attend(gateway, settings)
    gateway.honeytokens = honeytokens
    gateway.use_quarantine(held_of(QuarantineFile(settings.state)))
    authorizations.told, authorizations.doors.note = gateway.granted, gateway.enforcer.note
    return gateway
