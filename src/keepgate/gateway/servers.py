"""The servers of one handshake session: reached at `initialize`, again when lost, late ones announced."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from keepgate.gateway.absent import AbsentBackend
from keepgate.gateway.backend import Backend
from keepgate.gateway.backends import HandshakeBackend
from keepgate.gateway.background import Background
from keepgate.gateway.link import Link, LinkOwner
from keepgate.gateway.restore import greet, resubscribe, tell
from keepgate.gateway.services import Services
from keepgate.gateway.shelf import CAPABILITY, CHANGED
from keepgate.gateway.upbridge import Client, UpBridge
from keepgate.gateway.upstream import Upstream
from keepgate.gateway.view import View
from keepgate.model.errors import UpstreamError
from keepgate.protocol import jsonrpc
from keepgate.protocol.eras import Era

PATIENCE = 15.0
"""Seconds `initialize` waits for servers; slower ones join later."""


class Owner(LinkOwner, Client, Protocol):
    """The session: it owns the links and hears what its servers say."""


class Servers:
    """Connects the servers of one session and keeps their view."""

    def __init__(
        self,
        services: Services,
        session: Owner,
        announce: Callable[[str, str], None],
        *,
        subscribed: Callable[[str], list[str]],
        single: bool,
    ) -> None:
        self.view = View([], single=single)
        self._services = services
        self._session = session
        self._announce = announce
        self._subscribed = subscribed
        self._params: dict[str, Any] = {}
        self._ready = False
        self._settled = False
        self._connecting: set[asyncio.Task[None]] = set()
        self._opened: set[Link] = set()
        self._restoring = Background()
        self._closed = False

    @property
    def links(self) -> list[Link]:
        """The session's own links."""
        backends = self.view.backends.values()
        return [b.link for b in backends if isinstance(b, HandshakeBackend) and b.link is not None]

    @property
    def _bridges(self) -> list[UpBridge]:
        return [backend for backend in self.view.backends.values() if isinstance(backend, UpBridge)]

    def forget(self, server: str) -> None:
        """A server is not configured any more, or another one now."""
        backend = self.view.backends.get(server)
        if isinstance(backend, UpBridge):
            backend.hearing.close()
        self.view.remove(server)

    async def initialize(self, upstreams: list[Upstream], params: dict[str, Any]) -> dict[str, UpstreamError]:
        """Connect to all at once, with these initialize params; the failures by server id."""
        self._params = params
        return await self.reach(upstreams)

    async def reach(self, upstreams: list[Upstream]) -> dict[str, UpstreamError]:
        """Connect to all at once. After the handshake they join late and are announced."""
        failures: dict[str, UpstreamError] = {}
        reached: dict[str, Backend] = {}

        async def one(upstream: Upstream) -> None:
            try:
                backend = await self._connect(upstream)
            except UpstreamError as error:
                failures[upstream.id] = error
                self.view.absent[upstream.id] = AbsentBackend(
                    upstream.settings, partial(self._revive, upstream)
                )
                principal = self._session.caller.principal.id
                self._services.enforcer.note(
                    "upstream.failed",
                    error.public,
                    private=error.private,
                    principal=principal,
                    server=upstream.id,
                )
                return
            if self._settled:
                self._join_late(backend)
            else:
                reached[upstream.id] = backend

        tasks = {asyncio.create_task(one(upstream)): upstream for upstream in upstreams}
        for task in tasks:
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)
        prompt = [task for task, upstream in tasks.items() if self.view.single or not upstream.slow]
        if prompt:
            await asyncio.wait(prompt, timeout=PATIENCE)
        for task, upstream in tasks.items():
            if not task.done():
                upstream.slow = True
        self._settled = True
        for upstream in upstreams:  # configuration order, whoever answered first
            if upstream.id in reached:
                self.view.add(reached[upstream.id])
        return failures

    async def reach_absent(self) -> None:
        """Try again to reach what could not be reached, as far as its circuit lets anybody try."""
        principal = self._session.caller.principal
        upstreams = [self._services.upstream_of(principal, server) for server in self.view.absent]
        self.view.absent.clear()  # who comes meanwhile must not try at the same time
        await self.reach([upstream for upstream in upstreams if upstream is not None])

    async def _revive(self, upstream: Upstream) -> Backend:
        """A call by name is for an absent server. Raises UpstreamError."""
        failures: dict[str, UpstreamError] = {}
        if self.view.absent.pop(upstream.id, None) is not None:
            failures = await self.reach([upstream])
        backend = self.view.backends.get(upstream.id)
        if backend is None:
            waiting = UpstreamError("unreachable", f"server `{upstream.id}` is still being reached")
            raise failures.get(upstream.id, waiting)
        return backend

    def _join_late(self, backend: Backend) -> None:
        self.view.add(backend)
        if self._ready and isinstance(backend, UpBridge):
            backend.hearing.start()
        for notification, methods in CHANGED.items():
            if CAPABILITY[methods[0]] in backend.capabilities:
                self._announce(backend.settings.id, notification)

    async def _connect(self, upstream: Upstream) -> Backend:
        """Reach a server in the client's era, or over the bridge if it speaks only the other. Raises UpstreamError."""
        refused = UpstreamError(
            "protocol", f"server `{upstream.id}` does not speak the configured protocol revision"
        )
        if upstream.speaks(Era.HANDSHAKE) is not False:
            backend = HandshakeBackend(upstream, self._reconnect)
            try:
                await backend.live()
                backend.successor = partial(self._succeed, upstream, backend)
                return backend
            except UpstreamError as error:
                if upstream.settings.revision != "auto" or error.kind not in ("status", "protocol"):
                    raise
                refused = error
        if await upstream.stateless_link() is None:
            raise refused
        bridge = UpBridge(upstream, self._session)
        bridge.successor = partial(self._succeed, upstream, bridge)
        return bridge

    async def _succeed(self, upstream: Upstream, before: Backend) -> Backend:
        """The server was replaced by one of the other era: reach it anew. Raises UpstreamError."""
        if self.view.backends.get(upstream.id) is before:
            self.forget(upstream.id)
            self.view.absent[upstream.id] = AbsentBackend(upstream.settings, partial(self._revive, upstream))
        return await self._revive(upstream)

    async def _reconnect(self, backend: HandshakeBackend) -> Link:
        again = backend.link is not None
        link, result = await backend.upstream.handshake_link(self._params, self._session)
        if self._closed:  # while it was being opened: nobody else would ever end it
            await link.close()
            raise UpstreamError("closed", "the session has ended")
        self._opened = {each for each in self._opened if each.dead is None} | {link}
        backend.initialized = result
        if self._ready and again:
            await greet(link, self._services.limits.connect_timeout)
            link.listen()
            await self._restore(backend, link)
        elif self._ready:
            self._start(link)
        return link

    async def _restore(self, backend: HandshakeBackend, link: Link) -> None:
        """Tell a server that forgot the session what it was told before, so that the client notices nothing."""
        for method in CHANGED:
            backend.shelf.invalidate(method)
        level = self._session.log_level
        if level and "logging" in backend.capabilities:
            await tell(link, "logging/setLevel", {"level": level})
        uris = self._subscribed(link.server)
        if uris:
            _ = self._restoring.spawn(resubscribe(link, uris, self._session))

    def start(self) -> None:
        """The client is initialized: tell the servers, then open their GET streams."""
        self._ready = True
        for link in self.links:
            self._start(link)
        for backend in self._bridges:
            backend.hearing.start()

    def _start(self, link: Link) -> None:
        link.post(jsonrpc.notification("notifications/initialized"))
        link.listen()

    async def close(self) -> None:
        """Close every link. Never raises."""
        self._closed = True
        for backend in self._bridges:
            backend.hearing.close()
        for task in list(self._connecting):
            task.cancel()
        await self._restoring.drain(0)
        links, self._opened = self._opened, set()
        for link in links:
            upstream = self._services.upstream_of(self._session.caller.principal, link.server)
            if upstream is not None:
                upstream.links.discard(link)
        await asyncio.gather(*(link.close() for link in links), return_exceptions=True)
