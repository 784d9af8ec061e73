"""`subscriptions/listen` over several servers: one listen per server behind each listen of a client.

The acknowledgement names what at least one server honoured; every message is stamped with the client's own listen id.
When a server goes away the listen is opened again, and what may have been missed is announced.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from keepgate.gateway.backend import Backend
from keepgate.gateway.backends import StatelessBackend
from keepgate.gateway.caller import Caller, Outlet
from keepgate.gateway.downbridge import DownBridge
from keepgate.gateway.relay import Running
from keepgate.gateway.services import Services
from keepgate.gateway.task_relay import lacking
from keepgate.gateway.view import View
from keepgate.model.access import Principal, Resource, ResourceKind
from keepgate.model.errors import RemoteError, UpstreamError
from keepgate.model.message import Kind, Message
from keepgate.protocol import jsonrpc, tasks
from keepgate.protocol.envelope import SUBSCRIPTION_KEY, with_meta
from keepgate.protocol.eras import ACKNOWLEDGED, LISTEN_FLAGS

ACK_PATIENCE = 3.0
"""Seconds to wait for every server's acknowledgement before the client gets ours."""
RELISTEN_PAUSE = 2.0
MAX_RESOURCES = 1000

Listenable = StatelessBackend | DownBridge


class Listen:
    """All listens of one process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._open: dict[str, int] = {}
        self._live: set[_Subscription] = set()

    def announce(self) -> None:
        """Tell every listener that what it may see has changed."""
        for one in self._live:
            one.announce()

    def end_unless(self, live: Callable[[Principal], bool]) -> None:
        """End the listens of principals that may no longer be served."""
        for one in self._live:
            if not live(one.holder):
                one.close()

    def end(self) -> None:
        """End every listen in an orderly way: each client gets its closing result."""
        for one in self._live:
            one.close()

    async def serve(
        self, message: Message, caller: Caller, view: View, outlet: Outlet, trace: str
    ) -> dict[str, Any]:
        """Run one listen until the client goes away or every server has ended it; its closing result."""
        wanted = message.params.get("notifications")
        if not isinstance(wanted, dict):
            raise RemoteError(
                "params", "`params.notifications` must be an object", rpc_code=jsonrpc.INVALID_PARAMS
            )
        if "taskIds" in wanted and not tasks.declared(caller.capabilities):
            return lacking(message)
        principal = caller.principal.id
        if self._open.get(principal, 0) >= self._services.limits.subscriptions:
            raise RemoteError("subscriptions", "too many open subscriptions", rpc_code=jsonrpc.RATE_LIMITED)
        self._open[principal] = self._open.get(principal, 0) + 1
        one = _Subscription(self._services, message, caller, view, outlet, trace)
        self._live.add(one)
        try:
            await one.run(await one.split(wanted))
        except asyncio.CancelledError:
            if not one.ended:
                raise
        finally:
            one.close()
            self._live.discard(one)
            self._open[principal] -= 1
            if not self._open[principal]:
                del self._open[principal]
        result = {"resultType": "complete", "_meta": {SUBSCRIPTION_KEY: message.id}}
        return jsonrpc.result(message.id, result)


class _Subscription:
    """One listen of one client."""

    def __init__(
        self, services: Services, message: Message, caller: Caller, view: View, outlet: Outlet, trace: str
    ) -> None:
        self._services = services
        self._message = message
        self._caller = caller
        self._view = view
        self._outlet = outlet
        self._trace = trace
        self._honoured: dict[str, dict[str, Any]] = {}
        self._acked = asyncio.Event()
        self._expected = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._flags: tuple[str, ...] = ()
        self._early: dict[tuple[str, str], tuple[Backend | None, dict[str, Any]]] | None = {}
        """What came before the client has its acknowledgement, each thing once; None from then on."""
        self.ended = False
        self.principal = caller.principal.id

    @property
    def holder(self) -> Principal:
        """Who listens."""
        return self._caller.principal

    def announce(self) -> None:
        """Send the list_changed notifications this client asked for."""
        for flag in self._flags:
            self._send(None, jsonrpc.notification(LISTEN_FLAGS[flag]))

    async def split(self, wanted: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """What to ask of each server: flags of all, resources of the one each URI belongs to, if visible."""
        flags = {flag: True for flag in LISTEN_FLAGS if wanted.get(flag) is True}
        self._flags = tuple(flags)
        asked: dict[str, dict[str, Any]] = {}
        policy, principal = self._services.policy(), self._caller.principal
        for server, backend in self._view.backends.items():
            if isinstance(backend, Listenable) and policy.may_use(principal, server):
                asked[server] = dict(flags)
        uris = wanted.get("resourceSubscriptions")
        for uri in uris[:MAX_RESOURCES] if isinstance(uris, list) else []:
            target = await self._view.located(uri, principal.id) if isinstance(uri, str) else None
            server = target.backend.settings.id if target is not None else ""
            if target is None or server not in asked:
                continue
            if policy.visible(principal, Resource(ResourceKind.RESOURCE, server, target.name)):
                asked[server].setdefault("resourceSubscriptions", []).append(target.name)
        watched = self._services.tasks.watched(wanted.get("taskIds"), self._caller, self._view)
        for server in watched.keys() & asked.keys():
            asked[server]["taskIds"] = watched[server]
        if watched and len(self._view.backends) > 1:
            await self._view.know_uris()
        return {server: filters for server, filters in asked.items() if filters}

    async def run(self, asked: dict[str, dict[str, Any]]) -> None:
        """Open a listen at every server, acknowledge, pass on until all have ended."""
        self._expected = len(asked)
        for server, filters in asked.items():
            backend = self._view.backends[server]
            if isinstance(backend, Listenable):
                self._tasks.append(asyncio.create_task(self._one(server, filters)))
        if asked:
            try:
                async with asyncio.timeout(ACK_PATIENCE):
                    await self._acked.wait()
            except TimeoutError:
                pass
        self._acknowledge()
        self._tasks = self._tasks or [asyncio.create_task(_forever())]  # the client asked to be kept informed
        await asyncio.gather(*self._tasks)

    def _acknowledge(self) -> None:
        honoured: dict[str, Any] = {}
        for server, subset in self._honoured.items():
            rewrite = self._view.to_client_uri(server, self._caller.principal.id)
            for flag in LISTEN_FLAGS:
                if subset.get(flag) is True:
                    honoured[flag] = True
            uris = subset.get("resourceSubscriptions")
            if isinstance(uris, list):
                honoured.setdefault("resourceSubscriptions", []).extend(
                    rewrite(u) for u in uris if isinstance(u, str)
                )
            owned = self._services.tasks.honoured(
                subset.get("taskIds"), self._caller, self._view.backends[server]
            )
            if owned:
                honoured.setdefault("taskIds", []).extend(owned)
        self._expected = 0
        early, self._early = self._early or {}, None
        self._send(None, jsonrpc.notification(ACKNOWLEDGED, {"notifications": honoured}))
        for backend, body in early.values():
            self._send(backend, body)

    def _send(self, backend: Backend | None, body: dict[str, Any]) -> None:
        """Stamp with the client's listen id; a server's message goes through the chain, our own is only recorded."""
        if self._early is not None:
            self._early[body["method"], str(body.get("params", {}).get("uri", ""))] = (backend, body)
            return
        body["params"] = with_meta(body.get("params"), **{SUBSCRIPTION_KEY: self._message.id})
        some = backend or next(iter(self._view.backends.values()), None)
        if some is not None:
            self._services.relay.pass_notification(
                self._caller, some, Message(Kind.NOTIFICATION, body), self._trace, self._outlet
            )
        else:
            self._outlet.message(body)

    async def _one(self, server: str, filters: dict[str, Any]) -> None:
        first = True
        while True:
            backend = self._view.backends.get(server)  # a changed configuration puts another one there
            if not isinstance(backend, Listenable):
                first = False
                self._note_ack(server, {})
                await asyncio.sleep(RELISTEN_PAUSE)
                continue
            observer = _Ear(self, backend, filters, again=not first)
            params = {"_meta": self._message.params.get("_meta")}
            try:
                reply = await backend.listen(filters, params, self._caller, observer)
                if reply.kind is Kind.RESULT:
                    return
                self._note_ack(server, {})
                await _forever()  # it refused to listen, which ends nothing for the client
            except UpstreamError:
                first = False
                self._note_ack(server, {})
                await asyncio.sleep(RELISTEN_PAUSE)

    def _missed(self, backend: Listenable, filters: dict[str, Any]) -> None:
        for flag, method in LISTEN_FLAGS.items():
            if filters.get(flag):
                backend.shelf.invalidate(method)
                self._send(backend, jsonrpc.notification(method))
        for uri in filters.get("resourceSubscriptions", ()):
            body = jsonrpc.notification("notifications/resources/updated", {"uri": uri})
            self.heard(backend, filters, Message(Kind.NOTIFICATION, body), again=False)

    def heard(self, backend: Listenable, filters: dict[str, Any], message: Message, *, again: bool) -> None:
        """One message of one server's listen; `again`: of one that replaces a broken one."""
        if message.method == ACKNOWLEDGED:
            subset = message.params.get("notifications")
            self._note_ack(backend.settings.id, subset if isinstance(subset, dict) else {})
            if again:
                self._missed(backend, filters)
            return
        if message.method == "notifications/resources/updated":
            uri = message.params.get("uri")
            if not isinstance(uri, str) or uri not in filters.get("resourceSubscriptions", ()):
                return
            resource = Resource(ResourceKind.RESOURCE, backend.settings.id, uri)
            if not self._services.policy().visible(self._caller.principal, resource):
                return
            message.body["params"] = {
                **message.params,
                "uri": self._view.to_client_uri(backend.settings.id, self._caller.principal.id)(uri),
            }
        elif message.method == tasks.CHANGED:
            running = Running(self._caller, self._view, self._outlet, self._trace, self._message)
            if not self._services.tasks.notified(running, backend, message, filters.get("taskIds")):
                return
        elif not any(filters.get(flag) for flag, method in LISTEN_FLAGS.items() if method == message.method):
            return
        backend.shelf.invalidate(message.method)
        self._send(backend, message.body)

    def _note_ack(self, server: str, subset: dict[str, Any]) -> None:
        self._honoured[server] = subset
        if len(self._honoured) >= self._expected:
            self._acked.set()

    def close(self) -> None:
        """Stop listening everywhere."""
        self.ended = True
        for task in self._tasks:
            task.cancel()


async def _forever() -> None:
    await asyncio.Event().wait()


class _Ear:
    """Hears one server's listen."""

    def __init__(
        self, subscription: _Subscription, backend: Listenable, filters: dict[str, Any], *, again: bool
    ) -> None:
        self._subscription = subscription
        self._backend = backend
        self._filters = filters
        self._again = again

    @property
    def principal(self) -> str:
        return self._subscription.principal

    def message(self, message: Message) -> None:
        self._subscription.heard(self._backend, self._filters, message, again=self._again)

    def opened(self, *, streaming: bool) -> None: ...

    def interrupted(self, retry_ms: int) -> None: ...
