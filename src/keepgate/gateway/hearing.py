"""What a handshake session hears of a stateless server: one `subscriptions/listen` for the whole session.

The listen asks for the list changes that the server promises and for the resources the client has subscribed to. What
it asks for is fixed when it is opened, so a new subscription opens another one, and the old one ends when the new one
is acknowledged: nothing is missed in between. One that breaks is opened again, and as nothing is replayed in this era,
the client is told that everything may have changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from keepgate.gateway.backends import StatelessBackend
from keepgate.gateway.background import Background
from keepgate.gateway.caller import Caller
from keepgate.gateway.listen import MAX_RESOURCES
from keepgate.gateway.shelf import CAPABILITY, CHANGED
from keepgate.model.errors import UpstreamError
from keepgate.model.message import Kind, Message
from keepgate.protocol import jsonrpc
from keepgate.protocol.envelope import SUBSCRIPTION_KEY, with_meta
from keepgate.protocol.eras import ACKNOWLEDGED, LISTEN_FLAGS

PATIENCE = 10.0
"""Seconds a server may take to acknowledge."""
PAUSE = 2.0
"""Seconds before a broken listen is opened again, doubled with each failure."""
LONGEST_PAUSE = 60.0

Envelope = Callable[[dict[str, Any]], dict[str, Any]]


class Listener(Protocol):
    """The session that hears."""

    @property
    def caller(self) -> Caller: ...

    def heard(self, server: str, message: Message) -> None:
        """A notification of a server that belongs to no call."""


class _Listen:
    """One listen at the server: the CallObserver of the request."""

    def __init__(self, hearing: Hearing, principal: str) -> None:
        self._hearing = hearing
        self.principal = principal
        self.acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.task: asyncio.Task[None] | None = None

    def message(self, message: Message) -> None:
        """What the server says on it."""
        if message.method != ACKNOWLEDGED:
            self._hearing.heard(self, message)
        elif not self.acknowledged.done():
            self.acknowledged.set_result(None)
            self._hearing.acknowledged(self, message.params.get("notifications"))

    def opened(self, *, streaming: bool) -> None: ...

    def interrupted(self, retry_ms: int) -> None: ...

    def stop(self) -> None:
        """End it at the server."""
        if self.task is not None:
            self.task.cancel()


class Hearing:
    """The one listen of a session at a stateless server, and what it asks for."""

    def __init__(self, backend: StatelessBackend, envelope: Envelope, client: Listener) -> None:
        self._backend = backend
        self._envelope = envelope
        self._client = client
        self._uris: set[str] = set()
        self._honoured: frozenset[str] = frozenset()
        self._current: _Listen | None = None
        self._changing = asyncio.Lock()
        self._tasks = Background()
        self._refused = False
        self._closed = False

    def start(self) -> None:
        """Hear list changes, from when the client is initialized."""
        if self._filters():
            _ = self._tasks.spawn(self._keep(0.0))

    async def want(self, uri: str) -> bool:
        """Subscribe to a resource; False if the server does not take it. Raises UpstreamError."""
        if not self._promises("resources", "subscribe") or len(self._uris) >= MAX_RESOURCES:
            return False
        async with self._changing:
            if uri in self._uris:
                return True
            self._uris.add(uri)
            try:
                await self._open()
            except BaseException:
                self._uris.discard(uri)
                raise
            if uri not in self._honoured:
                self._uris.discard(uri)
                return False
            return True

    async def forget(self, uri: str) -> None:
        """End a subscription. The listen goes on as it is: what it still says of the resource is not passed on."""
        self._uris.discard(uri)

    def close(self) -> None:
        """Hear nothing more."""
        self._closed = True
        self._tasks.cancel()
        if self._current is not None:
            self._current.stop()

    def _promises(self, name: str, flag: str) -> bool:
        declared = self._backend.capabilities.get(name)
        return isinstance(declared, dict) and declared.get(flag) is True

    def _filters(self) -> dict[str, Any]:
        filters: dict[str, Any] = {
            flag: True
            for flag, method in LISTEN_FLAGS.items()
            if self._promises(CAPABILITY[CHANGED[method][0]], "listChanged")
        }
        if self._uris:
            filters["resourceSubscriptions"] = sorted(self._uris)
        return filters

    async def _open(self) -> None:
        """Open a listen for what is wanted now, in place of the one before. Raises UpstreamError."""
        filters = self._filters()
        if not filters or self._closed:
            return
        self._refused = False
        caller = self._client.caller
        listen = _Listen(self, caller.principal.id)
        listen.task = self._tasks.spawn(self._run(listen, filters, caller))
        try:
            async with asyncio.timeout(PATIENCE):
                await listen.acknowledged
        except TimeoutError:
            listen.stop()
            raise UpstreamError(
                "timeout", f"server `{self._backend.settings.id}` did not acknowledge a subscription"
            ) from None
        except BaseException:
            listen.stop()
            raise

    def acknowledged(self, listen: _Listen, honoured: Any) -> None:
        """It stands: from now on it is the one, and the one before may end."""
        before, self._current = self._current, listen
        if before is not None:
            before.stop()
        uris = honoured.get("resourceSubscriptions") if isinstance(honoured, dict) else None
        given = uris if isinstance(uris, list) else []
        self._honoured = frozenset(uri for uri in given if isinstance(uri, str))

    async def _run(self, listen: _Listen, filters: dict[str, Any], caller: Caller) -> None:
        failure = UpstreamError("closed", f"server `{self._backend.settings.id}` ended the subscription")
        try:
            reply = await self._backend.listen(filters, self._envelope({}), caller, listen)
            if reply.kind is Kind.ERROR:
                self._refused = True
                failure = UpstreamError("status", "the server refused the subscription")
        except UpstreamError as error:
            failure = error
        if not listen.acknowledged.done():
            listen.acknowledged.set_exception(failure)
            listen.acknowledged.exception()  # nobody may wait for it any more
        if listen is self._current:
            self._current = None
            if not self._closed:
                _ = self._tasks.spawn(self._keep(PAUSE))

    async def _keep(self, pause: float) -> None:
        """Open a listen after a while, again and again until it stands, then tell what may have been missed."""
        again = pause > 0
        while not self._closed:
            await asyncio.sleep(pause)
            try:
                async with self._changing:
                    if self._current is None:
                        await self._open()
                break
            except UpstreamError:
                if self._refused:
                    return
                again, pause = True, min(max(pause, PAUSE / 2) * 2, LONGEST_PAUSE)
        if again:
            self._missed()

    def _missed(self) -> None:
        """Nothing is replayed: whoever listens has to look again."""
        for flag, method in LISTEN_FLAGS.items():
            if flag in self._filters():
                self._pass(Message(Kind.NOTIFICATION, jsonrpc.notification(method)))
        for uri in sorted(self._uris & self._honoured):
            body = jsonrpc.notification("notifications/resources/updated", {"uri": uri})
            self._pass(Message(Kind.NOTIFICATION, body))

    def heard(self, listen: _Listen, message: Message) -> None:
        """A message on a listen; an earlier one that still ends has nothing to say."""
        if listen is self._current:
            if isinstance(message.body.get("params"), dict):
                message.body["params"] = with_meta(message.params, **{SUBSCRIPTION_KEY: None})
            self._pass(message)

    def _pass(self, message: Message) -> None:
        if message.method == "notifications/resources/updated":
            uri = message.params.get("uri")
            if not isinstance(uri, str) or uri not in self._uris:
                return
        self._client.heard(self._backend.settings.id, message)
