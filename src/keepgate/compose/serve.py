"""Serving over HTTP."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

from keepgate import __version__
from keepgate.compose import honeytokens
from keepgate.compose.following import beside, is_needed
from keepgate.compose.front import front_of, front_routes
from keepgate.compose.gateway import build
from keepgate.compose.identity import hosts_of, metadata_of, tls_of
from keepgate.compose.quarantine import follow
from keepgate.compose.recording import masked
from keepgate.compose.reload import watch
from keepgate.compose.running import GRACE, log_to_stderr, run
from keepgate.compose.sandbox import fetch_all, record, say_containment
from keepgate.compose.secrets import resolver
from keepgate.compose.upstream_auth import Authorizations
from keepgate.compose.watching import watched
from keepgate.config import Settings
from keepgate.gateway.health import health_app
from keepgate.stores.audit import load_kek, open_log
from keepgate.transports.http_rules import Limits
from keepgate.transports.serve import Server

if TYPE_CHECKING:
    from starlette.routing import BaseRoute


def run_serve(settings: Settings, ready: Callable[[str], None]) -> None:
    """Serve over HTTP until a signal. Raises KeepgateError if nothing can be served."""
    log_to_stderr()
    run(_serve(settings, ready))


async def _serve(settings: Settings, ready: Callable[[str], None]) -> None:
    say_containment(settings)
    audit = open_log(settings.state, load_kek(settings.state, os.environ))
    try:
        authorizations = Authorizations(settings)
        front = front_of(settings, resolver(settings))
        gateway = build(settings, masked(settings, audit), authorizations, front)
        routes: list[BaseRoute] = [*metadata_of(settings), *authorizations.routes()]
        if front is not None:
            routes += front_routes(settings, front, gateway.enforcer)
        office = None
        if settings.admin is not None:
            from keepgate.compose.admin import Office

            office = Office(gateway, settings)
            routes += office.web()
        host, port = settings.address
        server = Server(
            gateway.http,
            health_app(gateway, routes),
            is_fast=gateway.http.is_fast,
            host=host,
            port=port,
            tls=tls_of(settings),
            hosts=hosts_of(settings),
            origins=settings.allowed_origins,
            grace=GRACE,
            limits=Limits(body=settings.limits.body_bytes),
        )
        stop = asyncio.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        gateway.started(f"keepgate {__version__}")
        record(settings, gateway.enforcer.event)
        taken = (lambda _: None) if office is None else office.use
        watching = asyncio.gather(
            watch(gateway, settings, authorizations, taken),
            follow(gateway, settings),
            *([beside(settings)] if is_needed(settings) else ()),
            honeytokens.follow(gateway.honeytokens, settings),
            *watched(gateway, settings, audit),
        )
        fetching = asyncio.create_task(fetch_all(settings))
        serving = asyncio.create_task(server.run(ready))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
            gateway.end_streams()
            server.stop()
            await serving
        finally:
            watching.cancel()
            fetching.cancel()
            stopping.cancel()
            await asyncio.gather(watching, fetching, stopping, return_exceptions=True)
            await gateway.close(GRACE)
            gateway.enforcer.note("stop", f"keepgate {__version__}")
    finally:
        audit.close()
