"""The fast lane: a call of a listed tool or prompt, on a link that stands, without a task or a future.

It takes what needs nothing to be waited for before it is sent, of clients that speak the era of their server;
everything else goes the long way (`Relay.forward`), through the same steps: resolve, decide, record, forward, decide on
the reply, answer. Nothing is decided here and nothing is skipped; docs/life-of-a-message.md shows both ways side by
side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keepgate.gateway.backends import OTHER_ERA, REFUSED, HandshakeBackend, StatelessBackend, check_result
from keepgate.gateway.heavy import BIG
from keepgate.gateway.outlets import StatelessOutlet
from keepgate.gateway.passage import Lane, Passage
from keepgate.gateway.relay import LIST_OF, Running
from keepgate.gateway.trace import new_trace
from keepgate.model.errors import RemoteError, UpstreamError
from keepgate.model.message import Kind
from keepgate.protocol.session import State

if TYPE_CHECKING:
    from keepgate.gateway.caller import Outlet
    from keepgate.gateway.link import Link
    from keepgate.gateway.services import Services
    from keepgate.gateway.session import Session
    from keepgate.gateway.stateless import Stateless
    from keepgate.gateway.view import Target, View
    from keepgate.model.access import Principal
    from keepgate.model.message import Message
    from keepgate.ports import HttpRequest, Responder

_ERROR: Final = Kind.ERROR
_READY: Final = State.READY
_UNUSUAL: Final = frozenset(("requestState", "inputResponses", "task"))
"""Params of a retry with input, which may lead to a call that waits, and of a call that becomes a task."""


class FastLane(Lane):
    """The simple calls of one process."""

    def __init__(self, services: Services, stateless: Stateless) -> None:
        super().__init__(services)
        self.stateless = stateless

    def take(
        self,
        message: Message,
        request: HttpRequest,
        responder: Responder,
        principal: Principal,
        mount: str | None,
    ) -> bool:
        """Serve a stateless request if it is simple. False: nothing was done or said, it has to go the long way."""
        view = self.stateless.known_view(principal, mount)
        target = _target(message, view) if view is not None else None
        if view is None or target is None or type(target.backend) is not StatelessBackend:
            return False
        link = target.backend.direct()
        if link is None or target.tokens != {}:
            return False  # parameters are mirrored in headers, or the tool must not be used at all
        try:
            caller = self.stateless.caller(message, principal, request.headers)
        except RemoteError:
            return False  # to be refused, which is not urgent
        running = Running(caller, view, StatelessOutlet(responder), new_trace(), message)
        passage = StatelessPassage(self, running, target, target.backend, link, None)
        responder.on_disconnect(passage.cancel)
        passage.begin()
        return True

    def take_within(self, session: Session, message: Message, outlet: Outlet) -> bool:
        """Serve a request within a session if it is simple. False as above."""
        target = _target(message, session.view)
        if target is None or type(target.backend) is not HandshakeBackend or session.state is not _READY:
            return False
        link = target.backend.direct()
        if link is None:
            return False
        running = Running(session.caller, session.view, outlet, new_trace(), message)
        SessionPassage(self, running, target, target.backend, link, session).begin()
        return True


def _target(message: Message, view: View) -> Target | None:
    """What a simple request names; None for one that is not simple, or not known to be."""
    list_method = LIST_OF.get(message.method)
    params = message.params
    if list_method is None or message.size > BIG or not _UNUSUAL.isdisjoint(params):
        return None
    name = params.get("name")
    if type(name) is not str or type(params.get("arguments", params)) is not dict:
        return None
    return view.ready(list_method, name)


class StatelessPassage(Passage):
    """A call of 2026-07-28 to a server of 2026-07-28. It ends with the connection that it came on."""

    __slots__ = ()
    backend: StatelessBackend

    def accept(self, reply: Message) -> bool:
        """Not what a server of the other era would answer, as far as that is known."""
        if reply.kind is _ERROR and reply.body["error"]["code"] in OTHER_ERA:
            self.spawn(self._elsewhere(reply, None))
            return False
        check_result(reply, self.method, self.running.message.params)
        return True

    def once_more(self, failure: UpstreamError) -> bool:
        """A server of the other era may refuse it so."""
        if failure.http_status not in REFUSED:
            return False
        self.spawn(self._elsewhere(None, failure))
        return True

    async def _elsewhere(self, reply: Message | None, failure: UpstreamError | None) -> None:
        """Answered as a server of the other era would: if it is one now, nothing ran, and it is asked as one."""
        try:
            if not await self.backend.upstream.still_stateless() and self.backend.successor is not None:
                reply = await self.ask_again(await self.backend.successor())
        except Exception as error:  # noqa: BLE001 - the client must not wait for ever
            self.failed(error)
            return
        if reply is None:
            self.failed(failure or UpstreamError("protocol", "the server did not answer"))
        else:
            await self.receive_later(reply)


class SessionPassage(Passage):
    """A call within a handshake session to a server of that era. It ends when the client cancels it, or the session."""

    __slots__ = ("session",)
    backend: HandshakeBackend

    def __init__(
        self,
        lane: Lane,
        running: Running,
        target: Target,
        backend: HandshakeBackend,
        link: Link,
        session: Session,
    ) -> None:
        super().__init__(lane, running, target, backend, link, session)
        self.session = session

    def begin(self) -> None:
        """The client can cancel it from now on."""
        self.session.running.begin(self.running.message.id, self)
        super().begin()

    def leave(self) -> bool:
        """Nor is there anything left to cancel."""
        first = super().leave()
        if first:
            self.session.running.end(self.running.message.id, self)
        return first

    def accept(self, reply: Message) -> bool:
        """Whatever the server says."""
        return True

    def once_more(self, failure: UpstreamError) -> bool:
        """A server that has forgotten the session did not run the request: it is asked in a new one."""
        if failure.kind != "session-lost" or not failure.retryable:
            return False
        self.link.fail(failure)
        self.spawn(self.start_over())
        return True
