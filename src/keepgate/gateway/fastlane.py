"""The fast lane: a stateless call of a listed tool or prompt, on a link that stands, without a task or a future.

It takes what needs nothing to be waited for before it is sent; everything else goes the long way (`Relay.forward`),
through the same steps: resolve, decide, record, forward, decide on the reply, answer. Nothing is decided here and
nothing is skipped; docs/life-of-a-message.md shows both ways side by side.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from keepgate.gateway import replies
from keepgate.gateway.backends import OTHER_ERA, REFUSED, StatelessBackend, check_result
from keepgate.gateway.background import Background
from keepgate.gateway.outlets import StatelessOutlet
from keepgate.gateway.pending import Pending
from keepgate.gateway.relay import LIST_OF, Observer, Running, must_know_uris, new_trace
from keepgate.model.errors import AuditError, RemoteError, UpstreamError
from keepgate.model.message import Kind
from keepgate.model.verdict import Effect, Verdict
from keepgate.protocol import jsonrpc

if TYPE_CHECKING:
    from keepgate.gateway.link import Link
    from keepgate.gateway.services import Services
    from keepgate.gateway.stateless import Stateless
    from keepgate.gateway.view import Target
    from keepgate.model.access import Principal
    from keepgate.model.exchange import Exchange
    from keepgate.model.message import Message
    from keepgate.ports import HttpRequest, Responder

_ASK: Final = Effect.ASK
_ERROR: Final = Kind.ERROR
_RESUMING: Final = frozenset(("requestState", "inputResponses"))
"""Params of a retry with input: it may lead to a call that waits."""


class FastLane:
    """The simple calls of one process."""

    def __init__(self, services: Services, stateless: Stateless) -> None:
        self.services = services
        self.stateless = stateless
        self.running: set[Passage] = set()
        self.empty = asyncio.Event()
        """Set while no call is on the lane."""
        self.empty.set()
        self.background = Background()

    def take(
        self,
        message: Message,
        request: HttpRequest,
        responder: Responder,
        principal: Principal,
        mount: str | None,
    ) -> bool:
        """Serve the request if it is simple. False: nothing was done or said, it has to go the long way."""
        list_method = LIST_OF.get(message.method)
        params = message.params
        if list_method is None or not _RESUMING.isdisjoint(params):
            return False
        name, view = params.get("name"), self.stateless.known_view(mount)
        if view is None or type(name) is not str or type(params.get("arguments", params)) is not dict:
            return False
        target = view.ready(list_method, name)
        if target is None or type(target.backend) is not StatelessBackend:
            return False
        link = target.backend.direct()
        if link is None or target.backend.shelf.tokens(target.name) != {}:
            return False  # parameters are mirrored in headers, or the tool must not be used at all
        try:
            caller = self.stateless.caller(message, principal, request.headers)
        except RemoteError:
            return False  # to be refused, which is not urgent
        outlet = StatelessOutlet(responder)
        running = Running(caller, view, outlet, new_trace(), message)
        passage = Passage(self, running, outlet, target, target.backend, link)
        responder.on_disconnect(passage.left)
        passage.begin()
        return True

    async def drain(self, seconds: float) -> None:
        """Wait for running calls to end, then give up what is left."""
        if self.running:
            try:
                async with asyncio.timeout(seconds):
                    await self.empty.wait()
            except TimeoutError:
                for passage in list(self.running):
                    passage.left()
        await self.background.drain(0)


class Passage(Pending):
    """One call on the lane: decided on and recorded, sent, answered. The client gets exactly one reply."""

    __slots__ = ("asked", "backend", "entered", "lane", "mark", "outlet", "over", "running", "target")
    link: Link

    def __init__(
        self,
        lane: FastLane,
        running: Running,
        outlet: StatelessOutlet,
        target: Target,
        backend: StatelessBackend,
        link: Link,
    ) -> None:
        observer = Observer(lane.services.relay, running, backend, None)
        super().__init__(link, running.message.method, observer, backend.upstream.call_timeout)
        self.mark = backend.upstream.events
        self.lane = lane
        self.running = running
        self.outlet = outlet
        self.target = target
        self.backend = backend
        self.asked: Exchange = lane.services.relay.exchange(running.message, running.caller, target)
        self.entered = False
        """It counts as a call in flight."""
        self.over = False
        """It was answered, or nobody waits any more."""

    def begin(self) -> None:
        """Decide, record, and send once the record is as durable as configured."""
        lane, running = self.lane, self.running
        if not lane.running:
            lane.empty.clear()
        lane.running.add(self)
        enforcer = lane.services.enforcer
        try:
            verdict, seq = enforcer.judge(self.asked, running.trace)
            if verdict.effect >= _ASK:
                self._reply_after(seq, self._refusal(verdict))
                return
        except Exception as error:  # noqa: BLE001 - the client must not wait for ever
            self._failed(error)
            return
        # Before anything is waited for: what is judged at the same time counts it.
        enforcer.meters.enter(running.caller.principal.id)
        self.entered = True
        if enforcer.sync:
            enforcer.after(seq, self._send)
        else:
            self._send(recorded=True)

    def _refusal(self, verdict: Verdict) -> dict[str, Any]:
        running = self.running
        if verdict.hidden:
            return replies.unknown(running.message, running.caller)
        return replies.denied(running.message, running.caller, verdict, running.trace)

    def _send(self, recorded: bool) -> None:  # noqa: FBT001 - Enforcer.after calls it
        running = self.running
        if self.over:
            return
        if not recorded:
            self._undecided()
            return
        try:
            params, headers = self.lane.services.relay.outgoing(running.message, running.caller, self.target)
            self.link.start(self, params, headers)
        except UpstreamError as failure:
            self.done = True
            self.on_failure(failure)
        except Exception as error:  # noqa: BLE001 - the client must not wait for ever
            self._mishap(error)

    def on_reply(self, reply: Message) -> None:
        """Decide on the reply, record, and pass it on."""
        running = self.running
        self.backend.upstream.answered(self.link, self.method)
        try:
            if reply.kind is _ERROR and reply.body["error"]["code"] in OTHER_ERA:
                _ = self.lane.background.spawn(self._elsewhere(reply, None))
                return
            check_result(reply, running.message.method, running.message.params)
            if must_know_uris(running.view, running.message.method, reply):
                _ = self.lane.background.spawn(self._receive_later(reply))
            else:
                self._receive(reply)
        except Exception as error:  # noqa: BLE001 - the client must not wait for ever
            self._failed(error)

    async def _receive_later(self, reply: Message) -> None:
        try:
            await self.running.view.know_uris()
            self._receive(reply)
        except Exception as error:  # noqa: BLE001 - the client must not wait for ever
            self._failed(error)

    def _receive(self, reply: Message) -> None:
        body, result, seq = self.lane.services.relay.receive(self.running, self.target, self.asked, reply)
        self._reply_after(seq, body, result)

    async def _elsewhere(self, reply: Message | None, failure: UpstreamError | None) -> None:
        """Answered as a server of the other era would: if it is one now, nothing ran, and it is asked as one."""
        try:
            if await self.backend.upstream.still_stateless() or self.backend.successor is None:
                if reply is None:
                    self._failed(failure or UpstreamError("protocol", "the server did not answer"))
                    return
            else:
                if self.over:
                    return  # nobody waits for it any more
                running = self.running
                params, headers = self.lane.services.relay.outgoing(
                    running.message, running.caller, self.target
                )
                successor = await self.backend.successor()
                reply = await successor.request(self.method, params, running.caller, self.observer, headers)
            await self._receive_later(reply)
        except Exception as error:  # noqa: BLE001 - the client must not wait for ever
            self._failed(error)

    def on_failure(self, failure: UpstreamError) -> None:
        """The server did not answer: say so."""
        self.backend.upstream.failed(self.link, failure, self.mark)
        if failure.http_status in REFUSED:
            _ = self.lane.background.spawn(self._elsewhere(None, failure))
        else:
            self._failed(failure)

    def _failed(self, error: Exception) -> None:
        running, server = self.running, self.backend.settings.id
        try:
            if isinstance(error, UpstreamError):
                body = self.lane.services.relay.failed(
                    running.message, running.caller, error, server, running.trace
                )
                self._reply(body)
            elif isinstance(error, AuditError):
                self._undecided()
            else:
                self._mishap(error)
        except AuditError:
            self._undecided()

    def _mishap(self, error: Exception) -> None:
        """Our own code failed."""
        running = self.running
        self.lane.services.enforcer.mishap(error, running.caller.principal.id)
        self._reply(self._internal_error())

    def _internal_error(self) -> dict[str, Any]:
        text = "keepgate failed on this request"
        return jsonrpc.error(self.running.message.id, jsonrpc.INTERNAL_ERROR, text)

    def _undecided(self) -> None:
        running = self.running
        self._reply(replies.undecided(running.message, running.caller, running.trace))

    def _reply_after(self, seq: int, body: dict[str, Any], result: bytes | None = None) -> None:
        enforcer = self.lane.services.enforcer
        if enforcer.sync:
            enforcer.after(seq, lambda ok: self._reply(body, result) if ok else self._undecided())
        else:
            self._reply(body, result)

    def _reply(self, body: dict[str, Any], result: bytes | None = None) -> None:
        if not self._leave():
            return
        try:
            self.outlet.reply(body, result)
        except Exception as error:  # noqa: BLE001 - as above; nothing was written yet
            self.lane.services.enforcer.mishap(error, self.running.caller.principal.id)
            self.outlet.reply(self._internal_error())

    def left(self) -> None:
        """The client has gone: the server is told in the manner of the era."""
        if self._leave() and self.id:
            self.abandon()

    def _leave(self) -> bool:
        """Off the lane; False if it was before."""
        if self.over:
            return False
        self.over = True
        lane = self.lane
        lane.running.discard(self)
        if not lane.running:
            lane.empty.set()
        if self.entered:
            lane.services.enforcer.meters.leave(self.running.caller.principal.id)
        return True
