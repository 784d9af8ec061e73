"""A session of the handshake era: its own links to servers, its streams, what it was asked and what it asks.

One session belongs to one principal. It is the only place where server-initiated requests of the handshake era meet a
client, so ids are mapped here in both directions and nothing of another session can be named.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from keepgate.gateway import replies, unasked
from keepgate.gateway.answer import answered
from keepgate.gateway.backend import Backend
from keepgate.gateway.backends import HandshakeBackend, refuse_callback
from keepgate.gateway.callbacks import CallbackTable
from keepgate.gateway.caller import Caller, Outlet
from keepgate.gateway.capabilities import initialize_result, introduced
from keepgate.gateway.client_tasks import ClientTasks
from keepgate.gateway.inflight import InFlight
from keepgate.gateway.inspection import presentable
from keepgate.gateway.link import Link
from keepgate.gateway.listen import MAX_RESOURCES
from keepgate.gateway.outlets import Push
from keepgate.gateway.pending import CallObserver
from keepgate.gateway.relay import CallbackHandler, Observer, Running
from keepgate.gateway.servers import Servers
from keepgate.gateway.services import Services
from keepgate.gateway.shelf import CHANGED
from keepgate.gateway.streams import ResumableStream, StreamTable
from keepgate.gateway.task_ledger import AtServers
from keepgate.gateway.trace import new_trace
from keepgate.model.access import Principal
from keepgate.model.errors import AuditError, RemoteError, UpstreamError
from keepgate.model.message import Direction, Kind, Message
from keepgate.model.verdict import Effect
from keepgate.protocol import jsonrpc
from keepgate.protocol.eras import LISTS, LOG_LEVELS, R2025_11, lookup
from keepgate.protocol.session import State, advance
from keepgate.protocol.tasks import METHODS as TASK_METHODS
from keepgate.protocol.tasks import STATUS


class Session(CallbackHandler):
    """Serves one handshake client. `push` sends what belongs to no call and says whether anybody listens."""

    def __init__(self, services: Services, principal: Principal, mount: str | None, session_id: str) -> None:
        self.services = services
        self.id = session_id
        self.mount = mount
        self.caller = Caller(principal, R2025_11)
        self.state = State.NEW
        self.streams = StreamTable(services.limits.replay_events)
        self.standing: ResumableStream = self.streams.new()
        """The GET stream: kept while the client is away."""
        self.touched = services.monotonic()
        self.subscriptions: set[tuple[str, str]] = set()
        self.log_level = ""
        here = AtServers(services.tasks.ledger, lambda: self.caller, lambda: self.view)
        self.callbacks = CallbackTable(ClientTasks(here))
        self._push_to: Callable[[dict[str, Any]], bool] | None = None
        self.running = InFlight()
        self.servers = Servers(
            services,
            self,
            self._announce,
            subscribed=lambda server: [uri for owner, uri in self.subscriptions if owner == server],
            single=mount is not None,
        )
        self.view = self.servers.view

    @property
    def principal(self) -> Principal:
        """Whose session this is."""
        return self.caller.principal

    @property
    def busy(self) -> bool:
        """Whether a request runs."""
        return bool(self.running)

    def push_through(self, send: Callable[[dict[str, Any]], bool]) -> None:
        """Use a pipe for what belongs to no call, instead of the GET stream."""
        self._push_to = send

    def push(self, body: dict[str, Any], *, keep: bool = True) -> bool:
        """Send what belongs to no call; `keep` it for a client that is away. False if nobody hears it now."""
        if self._push_to is not None:
            return self._push_to(body)
        if self.standing.live is None and not keep:
            return False
        self.standing.send(body)
        return self.standing.live is not None

    # Handshake

    async def initialize(self, message: Message) -> dict[str, Any]:
        """The reply body to `initialize`, with every permitted server that answers in time."""
        return await answered(
            self.services.enforcer, message, self.principal, lambda: self._initialize(message)
        )

    async def _initialize(self, message: Message) -> dict[str, Any]:
        self.state = advance(self.state, "initialize")
        params = message.params
        self.caller = introduced(self.principal, params)
        revision = self.caller.revision
        sent = {**params, "protocolVersion": revision, "capabilities": self.caller.capabilities}
        sent["clientInfo"] = self.caller.info or self.services.identity.info
        trace = new_trace()
        exchange = self.caller.sends(message)
        verdict, seq = self.services.enforcer.judge(exchange, trace)
        await self.services.enforcer.settled(seq)
        if verdict.effect >= Effect.ASK:
            return replies.denied(message, self.caller, verdict, trace)
        failures = await self.servers.initialize(self.services.visible_to(self.principal, self.mount), sent)
        if self.view.single and not self.view.backends:
            error = next(iter(failures.values()), UpstreamError("unreachable", "no such server"))
            return replies.unavailable(message, self.caller, error, self.mount or "", trace)
        result = initialize_result(self.view, revision, self.services.identity)
        result = presentable(self.services.enforcer, self.caller, result)
        self.caller = replace(self.caller, revision=result["protocolVersion"])
        return await self._answer(message, result, trace)

    # What the client sends

    async def _answer(self, message: Message, result: dict[str, Any], trace: str) -> dict[str, Any]:
        """Record a reply of our own and return its body."""
        body = jsonrpc.result(message.id, result)
        exchange = self.caller.gets(Message(Kind.RESULT, body))
        verdict, seq = self.services.enforcer.judge(exchange, trace, belongs=True, name=message.method)
        await self.services.enforcer.settled(seq)
        if verdict.effect >= Effect.ASK:
            return replies.denied(message, self.caller, verdict, trace)
        return body

    def begin(self, message: Message) -> None:
        """Advance the state by a client message. Raises RemoteError if it must not come now."""
        before, self.state = self.state, advance(self.state, message.method)
        self.touched = self.services.monotonic()
        if before is State.INITIALIZING and self.state is State.READY:
            self.servers.start()

    async def request(self, message: Message, outlet: Outlet, caller: Caller | None = None) -> None:
        """Serve one request; the outlet gets exactly one reply unless the client cancels.

        `caller` is who sent just this request: by the time it runs, another may have come with another credential.
        """
        caller = caller or self.caller
        task = asyncio.current_task()
        request_id = message.id
        if task is None or request_id is None:
            return
        self.running.begin(request_id, task)
        try:
            work = lambda: self._serve(message, outlet, caller)  # noqa: E731
            outlet.reply(await answered(self.services.enforcer, message, caller.principal, work))
        finally:
            self.running.end(request_id, task)

    async def _serve(self, message: Message, outlet: Outlet, caller: Caller) -> dict[str, Any]:
        self.begin(message)
        method = message.method
        row = lookup(method, Direction.TO_SERVER, Kind.REQUEST, self.caller.revision)
        if row is None:
            _, seq = self.services.enforcer.judge(self.caller.sends(message), new_trace())
            await self.services.enforcer.settled(seq)
            return jsonrpc.error(message.id, jsonrpc.METHOD_NOT_FOUND, "Method not found")
        if method in LISTS:
            await self.servers.reach_absent()
            # A merged list is our own answer; it takes the form the servers themselves answer in.
            outlet.opened(streaming=any(link.streaming for link in self.servers.links))
            return await self.services.listing.serve(message, caller, self.view)
        if method in TASK_METHODS:
            return await self.services.tasks.serve(message, caller, self.view, outlet, self)
        if row.action is not None:
            body = await self.services.relay.forward(message, caller, self.view, outlet, self)
            if method.endswith("subscribe") and "result" in body:
                await self._subscribed(message)
            return body
        return await self._own(message)

    async def _own(self, message: Message) -> dict[str, Any]:
        """`ping` and `logging/setLevel`: answered here, the level passed to every server that logs."""
        trace = new_trace()
        verdict, seq = self.services.enforcer.judge(self.caller.sends(message), trace)
        await self.services.enforcer.settled(seq)
        if verdict.effect >= Effect.ASK:
            return replies.denied(message, self.caller, verdict, trace)
        if message.method == "logging/setLevel":
            level = message.params.get("level")
            if level not in LOG_LEVELS:
                raise RemoteError("params", "unknown `params.level`", rpc_code=jsonrpc.INVALID_PARAMS)
            self.log_level = level
            await self._set_level(message.params)
        return await self._answer(message, {}, trace)

    async def _set_level(self, params: dict[str, Any]) -> None:
        for backend in self.view.backends.values():
            if "logging" in backend.capabilities and isinstance(backend, HandshakeBackend):
                with contextlib.suppress(UpstreamError):
                    await backend.request("logging/setLevel", params, self.caller, None, {})

    async def _subscribed(self, message: Message) -> None:
        target = await self.view.located(message.params["uri"], self.principal.id)
        if target is None:
            return
        key = (target.backend.settings.id, target.name)
        if message.method == "resources/subscribe":
            if len(self.subscriptions) < MAX_RESOURCES:
                self.subscriptions.add(key)
        else:
            self.subscriptions.discard(key)

    def notification(self, message: Message) -> None:
        """A client notification: decided, recorded, passed to whom it concerns."""
        row = lookup(message.method, Direction.TO_SERVER, Kind.NOTIFICATION, self.caller.revision)
        try:
            self.begin(message)
            verdict, seq = self.services.enforcer.judge(self.caller.sends(message), new_trace())
        except RemoteError as error:
            self.services.enforcer.note(
                "message.refused", f"{message.method}: {error.public}", principal=self.principal.id
            )
            return
        except AuditError:
            return
        if row is None or verdict.effect >= Effect.ASK:
            return
        self.services.enforcer.after(seq, lambda ok: self._apply(message) if ok else None)

    def _apply(self, message: Message) -> None:
        if message.method == "notifications/cancelled":
            self.running.cancel(message.params.get("requestId"))
        elif message.method == "notifications/progress":
            self.callbacks.progress(message)
        elif message.method == "notifications/roots/list_changed":
            for link in self.servers.links:
                link.post(message.body)
        elif message.method == STATUS:
            self.callbacks.told(self.servers.links, message)

    def response(self, message: Message) -> bool:
        """A client's answer to a server-initiated request; False if nothing waits for it."""
        asked = self.callbacks.take(message.id)
        exchange = self.caller.sends(message)
        try:
            verdict, seq = self.services.enforcer.judge(
                exchange, asked.trace if asked else new_trace(), belongs=asked is not None
            )
        except AuditError:
            return False
        if asked is None or verdict.effect >= Effect.ASK:
            return False
        self.services.enforcer.after(seq, lambda ok: asked.answer(message if ok else None))
        return True

    # What servers send

    def callback(self, running: Running, backend: Backend, message: Message) -> None:
        """A server-initiated request, or what concerns the session, on the stream of a running call."""
        link = backend.link if isinstance(backend, HandshakeBackend) else None
        if link is None:
            return
        if message.kind is Kind.REQUEST:
            self._ask_client(link, message, running.outlet, running.trace)
        else:
            on_call = running.outlet.message
            self._inform(link, message, Push(lambda body: on_call(body) or self.push(body)))

    def unsolicited(self, link: Link, message: Message) -> None:
        """A message of a server outside any call."""
        if message.kind is Kind.REQUEST:
            self._ask_client(link, message, None, new_trace())
        else:
            self._inform(link, message, Push(self.push))

    def _inform(self, link: Link, message: Message, outlet: Outlet) -> None:
        if message.method != "notifications/cancelled" or self.callbacks.withdrawn(link, message):
            self.heard(link.server, message, outlet)

    def heard(self, server: str, message: Message, outlet: Outlet | None = None) -> None:
        """Pass on a notification if it concerns something this client has asked for, in the client's terms."""
        backend = self.view.backends.get(server)
        if backend is None:
            return
        backend.shelf.invalidate(message.method)
        if not unasked.concerns(self.services, self.caller, self.view, self.subscriptions, backend, message):
            return
        self.services.relay.pass_notification(self.caller, backend, message, "", outlet or Push(self.push))

    def _announce(self, server: str, notification: str) -> None:
        backend = self.view.backends.get(server)
        if backend is not None:
            unasked.tell(self.services, self.caller, backend, notification, Push(self.push))

    def _ask_client(self, link: Link, message: Message, outlet: Outlet | None, trace: str) -> None:
        exchange = self.caller.gets(message, link.server)
        try:
            verdict, seq = self.services.enforcer.judge(exchange, trace, belongs=True)
        except AuditError:
            return
        if verdict.effect >= Effect.ASK:
            refuse_callback(link, message, verdict.reason)
            return
        body = self.callbacks.open(link, message, trace)
        if body is not None:
            self.services.enforcer.after(seq, lambda ok: self.deliver(outlet, body) if ok else None)

    def deliver(self, outlet: Outlet | None, body: dict[str, Any]) -> None:
        """On the stream of the call, else on the standing one; a question nobody hears now is refused, not kept."""
        if not (outlet is not None and outlet.message(body)) and not self.push(body, keep=False):
            self.callbacks.refuse(body["id"], "the client cannot be asked now: it has no open stream")

    async def ask(self, request: dict[str, Any], observer: CallObserver | None) -> dict[str, Any]:
        """Bridge: put a stateless server's input request to the client; its result. Raises UpstreamError."""
        if not isinstance(observer, Observer):
            raise UpstreamError("protocol", "the server asked for input outside any call")
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        running = observer.running
        message = Message(Kind.REQUEST, request)
        method = message.method
        exchange = self.caller.gets(message, observer.backend.settings.id)
        known = lookup(method, Direction.TO_CLIENT, Kind.REQUEST, self.caller.revision)
        verdict, seq = self.services.enforcer.judge(exchange, running.trace, belongs=True)
        if known is None or verdict.effect >= Effect.ASK:
            raise UpstreamError(
                "protocol", f"the server asked for input the client cannot give: {verdict.reason or method}"
            )
        await self.services.enforcer.settled(seq)
        body = self.callbacks.open_future(future, message, running.trace)
        self.deliver(running.outlet, body)
        try:
            async with asyncio.timeout(self.services.limits.call_maximum):
                reply = await future
        except TimeoutError:
            raise UpstreamError("timeout", "the client did not answer the server's question") from None
        finally:
            if self.callbacks.take(body["id"]) is not None:  # nobody waits for the answer any more
                unasked.withdraw(self.services, self.caller, observer.backend, body["id"], running.outlet)
        if reply.kind is Kind.ERROR:
            said = f"it said: {reply.body['error']['message'][:200]}"
            raise UpstreamError("cancelled", "the client refused", said)
        return reply.body["result"]  # type: ignore[no-any-return]

    def lost(self, link: Link, failure: UpstreamError) -> None:
        """A server's link died; the next request connects anew."""
        upstream = self.services.upstream_of(self.principal, link.server)
        if upstream is not None:
            upstream.forget(link, failure)
        self.callbacks.forget(link)
        self.services.enforcer.note(
            "upstream.lost",
            failure.public,
            private=failure.private,
            principal=self.principal.id,
            server=link.server,
        )

    def dropped(self, link: Link, message: Message | None, why: str) -> None:
        """Something a server sent was not passed on."""
        self.services.enforcer.note("upstream.dropped", why, principal=self.principal.id, server=link.server)

    def announce_lists(self) -> None:
        """Policy or servers changed: what the client has listed may be stale."""
        for notification in CHANGED:
            self.push(jsonrpc.notification(notification))

    async def follow(self, gone: list[str]) -> None:
        """The configuration changed: forget the servers that went, reach those that came."""
        for server in gone:
            self.servers.forget(server)
            self.callbacks.tasks.forget(server)
        if gone:
            self.announce_lists()
        if self.state is State.READY:
            wanted = self.services.visible_to(self.principal, self.mount)
            await self.servers.reach([one for one in wanted if one.id not in self.view.backends])

    async def close(self) -> None:
        """End the session: cancel what runs, close the links and streams. Never raises."""
        self.state = State.CLOSED
        self.running.cancel_all()
        self.streams.close()
        await self.servers.close()
