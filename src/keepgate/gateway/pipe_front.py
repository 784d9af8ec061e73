"""Fronts where everything to the client goes through one pipe: stdio, and the event stream of old HTTP+SSE clients.

The first request decides the era of a stdio process; an SSE client is always of the handshake era.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from keepgate.gateway.background import Background
from keepgate.gateway.inflight import InFlight
from keepgate.gateway.outlets import encoded
from keepgate.gateway.session import Session
from keepgate.gateway.stateless import Stateless
from keepgate.model.access import Principal
from keepgate.model.errors import RemoteError
from keepgate.model.message import Kind, Message
from keepgate.protocol import jsonrpc
from keepgate.protocol.envelope import has_envelope
from keepgate.protocol.eras import may_batch

Send = Callable[[bytes], bool]
"""Write one serialised message; False when the peer is gone or too slow."""


class PipeOutlet:
    """The answer to one request on a pipe; `collect` gathers the replies of a 2025-03-26 batch."""

    __slots__ = ("_collect", "_left", "_send")

    def __init__(self, send: Send, batch: int = 0) -> None:
        self._send = send
        self._left = batch
        self._collect: list[dict[str, Any]] = []

    def opened(self, *, streaming: bool) -> None:
        """A pipe has no forms of answers."""

    def interrupted(self, retry_ms: int) -> None:
        """A pipe is not resumed."""

    def message(self, body: dict[str, Any]) -> bool:
        """Send a notification or server-initiated request."""
        return self._send(jsonrpc.encode(body))

    def reply(self, body: dict[str, Any], result: bytes | None = None) -> None:
        """Send the reply, or the array of replies when it is the last of a batch."""
        if not self._left:
            self._send(encoded(body, result))
            return
        self._collect.append(body)
        self.abandon()

    def abandon(self) -> None:
        """One reply of a batch less to wait for: it has come, or its request was cancelled."""
        self._left = max(self._left - 1, 0)
        if not self._left and self._collect:
            self._send(jsonrpc.encode(self._collect))


class PipeFront:
    """Serves one client over a pipe. `session` is used if the client turns out to be of the handshake era."""

    def __init__(
        self,
        session: Session,
        stateless: Stateless | None,
        principal: Principal,
        mount: str | None,
        send: Send,
    ) -> None:
        self._session = session
        self._stateless = stateless
        self._principal = principal
        self._mount = mount
        self._send = send
        self._era: str = "" if stateless is not None else "handshake"
        self._running = InFlight()
        self._tasks = Background()
        session.push_through(lambda body: send(jsonrpc.encode(body)))

    def receive(self, raw: bytes) -> None:
        """One message from the client. Never raises."""
        try:
            if (
                self._era != "stateless"
                and may_batch(self._session.caller.revision)
                and raw.lstrip()[:1] == b"["
            ):
                self._batch(jsonrpc.decode_batch(raw, self._session.services.limits.json))
                return
            self._take(jsonrpc.decode(raw, self._session.services.limits.json))
        except RemoteError as error:
            enforcer = self._session.services.enforcer
            enforcer.note("message.refused", error.public, principal=self._principal.id)
            request_id = jsonrpc.peek_id(raw[:65536])
            self._send(jsonrpc.encode(jsonrpc.error(request_id, error.rpc_code, error.public)))

    def _take(self, message: Message) -> None:
        if not self._era and message.kind is Kind.REQUEST:
            # A process may probe with `server/discover` and then fall back: only a served stateless request decides.
            self._era = (
                "stateless" if has_envelope(message) or message.method == "server/discover" else "handshake"
            )
        if self._era == "stateless" and message.method == "initialize" and not has_envelope(message):
            self._era = "handshake"
        if self._era == "stateless" and self._stateless is not None:
            self._take_stateless(message, self._stateless)
        else:
            self._take_handshake(message, PipeOutlet(self._send))

    def _take_stateless(self, message: Message, stateless: Stateless) -> None:
        if message.is_reply:
            return
        if message.kind is Kind.NOTIFICATION:
            stateless.notification(message, self._principal, self._running)
            return
        work = stateless.request(message, self._principal, self._mount, None, PipeOutlet(self._send))
        task = self._tasks.spawn(work)
        self._running.begin(message.id, task)
        task.add_done_callback(lambda done: self._running.end(message.id, done))

    def _take_handshake(self, message: Message, outlet: PipeOutlet) -> None:
        if message.method == "initialize" and message.kind is Kind.REQUEST:
            _ = self._tasks.spawn(self._initialize(message, outlet))
        elif message.kind is Kind.REQUEST:
            _ = self._tasks.spawn(self._request(message, outlet))
        elif message.is_reply:
            self._session.response(message)
        else:
            self._session.notification(message)

    def _batch(self, messages: list[Message]) -> None:
        requests = sum(message.kind is Kind.REQUEST for message in messages)
        outlet = PipeOutlet(self._send, batch=requests)
        for message in messages:
            self._take_handshake(message, outlet)

    async def _request(self, message: Message, outlet: PipeOutlet) -> None:
        try:
            await self._session.request(message, outlet)
        except asyncio.CancelledError:
            outlet.abandon()
            raise

    async def _initialize(self, message: Message, outlet: PipeOutlet) -> None:
        outlet.reply(await self._session.initialize(message))

    async def finish(self, seconds: float) -> None:
        """The client has gone: let running requests end for a while, then cancel them."""
        await self._tasks.drain(seconds)
        await self._session.close()
