"""One call on the fast lane: decided on and recorded, sent, answered, without a task or a future.

The steps are those of `Relay.forward`, made by the same functions; what differs between the eras is for the subclasses
in `fastlane` to say.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from keepgate.gateway import replies
from keepgate.gateway.background import Background
from keepgate.gateway.calls import Unfit, why_unfit
from keepgate.gateway.eliciting import Way
from keepgate.gateway.heavy import BIG
from keepgate.gateway.pending import Pending
from keepgate.gateway.relay import CallbackHandler, Observer, must_know_uris
from keepgate.model.errors import AuditError, UpstreamError
from keepgate.model.verdict import Effect, Verdict
from keepgate.protocol import jsonrpc

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from keepgate.gateway.backend import Backend
    from keepgate.gateway.backends import HandshakeBackend, StatelessBackend
    from keepgate.gateway.link import Link
    from keepgate.gateway.relay import Running
    from keepgate.gateway.services import Services
    from keepgate.gateway.view import Target
    from keepgate.model.exchange import Exchange
    from keepgate.model.message import Message

_ASK: Final = Effect.ASK


class Lane:
    """What the calls on it share, and which of them run."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.running: set[Passage] = set()
        self.empty = asyncio.Event()
        """Set while no call is on the lane."""
        self.empty.set()
        self.background = Background()

    def end(self, unfit: Unfit) -> None:
        """End the calls that must not go on: the server is told, and the caller why."""
        for passage in list(self.running):
            if why := why_unfit(passage.asked, unfit):
                passage.stop(UpstreamError("closed", why))

    async def drain(self, seconds: float) -> None:
        """Wait for running calls to end, then give up what is left."""
        if self.running:
            try:
                async with asyncio.timeout(seconds):
                    await self.empty.wait()
            except TimeoutError:
                for passage in list(self.running):
                    passage.cancel()
        await self.background.drain(0)


class Passage(Pending):
    """One call. The client gets exactly one reply, or none if it has gone or cancelled."""

    __slots__ = (
        "asked",
        "backend",
        "entered",
        "lane",
        "later",
        "mark",
        "over",
        "running",
        "target",
    )
    link: Link

    def __init__(
        self,
        lane: Lane,
        running: Running,
        target: Target,
        backend: StatelessBackend | HandshakeBackend,
        link: Link,
        callbacks: CallbackHandler | None,
    ) -> None:
        observer = Observer(lane.services.relay, running, backend, callbacks)
        super().__init__(link, running.message.method, observer, backend.upstream.call_timeout)
        self.mark = backend.upstream.events
        self.lane = lane
        self.running = running
        self.target = target
        self.backend = backend
        self.asked: Exchange = lane.services.relay.exchange(running.message, running.caller, target)
        self.later: asyncio.Task[None] | None = None
        """What has to be waited for after all."""
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
                self._refuse(verdict, seq)
                return
        except Exception as error:  # noqa: BLE001 - the client must not wait for ever
            self.failed(error)
            return
        self._let_through(seq)

    def _let_through(self, seq: int) -> None:
        enforcer = self.lane.services.enforcer
        # Before anything is waited for: what is judged at the same time counts it.
        enforcer.enter(self.asked)
        self.entered = True
        if enforcer.sync:
            enforcer.after(seq, self._send)
        else:
            self._send(recorded=True)

    def _refuse(self, verdict: Verdict, seq: int) -> None:
        callbacks = self.observer.callbacks if isinstance(self.observer, Observer) else None
        if verdict.effect is _ASK and callbacks is not None:
            self.spawn(self._persuade(verdict, seq, callbacks))
        else:
            self._reply_after(seq, self.lane.services.relay.refused(self.running, self.asked, verdict))

    async def _persuade(self, verdict: Verdict, seq: int, callbacks: CallbackHandler) -> None:
        """A person may be asked through the client, and let it through after all."""
        relay, running = self.lane.services.relay, self.running
        way = Way(running.caller, running.outlet, running.trace, callbacks)
        try:
            if await relay.eliciting.persuade(verdict, seq, way):
                verdict, seq = relay.enforcer.judge(self.asked, self.running.trace)
            if verdict.effect < _ASK:
                await relay.enforcer.settled(seq)
                self._let_through(seq)
            else:
                self._reply_after(seq, relay.refused(self.running, self.asked, verdict))
        except Exception as error:  # noqa: BLE001 - the client must not wait for ever
            self.failed(error)

    def _send(self, recorded: bool) -> None:  # noqa: FBT001 - Enforcer.after calls it
        running = self.running
        if self.over:
            return
        if not recorded:
            self._undecided()
            return
        if self.link.dead is not None:  # while the record was on its way to the disk
            self.spawn(self.start_over())
            return
        try:
            params, headers = self.lane.services.relay.outgoing(running.message, running.caller, self.target)
            self.link.start(self, params, headers)
        except UpstreamError as failure:
            self.done = True
            self.on_failure(failure)
        except Exception as error:  # noqa: BLE001 - the client must not wait for ever
            self.failed(error)

    def on_reply(self, reply: Message) -> None:
        """Decide on the reply, record, and pass it on."""
        running = self.running
        self.backend.upstream.answered(self.link, self.method)
        try:
            if not self.accept(reply):
                return
            if (
                reply.size > BIG
                or running.turns is not None
                or must_know_uris(running.view, running.message.method, reply)
            ):
                self.spawn(self.receive_later(reply))
            else:
                self._receive(reply)
        except Exception as error:  # noqa: BLE001 - the client must not wait for ever
            self.failed(error)

    def accept(self, reply: Message) -> bool:
        """Whether it is the reply to what was asked; False if it is asked once more. Raises UpstreamError."""
        raise NotImplementedError

    def on_failure(self, failure: UpstreamError) -> None:
        """The server did not answer: say so, unless it is asked once more."""
        self.backend.upstream.failed(self.link, failure, self.mark)
        if not self.once_more(failure):
            self.failed(failure)

    def once_more(self, failure: UpstreamError) -> bool:
        """Ask once more if the request is known not to have run."""
        raise NotImplementedError

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Something has to be waited for: until the client has gone."""
        self.later = self.lane.background.spawn(work)

    async def ask_again(self, backend: Backend) -> Message:
        """The reply of a server that did not run the request the first time. Raises what asking does."""
        running = self.running
        params, headers = self.lane.services.relay.outgoing(running.message, running.caller, self.target)
        return await backend.request(self.method, params, running.caller, self.observer, headers)

    async def start_over(self) -> None:
        """It was not run, and the link is gone."""
        try:
            reply = await self.ask_again(self.backend)
        except Exception as error:  # noqa: BLE001 - the client must not wait for ever
            self.failed(error)
        else:
            await self.receive_later(reply)

    async def receive_later(self, reply: Message) -> None:
        """As soon as it is known whose the URIs in the reply are, and what is in a large one."""
        try:
            await self.lane.services.relay.expect(self.running, self.asked, reply)
            self._receive(reply)
        except Exception as error:  # noqa: BLE001 - the client must not wait for ever
            self.failed(error)

    def _receive(self, reply: Message) -> None:
        body, result, seq = self.lane.services.relay.receive(self.running, self.target, self.asked, reply)
        self._reply_after(seq, body, result)

    def failed(self, error: Exception) -> None:
        """Say so to the client."""
        running, server = self.running, self.backend.settings.id
        relay, message, caller = self.lane.services.relay, running.message, running.caller
        try:
            if isinstance(error, UpstreamError):
                self._reply(relay.failed(message, caller, error, server, running.trace))
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
        if not self.leave():
            return
        outlet = self.running.outlet
        try:
            outlet.reply(body, result)
        except Exception as error:  # noqa: BLE001 - as above; nothing was written yet
            self.lane.services.enforcer.mishap(error, self.running.caller.principal.id)
            outlet.reply(self._internal_error())

    def cancel(self) -> None:
        """The client has gone or cancels: the server is told in the manner of the era."""
        if self.leave():
            if self.id:
                self.abandon()
            if self.later is not None:
                self.later.cancel()
            self.running.outlet.abandon()

    def stop(self, failure: UpstreamError) -> None:
        """Give it up, and say why."""
        if self.id:
            self.abandon()
        if self.later is not None:
            self.later.cancel()
        self.failed(failure)

    def leave(self) -> bool:
        """Off the lane; False if it was before."""
        if self.over:
            return False
        self.over = True
        lane = self.lane
        lane.running.discard(self)
        if not lane.running:
            lane.empty.set()
        if self.entered:
            lane.services.enforcer.leave(self.asked)
        return True
