"""One handshake session that keepgate holds at a server for a principal of the stateless era.

It knows what runs in it, and so whose a question can be; who listens to it; which resources it has subscribed to.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

from keepgate.gateway.backcall import BackCall
from keepgate.gateway.backends import HandshakeBackend, refuse_callback
from keepgate.gateway.background import Background
from keepgate.gateway.link import Link
from keepgate.gateway.pending import CallObserver
from keepgate.gateway.restore import greet
from keepgate.gateway.services import Services
from keepgate.gateway.upstream import Upstream
from keepgate.model.errors import UpstreamError
from keepgate.model.message import Kind, Message
from keepgate.protocol import jsonrpc, tasks
from keepgate.protocol.eras import LOG_LEVELS

AT_ONCE = 16
"""Subscriptions on their way to a server at a time."""


class Ear:
    """One listen of a client at a held session: hears what it asked for, until the session breaks."""

    def __init__(self, observer: CallObserver, methods: Iterable[str], uris: Iterable[str]) -> None:
        self._observer = observer
        self._methods = frozenset(methods)
        self._uris = frozenset(uris)
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def hear(self, message: Message) -> None:
        """Pass on a copy of what is wanted: each listener rewrites its own."""
        updated, uri = message.method == "notifications/resources/updated", message.params.get("uri")
        if (isinstance(uri, str) and uri in self._uris) if updated else message.method in self._methods:
            self._observer.message(Message(message.kind, dict(message.body), message.size))

    def fail(self, failure: UpstreamError) -> None:
        """The session is lost; whoever listens opens another."""
        if not self.broken.done():
            self.broken.set_exception(failure)
            self.broken.exception()  # nobody may be waiting yet

    @property
    def whole(self) -> bool:
        """Whether the session still stands; who stopped waiting has broken nothing."""
        return not self.broken.done() or self.broken.cancelled()


class Held:
    """One handshake session held for a principal, or (principal "") keepgate's own."""

    def __init__(
        self, upstream: Upstream, services: Services, params: dict[str, Any], principal: str, wanted: bytes
    ) -> None:
        self.services = services
        self.principal = principal
        self.params = params
        self.wanted = wanted
        """For what capabilities and client it was opened."""
        self.backend = HandshakeBackend(upstream, self._connect)
        self.used = services.monotonic()
        self.busy = 0
        """Requests that run, parked ones too, and listens."""
        self.calls: set[BackCall] = set()
        """Those that a server may ask something in"""
        self.others = 0
        """Requests that run and in which it may not"""
        self.tasks: dict[str, BackCall] = {}
        """Calls that wait for a task, by the server's id for it: questions name it"""
        self._level = ""
        self._ears: set[Ear] = set()
        self._uris: dict[str, int] = {}
        self._subscribing = asyncio.Lock()
        self._tasks = Background()

    async def _connect(self, backend: HandshakeBackend) -> Link:
        link, result = await backend.upstream.handshake_link(self.params, self)
        backend.initialized = result
        self._level = ""
        if backend.link is None:
            link.post(jsonrpc.notification("notifications/initialized"))
        else:
            await greet(link, self.services.limits.connect_timeout)
        link.listen()
        return link

    @property
    def occupied(self) -> bool:
        """Whether a call is parked in it whose questions could not be told from those of another."""
        link = self.backend.link
        return link is not None and link.channel.duplex and any(call.parked for call in self.calls)

    async def ready(self, level: Any) -> None:
        """Have the server send log messages of this level; each call hears only what it asked for.

        Raises UpstreamError if the server cannot be reached.
        """
        if level not in LOG_LEVELS:
            return
        await self.backend.live()  # before, nothing is known of the server
        if "logging" not in self.backend.capabilities:
            return
        if self._level and LOG_LEVELS.index(level) >= LOG_LEVELS.index(self._level):
            return
        self._level = level
        with contextlib.suppress(UpstreamError):
            await self.call("logging/setLevel", {"level": level})

    async def call(self, method: str, params: dict[str, Any]) -> Message:
        """A request of keepgate's own. Raises UpstreamError."""
        upstream = self.backend.upstream
        return await self.backend.send(lambda link: upstream.call(link, method, params))

    # What the server sends

    def unsolicited(self, link: Link, message: Message) -> None:
        """Outside any call, or on a pipe or the GET stream, which do not say to which call: to the one, if one runs."""
        only = next(iter(self.calls)) if len(self.calls) == 1 and not self.others else None
        if tasks.mentions(message.params):
            only = None
        if only is not None and (message.kind is Kind.REQUEST or message.method == "notifications/message"):
            only.message(message)
        else:
            self.aside(link, None, message)

    def aside(self, link: Link | None, call: BackCall | None, message: Message) -> None:
        """A question, put to the call it belongs to or refused; or what concerns those who listen."""
        if link is None:
            return
        if message.kind is Kind.REQUEST:
            named = self.tasks.get(tasks.related(message.params) or "")
            if named is not None:
                message.body["params"] = tasks.relate(message.params, None)
                named.ask(link, message)
            elif call is None:
                refuse_callback(link, message, "no call is running that this request could belong to")
            elif link.channel.duplex and len(self.calls) + self.others > 1:
                refuse_callback(link, message, "more than one call is running that this could belong to")
            else:
                call.ask(link, message)
        elif message.method == "notifications/cancelled":
            for each in self.calls:
                each.withdrawn(link, message.params.get("requestId"))
        else:
            self.backend.shelf.invalidate(message.method)
            for ear in list(self._ears):
                ear.hear(message)

    def lost(self, link: Link, failure: UpstreamError) -> None:
        self.backend.upstream.forget(link, failure)
        self._uris.clear()
        self.deafen(failure)
        self.services.enforcer.note(
            "upstream.lost",
            failure.public,
            private=failure.private,
            principal=self.principal,
            server=link.server,
        )

    def dropped(self, link: Link, message: Message | None, why: str) -> None:
        self.services.enforcer.note("upstream.dropped", why, principal=self.principal, server=link.server)

    def deafen(self, failure: UpstreamError) -> None:
        """Tell all who listen that nothing will be heard here any more."""
        for ear in self._ears:
            ear.fail(failure)

    # Listening

    @contextlib.contextmanager
    def heard_by(self, ear: Ear) -> Iterator[None]:
        """While somebody listens."""
        self._ears.add(ear)
        try:
            yield
        finally:
            self._ears.discard(ear)

    async def subscribe(self, uris: list[str]) -> list[str]:
        """Subscribe to resources, each once however many listen; those that the server took."""
        await self.backend.live()
        free = asyncio.Semaphore(AT_ONCE)

        async def one(uri: str) -> bool:
            async with free:
                reply = await self.call("resources/subscribe", {"uri": uri})
                return reply.kind is Kind.RESULT

        async with self._subscribing:
            new = [uri for uri in uris if uri not in self._uris]
            taken = await asyncio.gather(*(one(uri) for uri in new))
            refused = {uri for uri, ok in zip(new, taken, strict=True) if not ok}
            held = [uri for uri in uris if uri not in refused]
            for uri in held:
                self._uris[uri] = self._uris.get(uri, 0) + 1
            return held

    def unsubscribe(self, uris: list[str]) -> None:
        """One listener less."""
        if uris:
            _ = self._tasks.spawn(self._unsubscribe(uris))

    async def _unsubscribe(self, uris: list[str]) -> None:
        async with self._subscribing:
            for uri in uris:
                left = self._uris.get(uri, 0) - 1
                if left > 0:
                    self._uris[uri] = left
                elif self._uris.pop(uri, None) is not None:
                    with contextlib.suppress(UpstreamError):
                        await self.call("resources/unsubscribe", {"uri": uri})

    async def close(self) -> None:
        """End the session. Never raises."""
        self.deafen(UpstreamError("closed", "the session was closed"))
        await self._tasks.drain(0)
        link = self.backend.link
        if link is not None:
            self.backend.upstream.links.discard(link)
            await link.close()
