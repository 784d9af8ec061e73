"""Serving one client on stdin and stdout."""

from __future__ import annotations

import asyncio
import getpass
import os
import signal
from collections.abc import Callable

from keepgate import __version__
from keepgate.auth.apikey import KeyRing
from keepgate.compose import honeytokens
from keepgate.compose.gateway import build
from keepgate.compose.quarantine import follow
from keepgate.compose.recording import masked
from keepgate.compose.reload import watch
from keepgate.compose.running import GRACE, log_to_stderr, run
from keepgate.compose.sandbox import record, say_containment
from keepgate.compose.upstream_auth import Authorizations
from keepgate.compose.watching import watched
from keepgate.config import Settings
from keepgate.gateway.pipe_front import PipeFront
from keepgate.model.access import Principal
from keepgate.model.errors import ConfigError, LocalError, RemoteError
from keepgate.protocol import jsonrpc
from keepgate.stores.audit import load_kek, open_log
from keepgate.stores.keys import JsonKeyStore
from keepgate.transports.stdio_server import serve_stdio


def run_stdio(settings: Settings, *, mount: str | None, key_env: str) -> None:
    """Serve one client on stdin and stdout. Raises KeepgateError if nothing can be served."""
    principal = stdio_principal(settings, key_env)
    if mount is not None and mount not in settings.servers:
        raise ConfigError(f"there is no server `{mount}` in {settings.file}")
    log_to_stderr()
    run(_stdio(settings, principal, mount))


def stdio_principal(settings: Settings, key_env: str) -> Principal:
    """The key in the named variable, else the user of this process. Raises LocalError for a key that does not open."""
    if not key_env:
        return Principal(f"local:{getpass.getuser()}", "local")
    found = KeyRing(JsonKeyStore(settings.state)).authenticate(os.environ.get(key_env, ""))
    if found is None:
        raise LocalError("key", f"the key in `${key_env}` is missing, unknown, expired or revoked")
    return found


async def _stdio(settings: Settings, principal: Principal, mount: str | None) -> None:
    say_containment(settings)
    audit = open_log(settings.state, load_kek(settings.state, os.environ))
    try:
        authorizations = Authorizations(settings, pages=False)
        gateway = build(settings, masked(settings, audit), authorizations)
        gateway.started(f"keepgate {__version__} stdio", principal.id)
        record(settings, gateway.enforcer.event)
        watching = asyncio.gather(
            watch(gateway, settings, authorizations),
            follow(gateway, settings),
            honeytokens.follow(gateway.honeytokens, settings),
            *watched(gateway, settings, audit),
        )
        front = asyncio.create_task(
            serve_stdio(
                lambda send: _Pipe(gateway.pipe(principal, mount, send), send),
                limit=settings.limits.body_bytes,
            )
        )
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, front.cancel)
        try:
            await front
        except asyncio.CancelledError:
            pass
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await gateway.close(GRACE)
            gateway.enforcer.note("stop", f"keepgate {__version__}", principal=principal.id)
    finally:
        audit.close()


class _Pipe:
    """The stdio transport's handler around a pipe front."""

    def __init__(self, front: PipeFront, send: Callable[[bytes], bool]) -> None:
        self._front = front
        self._send = send

    def receive(self, line: bytes) -> None:
        if line.strip():
            self._front.receive(line)

    def failed(self, error: RemoteError) -> None:
        self._send(jsonrpc.encode(jsonrpc.error(None, error.rpc_code, error.public)))

    async def closed(self) -> None:
        await self._front.finish(GRACE)
