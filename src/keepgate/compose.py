"""The only wiring: configuration to objects, and the ways to run them."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import getpass
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from keepgate import __version__, config
from keepgate.auth.apikey import KeyRing
from keepgate.compose_identity import hosts_of, metadata_of, outside_of, tls_of
from keepgate.config import Secret, Server, Settings
from keepgate.gateway.gateway import Gateway, Keys
from keepgate.gateway.health import health_app
from keepgate.gateway.inventory import Inventory, list_server
from keepgate.gateway.pipe_front import PipeFront
from keepgate.gateway.settings import Identity, Limits, ServerSettings
from keepgate.model.access import Principal
from keepgate.model.errors import ConfigError, KeepgateError, LocalError, RemoteError
from keepgate.policy.engine import Engine
from keepgate.ports import AuditLog, Connector
from keepgate.protocol import jsonrpc
from keepgate.protocol.jsonrpc import JsonLimits
from keepgate.protocol.seal import derive
from keepgate.stores.audit import load_kek, open_log
from keepgate.stores.keys import JsonKeyStore
from keepgate.stores.secrets import SecretStore
from keepgate.transports.broken import BrokenConnector
from keepgate.transports.connect import HttpConnector, StdioConnector
from keepgate.transports.http_outgoing import HttpLimits as UpstreamLimits
from keepgate.transports.http_rules import Limits as HttpLimits
from keepgate.transports.serve import Server as HttpServer
from keepgate.transports.stdio_server import serve_stdio
from keepgate.transports.upstream_stdio import ProcessSpec, StdioLimits

T = TypeVar("T")

GRACE = 10.0
"""Seconds that running calls get at shutdown."""
RELOAD_PAUSE = 0.2
"""Seconds to let an editor finish writing before a changed configuration is read."""

log = logging.getLogger("keepgate")
identity = Identity("keepgate", __version__)


def load_settings(path: Path | None) -> Settings:
    """The configuration, with its warnings said on stderr. Raises ConfigError."""
    settings = config.load(path, env=os.environ)
    for warning in settings.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return settings


def limits_of(settings: Settings) -> Limits:
    """The configured limits as the gateway takes them."""
    given = settings.limits
    return Limits(
        json=JsonLimits(given.body_bytes, given.depth, given.members),
        response=JsonLimits(given.response_bytes, given.depth, given.members),
        requests_per_second=given.requests_per_second,
        burst=given.burst,
        concurrent_calls=given.concurrent_calls,
        sessions=given.sessions,
        session_idle=given.session_idle,
        call_timeout=given.call_timeout,
        call_maximum=given.call_maximum,
        connect_timeout=given.connect_timeout,
        list_items=given.list_items,
        replay_events=given.replay_events,
        subscriptions=given.subscriptions,
        tasks=given.tasks,
        task_ttl=given.task_ttl,
    )


# Secrets


@dataclass(frozen=True, slots=True)
class Master:
    """The master key of a state directory: from the environment, else from a file made at first use."""

    state: Path

    def master_key(self) -> bytes:
        """32 random bytes, always the same. Raises ConfigError."""
        return load_kek(self.state, os.environ)


def secret_store(settings: Settings) -> SecretStore:
    """Keepgate's own store of server secrets."""
    return SecretStore(settings.state, Master(settings.state))


def resolver(settings: Settings, fresh: Mapping[str, str] | None = None) -> config.Resolver:
    """Fetches secrets by reference; `fresh` are values of `store:` that are not written yet. Raises ConfigError."""

    def resolve(secret: Secret) -> str:
        try:
            return _fetch(secret, settings, fresh or {})
        except (LocalError, OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"the secret `{secret}` cannot be had: {error}") from error

    return resolve


def _fetch(secret: Secret, settings: Settings, fresh: Mapping[str, str]) -> str:
    if secret.scheme == "env":
        value = os.environ.get(secret.name)
        if value is None:
            raise LocalError("secret", "the environment has no such variable")
        return value
    if secret.scheme == "file":
        with (settings.file.parent / secret.name).open("rb") as stream:
            return stream.read(64 * 1024).decode().strip()
    if secret.scheme == "keyring":
        return _from_keyring(secret.name)
    return fresh[secret.name] if secret.name in fresh else secret_store(settings).get(secret.name)


def _from_keyring(name: str) -> str:
    try:
        import keyring
    except ImportError:
        raise LocalError("keyring", "install `keepgate[keyring]` to use the desktop's key store") from None
    service, _, user = name.partition("/")
    value: str | None = keyring.get_password(service, user)
    if value is None:
        raise LocalError("keyring", "the key store has no such entry")
    return value


# Servers


def connector_of(name: str, server: Server, resolve: config.Resolver, limits: Limits) -> Connector:
    """The connector that starts or reaches one server. Raises ConfigError if a secret is missing."""
    size = limits.response.size
    if server.url:
        headers = {key: config.resolve(value, resolve) for key, value in server.headers.items()}
        bounds = UpstreamLimits(
            first_byte=limits.call_maximum, total=limits.call_maximum, body=size, event=size, connections=4096
        )
        return HttpConnector(server.url, headers=headers, limits=bounds)
    spec = ProcessSpec(
        server.argv,
        env={key: config.resolve(value, resolve) for key, value in server.env.items()},
        pass_env=server.pass_env,
        cwd=str(server.cwd),
        limits=StdioLimits(line=size),
        on_stderr=lambda line: log.info("%s: %s", name, line),
        on_garbage=lambda text: log.info("%s: %s", name, text),
    )
    return StdioConnector(spec)


def servers_of(settings: Settings, resolve: config.Resolver) -> list[ServerSettings]:
    """Every configured server as the gateway takes it. One whose secret is missing fails alone, and says why."""
    limits = limits_of(settings)
    made = []
    for name, server in settings.servers.items():
        try:
            connector = connector_of(name, server, resolve, limits)
        except ConfigError as error:
            print(f"warning: server {name} cannot be reached: {error.public}", file=sys.stderr)
            connector = BrokenConnector(f"server `{name}` cannot be reached: {error.public}")
        made.append(
            ServerSettings(
                id=name,
                connector=connector,
                prefix=server.prefix,
                revision=server.protocol,
                call_timeout=server.timeout,
                instructions=server.instructions,
                source=server,
            )
        )
    return made


def list_servers(
    settings: Settings, fresh: Mapping[str, str] | None = None
) -> dict[str, Inventory | KeepgateError]:
    """Ask every configured server once what it offers, all at the same time."""

    async def one(name: str, server: Server) -> Inventory | KeepgateError:
        try:
            connector = connector_of(name, server, resolver(settings, fresh), limits_of(settings))
            made = ServerSettings(name, connector, "", server.protocol)
            return await list_server(made, identity, limits_of(settings), time.monotonic)
        except KeepgateError as error:
            return error

    async def all_of_them() -> dict[str, Inventory | KeepgateError]:
        found = await asyncio.gather(*(one(name, server) for name, server in settings.servers.items()))
        return dict(zip(settings.servers, found, strict=True))

    return run(all_of_them())


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


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop where there is one. What is loaded by now stays: the garbage collector need not look at it."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with contextlib.suppress(ImportError):
        import uvloop

        loop_factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(work)


def log_to_stderr() -> None:
    """What keepgate and its servers have to say goes to stderr; text of servers is escaped where it is captured."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)


def run_serve(settings: Settings, ready: Callable[[str], None]) -> None:
    """Serve over HTTP until a signal. Raises KeepgateError if nothing can be served."""
    log_to_stderr()
    run(_serve(settings, ready))


async def _serve(settings: Settings, ready: Callable[[str], None]) -> None:
    say_uncontained(settings)
    audit = open_log(settings.state, load_kek(settings.state, os.environ))
    try:
        gateway = build(settings, audit)
        host, port = settings.address
        server = HttpServer(
            gateway.http,
            health_app(gateway, metadata_of(settings)),
            is_fast=gateway.http.is_fast,
            host=host,
            port=port,
            tls=tls_of(settings),
            hosts=hosts_of(settings),
            origins=settings.allowed_origins,
            grace=GRACE,
            limits=HttpLimits(body=settings.limits.body_bytes),
        )
        stop = asyncio.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        gateway.enforcer.event("start", f"keepgate {__version__}")
        watching = asyncio.create_task(watch(gateway, settings))
        serving = asyncio.create_task(server.run(ready))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
            gateway.end_streams()
            server.stop()
            await serving
        finally:
            watching.cancel()
            stopping.cancel()
            await gateway.close(GRACE)
            gateway.enforcer.note("stop", f"keepgate {__version__}")
    finally:
        audit.close()


def say_uncontained(settings: Settings) -> None:
    """Say loudly what is not contained: this version has no sandbox."""
    started = [name for name, server in settings.servers.items() if server.argv]
    if started:
        names = ", ".join(started)
        print(f"warning: these servers run without a sandbox, with your rights: {names}", file=sys.stderr)


async def watch(gateway: Gateway, settings: Settings) -> None:
    """Follow changes of the configuration file: validate first, keep the last good one, say what changed."""
    from watchfiles import awatch

    seen: tuple[int, ...] | None = None
    async for _ in awatch(settings.file.parent, recursive=False, step=int(RELOAD_PAUSE * 1000)):
        if (found := config.stamp(settings.file)) == seen:
            continue  # something else in that directory
        seen = found
        try:
            fresh = await asyncio.to_thread(config.load, settings.file, env=os.environ)
            changed = config.diff(settings, fresh)
            if not changed:
                continue
            fixed = [key for key in changed if not key.startswith(("servers", "access"))]
            if fixed:
                log.warning("a restart is needed for: %s", ", ".join(fixed))
            policy = policy_of(fresh)
            made = servers_of(fresh, resolver(fresh))
            gateway.use_policy(policy)  # first: no new server may be met by the old policy
            await gateway.use_servers(made)
            settings = fresh
            log.warning("configuration reloaded: %s", ", ".join(changed))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the last good one stays
            log.error("the changed configuration is not used, the last good one stays: %s", error)  # noqa: TRY400 - no traceback


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
    say_uncontained(settings)
    audit = open_log(settings.state, load_kek(settings.state, os.environ))
    try:
        gateway = build(settings, audit)
        gateway.enforcer.event("start", f"keepgate {__version__} stdio", principal=principal.id)
        watching = asyncio.create_task(watch(gateway, settings))
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
