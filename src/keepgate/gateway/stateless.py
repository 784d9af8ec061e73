"""Serving 2026-07-28: every request stands alone; views are shared, principals are not.

What a list shows and what a call may do is decided per request from the principal; nothing is remembered between
requests but which server handed out which link, per principal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from keepgate.gateway import replies
from keepgate.gateway.absent import AbsentBackend
from keepgate.gateway.answer import answered
from keepgate.gateway.backend import Backend
from keepgate.gateway.backends import StatelessBackend
from keepgate.gateway.background import Background
from keepgate.gateway.caller import Caller, Outlet
from keepgate.gateway.capabilities import discover_result
from keepgate.gateway.downbridge import DownBridge
from keepgate.gateway.inflight import InFlight
from keepgate.gateway.inspection import presentable
from keepgate.gateway.listen import Listen
from keepgate.gateway.parking import Parking
from keepgate.gateway.services import Services
from keepgate.gateway.trace import new_trace
from keepgate.gateway.upstream import Upstream
from keepgate.gateway.view import View
from keepgate.model.access import Principal
from keepgate.model.errors import AuditError, LoginNeededError, UpstreamError
from keepgate.model.exchange import Exchange
from keepgate.model.message import Direction, Kind, Message
from keepgate.model.verdict import Effect
from keepgate.protocol import jsonrpc, tasks
from keepgate.protocol.envelope import display, read_envelope
from keepgate.protocol.eras import LISTS, R2026_07, Era, lookup
from keepgate.protocol.http import check_agreement

CLOSING = 5.0
"""Seconds that what was already given up gets at shutdown."""
CONNECT_PATIENCE = 15.0
"""Seconds a request waits for servers that are still being reached for the first time."""


class Stateless:
    """All stateless requests of one process."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._views: dict[tuple[str | None, str], View] = {}
        """By mount and, where a server of it knows each principal by a credential of its own, principal."""
        self._personal: dict[str | None, bool] = {}
        """Whether that is so, by mount."""
        self._backends: dict[str, Backend] = {}
        """This and what follows by `Upstream.key`."""
        self._failures: dict[str, UpstreamError] = {}
        """Why a server could not be reached the last time."""
        self._reaching: dict[str, asyncio.Task[None]] = {}
        self._ending = Background()
        self.listens = Listen(services)
        self.parking = Parking(services)

    async def request(
        self,
        message: Message,
        principal: Principal,
        mount: str | None,
        headers: Mapping[str, str] | None,
        outlet: Outlet,
    ) -> None:
        """Serve one request; the outlet gets exactly one reply unless the caller goes away."""

        async def serve() -> dict[str, Any]:
            return await self._dispatch(message, self.caller(message, principal, headers), mount, outlet)

        outlet.reply(await answered(self.services.enforcer, message, principal, serve))

    def caller(self, message: Message, principal: Principal, headers: Mapping[str, str] | None) -> Caller:
        """The caller of a request, after header agreement and envelope. Raises RemoteError."""
        if headers is not None:
            check_agreement(message, headers)
        envelope = read_envelope(message)
        return Caller(
            principal,
            envelope.version,
            envelope.capabilities,
            envelope.client_info,
            display(envelope.client_info),
            headers,
        )

    async def _dispatch(
        self, message: Message, caller: Caller, mount: str | None, outlet: Outlet
    ) -> dict[str, Any]:
        row = lookup(message.method, Direction.TO_SERVER, Kind.REQUEST, caller.revision)
        if row is None:
            _, seq = self.services.enforcer.judge(caller.sends(message), new_trace())
            await self.services.enforcer.settled(seq)
            return jsonrpc.error(message.id, jsonrpc.METHOD_NOT_FOUND, "Method not found")
        try:
            view = await self.view(caller.principal, mount)
        except LoginNeededError as error:
            return self.services.relay.failed(message, caller, error, error.server, new_trace())
        if message.method in LISTS:
            return await self.services.listing.serve(message, caller, view)
        if message.method in tasks.METHODS:
            return await self.services.tasks.serve(message, caller, view, outlet, None)
        if row.action is not None:
            return await self.services.relay.forward(message, caller, view, outlet, None)
        trace = new_trace()
        verdict, seq = self.services.enforcer.judge(caller.sends(message), trace)
        await self.services.enforcer.settled(seq)
        if verdict.effect >= Effect.ASK:
            return replies.denied(message, caller, verdict, trace)
        if message.method == "subscriptions/listen":
            return await self.listens.serve(message, caller, view, outlet, trace)
        return await self._discover(message, caller, view, trace)

    async def _discover(self, message: Message, caller: Caller, view: View, trace: str) -> dict[str, Any]:
        policy = self.services.policy()
        usable = [b for id_, b in view.backends.items() if policy.may_use(caller.principal, id_)]
        if view.single and not usable:
            raise UpstreamError("unreachable", "no such server")
        shown = View(usable, single=view.single)  # the shared view also has what only others may use
        hello = discover_result(shown, self.services.identity)
        body = jsonrpc.result(message.id, presentable(self.services.enforcer, caller, hello))
        reply = caller.gets(Message(Kind.RESULT, body))
        verdict, seq = self.services.enforcer.judge(reply, trace, belongs=True, name=message.method)
        await self.services.enforcer.settled(seq)
        return body if verdict.effect < Effect.ASK else replies.denied(message, caller, verdict, trace)

    # Views

    async def view(self, principal: Principal, mount: str | None) -> View:
        """The servers of a mount that could be reached, waiting a while for those never reached before."""
        wanted = self.services.visible_to(principal, mount)
        missing = [upstream for upstream in wanted if upstream.key not in self._backends]
        if missing:
            await self._reach(missing, wait_for_slow=mount is not None)
            if len(wanted) == 1 and mount is not None and wanted[0].key not in self._backends:
                why = self._failures.get(wanted[0].key)
                if isinstance(why, LoginNeededError):
                    raise why
                raise UpstreamError("unreachable", f"server `{mount}` cannot be reached now")
        if mount not in self._personal:
            self._personal[mount] = self.services.is_personal(mount)
        key = mount, principal.id if self._personal[mount] else ""
        view = self._views.get(key)
        if view is None:
            view = self._views[key] = View([], single=mount is not None)
        mounted = self.services.mounted_for(principal, mount)
        for upstream in mounted:
            if self._backends.get(upstream.key) is not view.backends.get(upstream.id):
                self._rebuild(view, mounted)
                break
        for upstream in missing:
            if upstream.key not in self._backends and mount is None:
                view.absent[upstream.id] = AbsentBackend(upstream.settings, partial(self._absent, upstream))
        return view

    def known_view(self, principal: Principal, mount: str | None) -> View | None:
        """The view of a mount as last made; None before the first request. What it does not have may exist."""
        return self._views.get((mount, principal.id if self._personal.get(mount) else ""))

    async def _absent(self, upstream: Upstream) -> Backend:
        """A call by name is for a server that could just now not be reached. Raises UpstreamError."""
        why = self._failures.get(upstream.key)
        raise why or UpstreamError("unreachable", f"server `{upstream.id}` is still being reached")

    def _rebuild(self, view: View, mounted: list[Upstream]) -> None:
        """Configuration order decides collisions, so a server that arrives late takes its own place."""
        for server in list(view.backends):
            view.remove(server)
        for upstream in mounted:
            if upstream.key in self._backends:
                view.add(self._backends[upstream.key])

    async def _reach(self, upstreams: list[Upstream], *, wait_for_slow: bool) -> None:
        tasks = []
        for upstream in upstreams:
            task = self._reaching.get(upstream.key)
            if task is None:
                task = self._reaching[upstream.key] = asyncio.create_task(self._reach_one(upstream))
            if wait_for_slow or not upstream.slow:
                tasks.append(task)
        if tasks:
            await asyncio.wait(tasks, timeout=CONNECT_PATIENCE)
        for upstream in upstreams:
            upstream.slow = upstream.key in self._reaching

    async def _reach_one(self, upstream: Upstream) -> None:
        self._failures.pop(upstream.key, None)
        try:
            backend = await self._backend(upstream)
            if self.services.is_current(upstream):  # else it was removed or changed meanwhile
                self._backends[upstream.key] = backend
        except UpstreamError as error:
            self._failures[upstream.key] = error
            self.services.enforcer.note(
                "upstream.failed", error.public, private=error.private, server=upstream.id
            )
        finally:
            self._reaching.pop(upstream.key, None)

    async def _backend(self, upstream: Upstream) -> Backend:
        backend: StatelessBackend | DownBridge
        if upstream.speaks(Era.STATELESS) is not False and await upstream.stateless_link() is not None:
            backend = StatelessBackend(upstream)
        else:
            backend = DownBridge(upstream, self.services, self.parking)
            await backend.start()
        backend.successor = partial(self._succeed, upstream, backend)
        return backend

    async def _succeed(self, upstream: Upstream, before: Backend) -> Backend:
        """The server was replaced by one of the other era: reach it anew. Raises UpstreamError."""
        if self._backends.get(upstream.key) is before:
            del self._backends[upstream.key]
            for view in self._views.values():
                if view.backends.get(upstream.id) is before:
                    view.remove(upstream.id)
            if isinstance(before, DownBridge):
                _ = self._ending.spawn(before.close())
        if upstream.key not in self._backends:
            await self._reach([upstream], wait_for_slow=True)
        found = self._backends.get(upstream.key)
        if found is None or found is before:
            raise self._failures.get(upstream.key) or UpstreamError(
                "unreachable", f"server `{upstream.id}` speaks another protocol revision now: try again"
            )
        return found

    # Messages of shared links that belong to no call

    def unsolicited(self, key: str, message: Message) -> None:
        """A notification on a shared link outside any listen: it can only make our own tables stale."""
        backend = self._backends.get(key)
        if backend is not None:
            backend.shelf.invalidate(message.method)

    def notification(self, message: Message, principal: Principal, running: InFlight) -> None:
        """A client notification on a pipe, where these calls run: only `cancelled` exists."""
        row = lookup(message.method, Direction.TO_SERVER, Kind.NOTIFICATION, R2026_07)
        exchange = Exchange(message, Direction.TO_SERVER, principal, R2026_07)
        try:
            verdict, _ = self.services.enforcer.judge(exchange, new_trace())
        except AuditError:
            return
        if row is not None and verdict.effect < Effect.ASK:
            running.cancel(message.params.get("requestId"))

    def announce_lists(self) -> None:
        """Policy changed: every open listen hears that lists may have changed."""
        self.listens.announce()

    def end_unless(self, live: Callable[[Principal], bool]) -> None:
        """End what principals that may no longer be served have left open."""
        self.listens.end_unless(live)
        self.parking.end_unless(live)
        for backend in self._backends.values():
            if isinstance(backend, DownBridge):
                backend.tasks.end_unless(live)

    async def drop(self, upstreams: list[Upstream]) -> None:
        """Forget servers that were removed or changed, or that their principals do not use any more."""
        self._personal.clear()
        for upstream in upstreams:
            backend = self._backends.pop(upstream.key, None)
            self._failures.pop(upstream.key, None)
            for key, view in list(self._views.items()):
                if backend is None or view.backends.get(upstream.id) is backend:
                    view.remove(upstream.id)
                if key[1] and not view.backends:
                    del self._views[key]
            # Calls that still run on it end first: whoever retires the upstream closes its links.
            if isinstance(backend, DownBridge):
                await backend.retire()

    async def sweep(self) -> None:
        """Close what stateless callers have not used for long."""
        limit = self.services.monotonic() - self.services.limits.session_idle
        for backend in list(self._backends.values()):
            if isinstance(backend, DownBridge):
                await backend.sweep(limit)

    async def close(self) -> None:
        """End what was opened for shared views. Never raises."""
        for task in list(self._reaching.values()):
            task.cancel()
        bridges = [backend for backend in self._backends.values() if isinstance(backend, DownBridge)]
        await asyncio.gather(*(backend.close() for backend in bridges), self._ending.drain(CLOSING))
