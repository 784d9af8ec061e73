"""Runs the downstream HTTP server on the caller's event loop: binds, speaks TLS, sweeps, stops in an orderly way."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from uvicorn.config import Config
from uvicorn.lifespan.on import LifespanOn
from uvicorn.server import ServerState

from keepgate.model.errors import ConfigError, LocalError
from keepgate.ports import HttpEndpoint
from keepgate.transports.descriptors import make_room
from keepgate.transports.http_exchange import Lane
from keepgate.transports.http_rules import DEFAULTS, Limits, own_names
from keepgate.transports.http_server import Connection

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_BACKLOG: Final = 1024
_FLUSH: Final = 1.0
_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"


class Server:
    """`await Server(...).run(ready)` binds, calls `ready(url)`, and returns after `stop()` has been honoured.

    It installs no signal handlers and prints nothing. A port in use, an unreadable certificate, or an address that
    needs a Host allow-list and has none raise ConfigError before `ready` is called.
    """

    def __init__(  # noqa: PLR0913 - what a server can be told
        self,
        endpoint: HttpEndpoint,
        asgi: ASGIApp,
        *,
        is_fast: Callable[[str], bool],
        host: str = "127.0.0.1",
        port: int = 8700,
        tls: tuple[str, str] | tuple[str, str, str] | None = None,
        hosts: Iterable[str] = (),
        origins: Iterable[str] = (),
        grace: float = 10.0,
        limits: Limits = DEFAULTS,
    ) -> None:
        """`hosts` are further Host values (`gw.example.com`, with or without port), `origins` browser origins."""
        self._endpoint = endpoint
        self._asgi = asgi
        self._is_fast = is_fast
        self._address = (host, port)
        self._tls = tls
        self._names = (tuple(hosts), tuple(origins))
        self._grace = grace
        self._limits = limits
        self._stop = asyncio.Event()
        self._state = ServerState()

    def stop(self) -> None:
        """Accept no more, let what is in flight finish for the grace period, then close. Idempotent."""
        self._stop.set()

    async def run(self, ready: Callable[[str], None]) -> None:
        """Serve until `stop`. `ready` gets the base URL with the real port, such as `http://127.0.0.1:8700`."""
        host, _ = self._address
        scheme = "https" if self._tls else "http"
        context = tls_context(*self._tls) if self._tls else None
        make_room()
        listener = bind(*self._address)
        port = listener.getsockname()[1]
        try:
            names = own_names(host, port, scheme, *self._names)
            lane = Lane(self._endpoint, self._is_fast, names, self._limits)
            await self._serve(lane, listener, context, lambda: ready(f"{scheme}://{_literal(host)}:{port}"))
        finally:
            listener.close()

    async def _serve(
        self, lane: Lane, listener: socket.socket, context: ssl.SSLContext | None, ready: Callable[[], None]
    ) -> None:
        # Forwarded headers are not believed here; logs are the gateway's own.
        config = Config(
            self._asgi, interface="asgi3", ws="none", log_config=None, access_log=False, proxy_headers=False
        )
        config.load()
        lifespan = LifespanOn(config)
        await lifespan.startup()
        if lifespan.should_exit:
            raise LocalError("asgi-startup", "the web application could not start")
        loop = asyncio.get_running_loop()
        self._tick(loop, lane)
        server = await loop.create_server(
            lambda: Connection(lane, config, self._state, lifespan.state),
            sock=listener,
            backlog=_BACKLOG,
            ssl=context,
            ssl_handshake_timeout=lane.limits.head_timeout if context else None,
        )
        ready()
        try:
            await self._stop.wait()
        finally:
            server.close()
            await self._drain(lane)
            self._timer.cancel()
            await lifespan.shutdown()

    def _tick(self, loop: asyncio.AbstractEventLoop, lane: Lane) -> None:
        """One timer for all connections, streams and the Date header."""
        self._timer = loop.call_later(lane.limits.sweep, self._tick, loop, lane)
        self._state.default_headers = [(b"date", lane.tick(loop.time(), time.time()))]
        for connection in self._connections():
            connection.sweep()

    def _connections(self) -> list[Connection]:
        return [connection for connection in self._state.connections if isinstance(connection, Connection)]

    async def _drain(self, lane: Lane) -> None:
        """Finish what is in flight, then end what is left: politely, then not."""
        for connection in self._connections():
            connection.shutdown()
        if await _within(self._grace, lane.empty):
            return
        for connection in self._connections():
            connection.cut()
        if not await _within(_FLUSH, lane.empty):
            for connection in self._connections():
                connection.transport.abort()
        for task in self._state.tasks:
            task.cancel()
        await asyncio.gather(*self._state.tasks, return_exceptions=True)


async def _within(seconds: float, event: asyncio.Event) -> bool:
    """True if the event comes in time."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _literal(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ConfigError that says what is in the way and what to do."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, proto)
    except OSError as error:
        raise ConfigError(f"cannot listen on `{host}`: {error.strerror}", code="bad-address") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigError(_cannot_bind(host, port, error), code="cannot-listen") from None
    return listener


def _cannot_bind(host: str, port: int, error: OSError) -> str:
    where = f"{_literal(host)}:{port}"
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on `{host}` is in use; stop the program that has it, or set `listen` to another port"
    if error.errno == errno.EACCES:
        return f"no permission to listen on `{where}`; set `listen` to a port above 1023"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"`{host}` is not an address of this machine; set `listen` to one that is, such as `127.0.0.1:{port}`"
    return f"cannot listen on `{where}`: {error.strerror}"


def tls_context(certificate: str, key: str, client_ca: str = "") -> ssl.SSLContext:
    """TLS 1.2 or later with forward secrecy and authenticated encryption only.

    With `client_ca`, a client may show a certificate of these authorities; with any other it does not connect.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:  # ssl.SSLError is one
        reason = error.strerror or str(error)
        raise ConfigError(f"cannot use the certificate `{certificate}` with key `{key}`: {reason}") from None
    if client_ca:
        _ask_for_certificates(context, client_ca)
    return context


def _ask_for_certificates(context: ssl.SSLContext, client_ca: str) -> None:
    context.verify_mode = ssl.CERT_OPTIONAL
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0  # a resumed session would not look at the certificate again
    try:
        context.load_verify_locations(client_ca)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"cannot use the authorities `{client_ca}`: {reason}") from None
