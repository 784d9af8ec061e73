"""Stateless client, handshake server: sessions are held here, per principal and capability set.

A handshake server fixes capabilities at `initialize` and may keep state per session, so calls of different principals,
or of one principal with different capabilities, never share a link. Lists come from a link of keepgate's own that
declares nothing.
"""

from __future__ import annotations

import asyncio
from typing import Any

from keepgate.gateway import bridge
from keepgate.gateway.backends import (
    HandshakeBackend,
    MovedError,
    Successor,
    list_params,
    page_of,
    refuse_callback,
)
from keepgate.gateway.background import Background
from keepgate.gateway.caller import Caller
from keepgate.gateway.link import Link
from keepgate.gateway.pending import CallObserver
from keepgate.gateway.services import Services
from keepgate.gateway.settings import ServerSettings
from keepgate.gateway.shelf import Meta, Shelf
from keepgate.gateway.upstream import Upstream
from keepgate.model.errors import UpstreamError
from keepgate.model.message import Kind, Message
from keepgate.protocol import jsonrpc, tasks
from keepgate.protocol.eras import R2025_11

MAX_LINKS = 64
"""Handshake sessions held per server for stateless callers; the longest unused one is closed beyond it."""

CLOSING = 5.0
"""Seconds that sessions already given up get at shutdown."""
MAX_OWN = 8
"""Of these, per principal: capabilities and clientInfo are the client's to vary, and each set is a session."""

CALLBACKS = frozenset(("roots", "sampling", "elicitation"))


class _Held:
    """One handshake session held for a principal."""

    def __init__(
        self, upstream: Upstream, services: Services, params: dict[str, Any], principal: str
    ) -> None:
        self.services = services
        self.principal = principal
        self.params = params
        self.backend = HandshakeBackend(upstream, self._connect)
        self.used = services.monotonic()
        self.running = 0

    async def _connect(self, backend: HandshakeBackend) -> Link:
        link, result = await backend.upstream.handshake_link(self.params, self)
        backend.initialized = result
        link.post(jsonrpc.notification("notifications/initialized"))
        link.listen()
        return link

    def unsolicited(self, link: Link, message: Message) -> None:
        refuse_callback(link, message, "no call is running that this request could belong to")
        self.backend.shelf.invalidate(message.method)

    def lost(self, link: Link, failure: UpstreamError) -> None:
        self.backend.upstream.forget(link, failure)
        self.services.enforcer.note(
            "upstream.lost",
            failure.public,
            private=failure.private,
            principal=self.principal,
            server=link.server,
        )

    def dropped(self, link: Link, message: Message | None, why: str) -> None:
        self.services.enforcer.note("upstream.dropped", why, principal=self.principal, server=link.server)

    async def close(self) -> None:
        link = self.backend.link
        if link is not None:
            self.backend.upstream.links.discard(link)
            await link.close()


class _Translating:
    """Refuses callbacks of a call (a stateless client cannot be asked on this wire) and passes the rest on."""

    def __init__(self, observer: CallObserver, held: _Held, params: dict[str, Any]) -> None:
        self._observer = observer
        self._held = held
        self._params = params

    @property
    def principal(self) -> str:
        return self._observer.principal

    def message(self, message: Message) -> None:
        if message.kind is Kind.REQUEST:
            link = self._held.backend.link
            if link is not None:
                refuse_callback(link, message, "the client cannot be asked over this protocol revision")
            return
        if message.method == "notifications/message" and not bridge.log_wanted(self._params, message.params):
            return
        self._observer.message(message)

    def opened(self, *, streaming: bool) -> None:
        self._observer.opened(streaming=streaming)

    def interrupted(self, retry_ms: int) -> None:
        """The held session resumes by itself."""


class DownBridge:
    """A handshake server towards stateless callers."""

    def __init__(self, upstream: Upstream, services: Services) -> None:
        self.upstream = upstream
        self.services = services
        self.settings: ServerSettings = upstream.settings
        self.shelf = Shelf(upstream.id, self._page, upstream.limits.list_items)
        self._own = _Held(upstream, services, self._params({}, services.identity.info), "")
        self._own.backend.shelf = self.shelf
        self._held: dict[tuple[str, bytes], _Held] = {}
        self._closing = Background()
        self.successor: Successor | None = None

    def _params(self, capabilities: dict[str, Any], info: dict[str, Any]) -> dict[str, Any]:
        return {"protocolVersion": R2025_11, "capabilities": capabilities, "clientInfo": info}

    async def start(self) -> None:
        """Reach the server once. Raises UpstreamError."""
        await self._own.backend.live()

    @property
    def capabilities(self) -> dict[str, Any]:
        """From the initialize result of keepgate's own session, as far as the bridge carries it."""
        return tasks.without(bridge.carried(self._own.backend.capabilities))

    @property
    def receiver(self) -> int:
        """Tasks are numbered here."""
        return 0

    @property
    def server_info(self) -> dict[str, Any]:
        """From the initialize result."""
        return self._own.backend.server_info

    @property
    def instructions(self) -> str:
        """From the initialize result."""
        return self._own.backend.instructions

    async def _page(self, method: str, cursor: str | None, meta: Meta) -> dict[str, Any]:
        reply = await self._own.backend.listed(method, list_params(cursor, None))
        return page_of(reply, self.upstream.id, method)

    def _for(self, caller: Caller) -> _Held:
        """The session for this caller. Callbacks are not declared: they cannot be bridged in this version."""
        capabilities = {key: value for key, value in caller.capabilities.items() if key not in CALLBACKS}
        capabilities.pop("extensions", None)
        capabilities.pop(tasks.CAPABILITY, None)
        key = (caller.principal.id, jsonrpc.canonical([capabilities, caller.info]))
        held = self._held.get(key)
        if held is None:
            params = self._params(capabilities, caller.info or self.services.identity.info)
            held = self._held[key] = _Held(self.upstream, self.services, params, caller.principal.id)
            held.backend.shelf = self.shelf  # what changes for one has changed for all
        held.used = self.services.monotonic()
        return held

    def _evict(self, principal: str) -> None:
        """Keep a bounded number of sessions, of each principal and in all; nobody waits for the end of another.

        Raises UpstreamError if all are busy.
        """
        while True:
            idle = sorted((held.used, key) for key, held in self._held.items() if not held.running)
            own = [key for _, key in idle if key[0] == principal]
            if sum(key[0] == principal for key in self._held) > MAX_OWN:
                victims = own
            elif len(self._held) > MAX_LINKS:
                victims = [key for _, key in idle]
            else:
                return
            if not victims:
                raise UpstreamError(
                    "overloaded", f"too many sessions at server `{self.upstream.id}`", retryable=True
                )
            _ = self._closing.spawn(self._held.pop(victims[0]).close())

    async def request(
        self,
        method: str,
        params: dict[str, Any],
        caller: Caller,
        observer: CallObserver | None,
        headers: dict[str, str],
    ) -> Message:
        """Translate there and back."""
        held = self._for(caller)
        held.running += 1  # from here on it is not evicted
        try:
            self._evict(caller.principal.id)
        except UpstreamError:
            held.running -= 1
            raise
        sent = bridge.params_to_handshake(params)
        watching = _Translating(observer, held, params) if observer is not None else None
        try:
            reply = await held.backend.request(method, sent, caller, watching, {})
        except MovedError:
            if self.successor is None:
                raise
            return await (await self.successor()).request(method, params, caller, observer, headers)
        finally:
            held.running -= 1
        if reply.kind is Kind.ERROR:
            reply.body["error"] = bridge.error_to_stateless(reply.body["error"])
        else:
            reply.body["result"] = bridge.result_to_stateless(method, reply.body["result"], self.server_info)
        return reply

    async def sweep(self, older_than: float) -> None:
        """Close sessions unused since `older_than` (monotonic seconds)."""
        for key, held in list(self._held.items()):
            if held.used < older_than and not held.running:
                del self._held[key]
                await held.close()

    async def close(self) -> None:
        """Close every session. Never raises."""
        every, self._held = [self._own, *self._held.values()], {}
        await asyncio.gather(*(held.close() for held in every), self._closing.drain(CLOSING))
