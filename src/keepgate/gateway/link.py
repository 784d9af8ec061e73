"""One MCP connection to one server: correlation of requests and replies, progress, cancellation, time limits.

Ids towards the server are minted here and never reused within a process, so two clients that both use id 1, or one
that uses 7 and "7", cannot meet. A link belongs to one handshake session, or (stateless era) is shared by all callers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import count
from typing import Any, Protocol

from keepgate.gateway.background import Background
from keepgate.gateway.flood import Flood
from keepgate.gateway.lasting import LastingTokens
from keepgate.gateway.pending import Awaited, CallObserver, Patience, Pending
from keepgate.gateway.settings import Limits
from keepgate.model.errors import RemoteError, UpstreamError
from keepgate.model.message import Direction, Kind, Message
from keepgate.ports import Channel, Stream
from keepgate.protocol import jsonrpc
from keepgate.protocol.envelope import SUBSCRIPTION_KEY
from keepgate.protocol.eras import LISTS, Era, era_of, lookup, may_batch
from keepgate.protocol.http import routing_headers

MAX_GARBAGE = 20
"""Unreadable messages in a row on one duplex link before it is closed."""

MAX_POSTS = 1000
"""Notifications and responses on their way to a server; one that asks without taking answers is cut off."""

HARMLESS = frozenset(("initialize", "server/discover", *LISTS))
"""What is answered before a server has done anything for anybody."""

_ENDING_HERE = ("ping", "notifications/cancelled")  # it may be: see Link._for_us

_REQUEST = Kind.REQUEST
_ids = count(1)


class LinkOwner(Protocol):
    """Hears of what belongs to no request."""

    def unsolicited(self, link: Link, message: Message) -> None:
        """A notification or server-initiated request outside any call."""

    def lost(self, link: Link, failure: UpstreamError) -> None:
        """The link is dead: the process ended, the session was forgotten, too much garbage came."""

    def dropped(self, link: Link, message: Message | None, why: str) -> None:
        """Something was received and not passed on: late replies, unknown methods, unreadable texts."""


class Link:
    """Requests and replies over one channel, at one protocol revision."""

    def __init__(
        self, server: str, channel: Channel, revision: str, owner: LinkOwner, limits: Limits
    ) -> None:
        self.server = server
        self.channel = channel
        self.revision = revision
        self.era = era_of(revision)  # another revision may come of `initialize`, but not of another era
        self.owner = owner
        self.limits = limits
        self.loop = asyncio.get_running_loop()
        self.dead: UpstreamError | None = None
        self.number = next(_ids)
        """Of this link and no other, ever."""
        self._pending: dict[int, Pending] = {}
        self._patience = Patience(self.loop, self._pending)
        self._lasting = LastingTokens()
        self.quiet = asyncio.Event()
        """Set while no call runs; an open listen does not count."""
        self.quiet.set()
        self._limited = 0
        self.streaming = False
        """Whether the server last answered with an event stream."""
        self._garbage = 0
        self._abandoned = False
        self._flood = Flood(self.loop.time, lambda text: owner.dropped(self, None, text), self._flooded)
        self._tasks = Background()
        self._principals: set[str] = set()
        """Who has used the link; more than one is all there is to know."""
        self.answered = False
        """Whether a call was ever answered on it."""
        self.silence = 0
        """Calls in a row that timed out while nothing was answered."""

    async def open(self) -> None:
        """Open the channel. Raises UpstreamError."""
        await self.channel.open(self)

    async def request(  # noqa: PLR0913 - each is a separate property of one call
        self,
        method: str,
        params: dict[str, Any] | None,
        *,
        observer: CallObserver | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        cancellable: bool = True,
        endless: bool = False,
    ) -> Message:
        """Send a request and wait for its reply (result or error). Raises UpstreamError.

        `endless` is for `subscriptions/listen`, which has no time limit. Cancelling the caller cancels the
        request at the server in the manner of the era.
        """
        pending = Awaited(self, method, observer, timeout or self.limits.call_timeout)
        pending.cancellable = cancellable
        self.start(pending, params, headers, endless=endless)
        try:
            return await pending.future
        except asyncio.CancelledError:
            pending.abandon()
            raise

    def start(
        self,
        pending: Pending,
        params: dict[str, Any] | None,
        headers: Mapping[str, str] | None = None,
        *,
        endless: bool = False,
    ) -> None:
        """Send a request; the pending hears of its end. Raises UpstreamError if it could not be sent at all."""
        if self.dead is not None:
            raise self.dead
        observer, method = pending.observer, pending.method
        if observer is not None and len(self._principals) < 2:
            self._principals.add(observer.principal)
        pending.id = request_id = next(_ids)
        sent = self._with_token(params, pending, request_id)
        wire = self._wire_headers(method, sent, headers)
        self._pending[request_id] = pending
        self._flood.earn()
        if not endless:
            self._limited += 1
            if self._limited == 1:
                self.quiet.clear()
            self._patience.watch(pending.limit(self.limits.call_maximum))
        try:
            payload = jsonrpc.encode(jsonrpc.request(request_id, method, sent))
            pending.stream = self.channel.request(payload, wire, pending)
        except BaseException:
            pending.done = True
            self._forget(pending)
            raise

    def ended(self, pending: Pending, failure: UpstreamError | None) -> None:
        """A request has its reply, or is given up: then the server is told, unless it knows."""
        self._forget(pending)
        # The stream refers back to the pending: a cycle would be garbage that only the collector can free.
        stream, pending.stream = pending.stream, None
        if failure is None:
            if stream is not None:
                stream.finished()
        elif failure.kind in ("cancelled", "timeout"):
            self._cancel(pending, stream)

    def _forget(self, pending: Pending) -> None:
        del self._pending[pending.id]
        if pending.limited:
            self._limited -= 1
            if not self._limited:
                self.quiet.set()
        if self.dead is not None and not self._pending:
            self._abandon()

    def _with_token(
        self, params: dict[str, Any] | None, pending: Pending, request_id: int
    ) -> dict[str, Any] | None:
        """Replace the client's progress token by one that is unique on this link."""
        meta = params.get("_meta") if params is not None else None
        if params is None or not isinstance(meta, dict) or "progressToken" not in meta:
            return params
        pending.token = meta["progressToken"]
        pending.sent_token = request_id
        return {**params, "_meta": {**meta, "progressToken": request_id}}

    def _wire_headers(
        self, method: str, params: Mapping[str, Any] | None, more: Mapping[str, str] | None = None
    ) -> Mapping[str, str]:
        """The protocol's own headers, and `more`."""
        if self.era is Era.STATELESS:
            own = routing_headers(method, params or {}, self.revision)
        else:
            own = {} if method == "initialize" else {"MCP-Protocol-Version": self.revision}
        return {**more, **own} if more else own

    def _cancel(self, pending: Pending, stream: Stream | None) -> None:
        stateless_http = self.era is Era.STATELESS and not self.channel.duplex
        if stream is not None:
            stream.cancel()
        if not stateless_http and pending.cancellable and self.dead is None:
            why = "the caller cancelled or keepgate's time limit was reached"
            gone = {"requestId": pending.id, "reason": why}
            self.post(jsonrpc.notification("notifications/cancelled", gone))

    async def _send_quietly(self, body: dict[str, Any]) -> None:
        try:
            await self.send(body)
        except UpstreamError:
            return

    async def send(self, body: dict[str, Any]) -> None:
        """Send a notification or a response. Raises UpstreamError."""
        if self.dead is not None:
            raise self.dead
        headers = self._wire_headers(body.get("method", ""), body.get("params"))
        await self.channel.notify(jsonrpc.encode(body), headers)

    def post(self, body: dict[str, Any]) -> None:
        """Send a notification or a response without waiting; a failure is reported by the channel itself."""
        self._patience.say(body)
        if len(self._tasks) < MAX_POSTS:
            _ = self._tasks.spawn(self._send_quietly(body))
        else:
            self.fail(
                UpstreamError("overloaded", f"server `{self.server}` asks faster than it takes answers")
            )

    def listen(self) -> None:
        """Streamable HTTP, handshake era: open the GET stream."""
        self.channel.listen(self._wire_headers("", None))

    # Sink of the channel: what belongs to no response stream.

    def message(self, raw: bytes, event_id: str | None = None) -> None:
        """A message on the duplex channel or the GET stream."""
        self.received(raw, None)

    def opened(self, *, streaming: bool) -> None:
        """The GET stream is open."""

    def interrupted(self, retry_ms: int) -> None:
        """The GET stream is being resumed by the channel."""

    def closed(self, failure: UpstreamError | None) -> None:
        """The channel is dead."""
        self.fail(failure or UpstreamError("closed", f"server `{self.server}` closed the connection"))

    def fail(self, failure: UpstreamError) -> None:
        """Mark the link dead and fail everything that waits on it."""
        if self.dead is not None:
            return
        self.dead = failure
        # A lost session is told to each request on its own stream, and only there: one in flight may still be answered.
        if failure.kind != "session-lost":
            # `failure` may say that a request did not run; that is true of the one it answers, not of those in flight.
            unknown = UpstreamError("closed", failure.public, failure.private)
            for pending in list(self._pending.values()):
                pending.closed(unknown)
        if not self._pending:
            self._abandon()
        self.owner.lost(self, failure)

    def _abandon(self) -> None:
        """Nothing more comes of a dead link: end its process or streams. Nobody else will."""
        self._patience.stop()
        if not self._abandoned:
            self._abandoned = True
            _ = self._tasks.spawn(self.channel.close())

    def received(self, raw: bytes, pending: Pending | None) -> None:
        """Parse what the server sent and hand it to whom it belongs."""
        try:
            batch, limits = raw.lstrip()[:1] == b"[" and may_batch(self.revision), self.limits.response
            messages = jsonrpc.decode_batch(raw, limits) if batch else (jsonrpc.decode(raw, limits),)
        except RemoteError as error:
            self._unreadable(error, pending)
            return
        self._garbage = 0
        for message in messages:
            try:
                self._route(message, pending)
            except Exception as error:  # noqa: BLE001 - one that nobody thought of must not end what comes with it
                self.owner.dropped(self, message, f"it could not be handled: {type(error).__name__}")

    def _flooded(self) -> None:
        self.fail(UpstreamError("protocol", f"server `{self.server}` floods messages"))

    def _unreadable(self, error: RemoteError, pending: Pending | None) -> None:
        self.owner.dropped(self, None, error.public)
        if pending is not None:
            pending.closed(UpstreamError("protocol", f"the server sent an invalid message: {error.public}"))
            return
        self._garbage += 1
        if self._garbage >= MAX_GARBAGE:
            self.fail(UpstreamError("protocol", f"the server sends invalid messages: {error.public}"))

    def _route(self, message: Message, pending: Pending | None) -> None:
        if message.is_reply:
            self._reply(message, pending)
            return
        if not self._flood.admit():
            return
        method = message.method
        if not self._known(message) or (method in _ENDING_HERE and self._for_us(message)):
            return
        if method == "notifications/progress":
            pending = self._progress(message)
            if pending is None:
                return
        elif pending is None and self.channel.duplex:
            pending = self._call_of(message)
        if message.kind is _REQUEST or method == "notifications/cancelled":
            self._patience.hear(message, pending)
        if pending is None or pending.observer is None:
            self.owner.unsolicited(self, message)
            return
        pending.alive()
        pending.observer.message(message)

    def _known(self, message: Message) -> bool:
        """Whether the protocol revision has this message; a request that it has not is answered so."""
        if lookup(message.method, Direction.TO_CLIENT, message.kind, self.revision) is not None:
            return True
        self.owner.dropped(self, message, "a method this protocol revision does not have")
        if message.kind is Kind.REQUEST:
            self.post(jsonrpc.error(message.id, jsonrpc.METHOD_NOT_FOUND, "Method not found"))
        return False

    def _reply(self, message: Message, pending: Pending | None) -> None:
        """A reply counts only for the request that waits for it, and over HTTP only on that request's own stream."""
        found = self._pending.get(message.id) if type(message.id) is int else None
        if message.id is None and pending is not None:
            found = pending  # an HTTP error status with a JSON-RPC error that could not name the request
        if found is None or (pending is not None and found is not pending):
            if self._flood.admit():
                self.owner.dropped(self, message, "a reply to no pending request: late, foreign or repeated")
            return
        self.answered = self.answered or found.method not in HARMLESS
        if found.sent_token is not None:
            self._lasting.note(found, message)
        found.answer(message)

    def _for_us(self, message: Message) -> bool:
        """What ends at the gateway: pings, and in the stateless era `cancelled`, which can only end a listen."""
        if message.kind is Kind.REQUEST and message.method == "ping":
            self.post(jsonrpc.result(message.id, {}))
            return True
        if message.method != "notifications/cancelled" or self.era is not Era.STATELESS:
            return False
        found = message.params.get("requestId")
        pending = self._pending.get(found) if type(found) is int else None
        if pending is not None and pending.method == "subscriptions/listen":
            pending.closed(UpstreamError("closed", f"server `{self.server}` ended the subscription"))
        return True

    def _progress(self, message: Message) -> Pending | None:
        """The call a progress notification belongs to, with the client's own token put back."""
        token = message.params.get("progressToken")
        found = self._pending.get(token) if type(token) is int else None
        if found is None or found.sent_token != token:
            if self._lasting.put_back(message):
                self.owner.unsolicited(self, message)
            else:
                self.owner.dropped(self, message, "progress for no pending request")
            return None
        message.body["params"] = {**message.params, "progressToken": found.token}
        return found

    def _call_of(self, message: Message) -> Pending | None:
        """The call a message on a pipe belongs to.

        A listen names itself by its subscription id. For the rest nothing says it: on a link of one session it is
        taken to be the newest call; on a shared link only if a single call runs and no one else ever made one: what a
        server still has to say about an ended call must not reach the next caller.
        """
        meta = message.params.get("_meta")
        subscription = meta.get(SUBSCRIPTION_KEY) if isinstance(meta, dict) else None
        if subscription is not None:
            return self._pending.get(subscription) if type(subscription) is int else None
        if message.method.endswith(("list_changed", "resources/updated")):
            return None
        calls = [
            pending
            for pending in self._pending.values()
            if pending.observer is not None and pending.method != "subscriptions/listen"
        ]
        shared = self.era is Era.STATELESS and (len(calls) > 1 or len(self._principals) > 1)
        if not calls or shared:
            return None
        return calls[-1]

    async def close(self) -> None:
        """End the connection. Never raises."""
        failure = UpstreamError("closed", f"the connection to server `{self.server}` was closed")
        if self.dead is None:
            self.dead = failure
            for pending in list(self._pending.values()):
                pending.closed(failure)
        self._patience.stop()
        self._abandoned = True
        await self.channel.close()
