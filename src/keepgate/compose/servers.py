"""Configured servers to connectors, and what they offer when asked once."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from keepgate import config
from keepgate.compose.launchers import packages_fault
from keepgate.compose.lock import launch_fault
from keepgate.compose.running import identity, run
from keepgate.compose.sandbox import containment_of, fetched
from keepgate.compose.secrets import resolver
from keepgate.compose.settings import limits_of
from keepgate.compose.upstream_auth import Authorizations, Own
from keepgate.config import Server, Settings
from keepgate.gateway.inventory import Inventory, list_server
from keepgate.gateway.settings import Limits, ServerSettings
from keepgate.lock.document import Lock
from keepgate.model.access import Principal
from keepgate.model.errors import ConfigError, KeepgateError, LocalError
from keepgate.policy.servers import Classes
from keepgate.ports import Connector, Credential
from keepgate.transports.broken import BrokenConnector
from keepgate.transports.client_tls import context_of
from keepgate.transports.conceal import Conceal
from keepgate.transports.connect import HttpConnector, StdioConnector
from keepgate.transports.http_outgoing import HttpLimits
from keepgate.transports.sandbox.launch import Containment
from keepgate.transports.upstream_stdio import ProcessChannel, ProcessSpec, StdioLimits
from keepgate.transports.warm import WarmConnector

log = logging.getLogger("keepgate")


def connector_of(
    name: str,
    server: Server,
    resolve: config.Resolver,
    limits: Limits,
    credential: Credential | None = None,
    containment: Containment | None = None,
) -> Connector:
    """The connector that starts or reaches one server. Raises ConfigError if a secret is missing."""
    size = limits.response.size
    if server.url:
        headers = {key: config.resolve(value, resolve) for key, value in server.headers.items()}
        bounds = HttpLimits(
            first_byte=limits.call_maximum, total=limits.call_maximum, body=size, event=size, connections=4096
        )
        private, tls = server.allow_private, context_of(server.tls.ca, server.tls.cert, server.tls.key)
        return HttpConnector(
            server.url, headers=headers, limits=bounds, tls=tls, private=private, credential=credential
        )
    env = {key: config.resolve(value, resolve) for key, value in server.env.items()}
    spec = ProcessSpec(
        server.argv,
        env=env,
        conceal=Conceal(env[key] for key, value in server.env.items() if isinstance(value, config.Secret)),
        pass_env=server.pass_env,
        cwd=str(server.cwd),
        containment=containment,
        limits=StdioLimits(line=size),
        on_stderr=lambda line: log.info("%s: %s", name, line),
        on_garbage=lambda text: log.info("%s: %s", name, text),
    )
    if server.warm:
        return WarmConnector(partial(ProcessChannel, spec), server.warm)
    return StdioConnector(spec)


def _reached(
    name: str,
    server: Server,
    resolve: config.Resolver,
    limits: Limits,
    authorizations: Authorizations,
    containment: Containment | None,
) -> tuple[Connector, Callable[[Principal], Connector] | None]:
    """The connector for all callers, and that of each where the server knows each. Raises ConfigError."""
    way = authorizations.way(name, server, resolve)
    if not isinstance(way, Own):
        credential = None if way is None else way.credential
        return connector_of(name, server, resolve, limits, credential, containment), None
    own = partial(connector_of, name, server, resolve, limits)
    return own(), lambda principal: own(way.of(principal))


def servers_of(
    settings: Settings,
    resolve: config.Resolver,
    authorizations: Authorizations,
    lock: Lock | None = None,
) -> list[ServerSettings]:
    """Every configured server as the gateway takes it. One whose secret is missing fails alone, and says why.

    One that the lock does not let start fails alone as well.
    """
    limits = limits_of(settings)
    made = []
    authorizations.only(settings.servers)
    for name, server in settings.servers.items():
        fault = launch_fault(name, server, settings, lock)
        connector: Connector = BrokenConnector(fault)
        personal = None
        try:
            if not fault:
                containment = containment_of(name, settings, partial(packages_fault, name, lock))
                connector, personal = _reached(name, server, resolve, limits, authorizations, containment)
        except (ConfigError, LocalError) as error:
            fault = error.public
        if fault:
            print(f"warning: server {name} cannot be reached: {fault}", file=sys.stderr)
            connector = BrokenConnector(f"server `{name}` cannot be reached: {fault}")
        made.append(
            ServerSettings(
                id=name,
                connector=connector,
                prefix=server.prefix,
                revision=server.protocol,
                call_timeout=server.timeout,
                instructions=server.instructions,
                personal=personal,
                source=(_reached_as(server), fault),
            )
        )
    return made


def _reached_as(server: Server) -> Server:
    """Without what is only for policies: a change of that is no reason to start a server anew."""
    return replace(server, trust="untrusted", owner="", data="restricted", tools={}, flow=Classes())


def list_servers(
    settings: Settings, fresh: Mapping[str, str] | None = None
) -> dict[str, Inventory | KeepgateError]:
    """Ask every configured server once what it offers, all at the same time."""

    async def one(name: str, server: Server) -> Inventory | KeepgateError:
        try:
            containment = containment_of(name, settings)
            await fetched(name, settings)  # its packages, which may take longer than a server may to start
            resolve, limits = resolver(settings, fresh), limits_of(settings)
            alone = replace(server, warm=0)  # asked once: nothing is to be kept ready
            connector = connector_of(name, alone, resolve, limits, containment=containment)
            made = ServerSettings(name, connector, "", server.protocol)
            return await list_server(made, identity, limits_of(settings), time.monotonic)
        except KeepgateError as error:
            return error

    async def all_of_them() -> dict[str, Inventory | KeepgateError]:
        found = await asyncio.gather(*(one(name, server) for name, server in settings.servers.items()))
        return dict(zip(settings.servers, found, strict=True))

    return run(all_of_them())
