"""The `tasks/*` methods of both eras: whose task it is, whether policy still allows its tool, what the server says now.

Nothing but the principal's own tasks exists: another's id, an expired and a guessed one get the same answer. The
outcome of a task passes the chain as the direct reply of its tool would (docs/life-of-a-message.md).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any, Protocol

from keepgate.gateway import replies
from keepgate.gateway.backend import Backend
from keepgate.gateway.caller import Caller, Outlet
from keepgate.gateway.enforce import Enforcer
from keepgate.gateway.listing import Visibility
from keepgate.gateway.relay import CallbackHandler, Observer, Relay, Running
from keepgate.gateway.task_ledger import Ledger
from keepgate.gateway.task_outcome import Outcomes, resource_of
from keepgate.gateway.task_table import Known
from keepgate.gateway.trace import new_trace
from keepgate.gateway.view import View
from keepgate.model.access import Action, Principal
from keepgate.model.errors import AuditError, RemoteError, UpstreamError
from keepgate.model.message import Kind, Message
from keepgate.model.verdict import Effect, deny
from keepgate.protocol import jsonrpc, tasks
from keepgate.protocol.eras import Era
from keepgate.protocol.seal import Sealer

PAGE = 100
"""Tasks in one page of a list."""
MAX_PAGES = 20
"""Of one server's list of tasks, which is only asked for news."""
CURSOR_SECONDS = 3600


class Policy(Visibility, Protocol):
    """The part of the policy engine that says what a principal may reach."""

    def may_use(self, principal: Principal, server: str) -> bool: ...


def unknown(message: Message) -> dict[str, Any]:
    """What an id gets that names no task of the caller's."""
    return jsonrpc.error(message.id, jsonrpc.INVALID_PARAMS, "Task not found")


def lacking(message: Message) -> dict[str, Any]:
    """2026-07-28: what a request gets that does not declare the extension."""
    return jsonrpc.error(
        message.id, jsonrpc.MISSING_CAPABILITY, "Missing required client capability", tasks.REQUIRED
    )


class TaskRelay:
    """Answers `tasks/*`."""

    def __init__(
        self,
        relay: Relay,
        ledger: Ledger,
        policy: Callable[[], Policy],
        cursors: Sealer,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._relay = relay
        self._enforcer: Enforcer = relay.enforcer
        self._outcomes = Outcomes(relay.enforcer)
        self.ledger = ledger
        self._policy = policy
        self._cursors = cursors
        self._clock = clock

    async def serve(
        self, message: Message, caller: Caller, view: View, outlet: Outlet, callbacks: CallbackHandler | None
    ) -> dict[str, Any]:
        """The reply body for a `tasks/*` request. Raises RemoteError for malformed params."""
        trace = new_trace()
        running = Running(caller, view, outlet, trace, message)
        server = ""
        try:
            if not self._offered(message, caller, view):
                await self._refuse(message, caller, "no server here has tasks", trace)
                return jsonrpc.error(message.id, jsonrpc.METHOD_NOT_FOUND, "Method not found")
            if caller.era is Era.STATELESS and not tasks.declared(caller.capabilities):
                await self._refuse(message, caller, "the tasks extension is not declared", trace)
                return lacking(message)
            if message.method == "tasks/list":
                return await self._list(message, caller, view, trace)
            found = self._find(message, caller, view)
            if found is None:
                await self._refuse(message, caller, "unknown task", trace)
                return unknown(message)
            known, backend = found
            server = known.settings.id
            return await self._about(running, known, backend, callbacks)
        except UpstreamError as error:
            return self._failed(message, caller, error, server, trace)
        except AuditError:
            return replies.undecided(message, caller, trace)

    def _offered(self, message: Message, caller: Caller, view: View) -> bool:
        """Whether a server that the principal may use has this method."""
        policy = self._policy()
        usable = [b for server, b in view.backends.items() if policy.may_use(caller.principal, server)]
        if caller.era is Era.STATELESS:
            return any(tasks.declared(backend.capabilities) for backend in usable)
        return any(message.method in tasks.operations(backend.capabilities) for backend in usable)

    async def _refuse(self, message: Message, caller: Caller, why: str, trace: str) -> None:
        """Record a request that goes nowhere. It costs as much as any other, or guessing ids would be free."""
        self._enforcer.meters.spend(caller.principal.id)
        verdict = deny(why, guard="tasks", hidden=True)
        await self._enforcer.settled(self._enforcer.record(caller.sends(message), verdict, trace))

    def _find(self, message: Message, caller: Caller, view: View) -> tuple[Known, Backend] | None:
        task_id = message.params.get("taskId")
        if not isinstance(task_id, str):
            raise RemoteError("params", "`params.taskId` must be a string", rpc_code=jsonrpc.INVALID_PARAMS)
        known = self.ledger.table.find(task_id, caller.principal.id)
        backend = self._home(known, caller, view) if known is not None else None
        return (known, backend) if known is not None and backend is not None else None

    def _home(self, known: Known, caller: Caller, view: View) -> Backend | None:
        """The server that has the task, if it is still the one that made it, and behind this endpoint."""
        backend = view.backends.get(known.settings.id)
        if backend is None or backend.settings is not known.settings or known.era is not caller.era:
            return None
        return backend if backend.receiver == known.receiver else None

    async def _about(
        self, running: Running, known: Known, backend: Backend, callbacks: CallbackHandler | None
    ) -> dict[str, Any]:
        """Ask policy for the tool that made the task, then the server for the task."""
        message, caller, trace = running.message, running.caller, running.trace
        exchange = caller.sends(message, Action.CALL_TOOL, resource_of(known))
        verdict, seq = self._enforcer.judge(exchange, trace)
        if verdict.effect >= Effect.ASK:
            await self._enforcer.settled(seq)
            return unknown(message) if verdict.hidden else replies.denied(message, caller, verdict, trace)
        meters, principal = self._enforcer.meters, caller.principal.id
        meters.enter(principal)
        try:
            await self._enforcer.settled(seq)
            params = tasks.relate({**message.params, "taskId": known.own}, None)
            observer = Observer(self._relay, running, backend, callbacks)
            reply = await backend.request(message.method, params, caller, observer, {})
            return await self._answer(running, known, backend, reply)
        finally:
            meters.leave(principal)

    async def _answer(
        self, running: Running, known: Known, backend: Backend, reply: Message
    ) -> dict[str, Any]:
        """The reply in the client's terms, judged and recorded."""
        message, caller = running.message, running.caller
        if message.method == "tasks/result":
            exchange = self._outcomes.exchange(running, known, backend, reply)
        else:
            exchange = caller.gets(reply, known.settings.id, Action.CALL_TOOL, resource_of(known))
        if self._gone(message, reply):
            self.ledger.table.forget(known)
            gone = deny("the server no longer has the task", guard="tasks", hidden=True)
            await self._enforcer.settled(self._enforcer.record(exchange, gone, running.trace))
            return unknown(message)
        body = {**reply.body, "id": message.id}
        if message.method == "tasks/result":
            await self._outcomes.localise(body, running, backend)
            if reply.kind is Kind.RESULT:
                body["result"] = tasks.relate(body["result"], known.id)
        elif reply.kind is Kind.RESULT and self._tells_state(message, caller, body["result"]):
            body["result"] = await self._state(running, known, backend, body["result"])
        reply.body = body
        await self._enforcer.foresee(exchange)
        verdict, seq = self._enforcer.judge(exchange, running.trace, belongs=True)
        await self._enforcer.settled(seq)
        if verdict.effect >= Effect.ASK:
            return self._denied(running, verdict)
        return reply.body

    def _tells_state(self, message: Message, caller: Caller, result: dict[str, Any]) -> bool:
        """Whether a result is a task; what else it may be is an acknowledgement. Raises UpstreamError."""
        if result.get("resultType", "complete") != "complete":
            raise UpstreamError(
                "protocol", f"the server answered `{message.method}` with an unknown result type"
            )
        stateless = caller.era is Era.STATELESS
        return message.method == "tasks/get" or not stateless or "taskId" in result

    def _gone(self, message: Message, reply: Message) -> bool:
        """Whether the server says that it knows no such task; of a result it may be the tool's own error."""
        return (
            reply.kind is Kind.ERROR
            and reply.body["error"]["code"] == jsonrpc.INVALID_PARAMS
            and message.method in ("tasks/get", "tasks/update")
        )

    async def _state(
        self, running: Running, known: Known, backend: Backend, task: dict[str, Any]
    ) -> dict[str, Any]:
        """A task as the server says it, under our id, its outcome judged as the reply of its tool."""
        state = tasks.read(task)
        if state.id != known.own:
            raise UpstreamError("protocol", "the server answered with another task")
        self.ledger.table.seen(known, state, task)
        out = tasks.named(task, known.id, self.ledger.shown_ttl(state))
        if running.caller.era is Era.HANDSHAKE:
            return out
        if running.view.backends and len(running.view.backends) > 1:
            await running.view.know_uris()
        return self._outcomes.settle(running, known, backend, out)

    def _denied(self, running: Running, verdict: Any) -> dict[str, Any]:
        """A denied answer takes the form of what was asked for: a tool's result, or an error."""
        message = running.message
        if message.method == "tasks/result":
            message = Message(Kind.REQUEST, {**message.body, "method": "tools/call"})
        return replies.denied(message, running.caller, verdict, running.trace)

    def _failed(
        self, message: Message, caller: Caller, error: UpstreamError, server: str, trace: str
    ) -> dict[str, Any]:
        self._enforcer.event(
            "upstream.failed",
            f"{error.public} (decision {trace})",
            private=error.private,
            principal=caller.principal.id,
            server=server,
        )
        return replies.unavailable(message, caller, error, server, trace)

    # Lists

    async def _list(self, message: Message, caller: Caller, view: View, trace: str) -> dict[str, Any]:
        """The principal's own tasks at the servers of this endpoint, each as its server says it now."""
        verdict, seq = self._enforcer.judge(caller.sends(message), trace)
        await self._enforcer.settled(seq)
        if verdict.effect >= Effect.ASK:
            return replies.denied(message, caller, verdict, trace)
        start = self._after(message, caller)
        policy, own = self._policy(), self.ledger.table.of(caller.principal.id)
        homes = {id(known): self._home(known, caller, view) for known in own}
        mine = [k for k in own if homes[id(k)] and policy.visible(caller.principal, resource_of(k))]
        await self._refresh(mine, caller, {id(b): b for b in homes.values() if b is not None})
        later = [known for known in mine if known.born > start]
        page = later[:PAGE]
        result: dict[str, Any] = {"tasks": [self._shown(known) for known in page]}
        if len(later) > PAGE:
            result["nextCursor"] = self._cursors.seal(
                page[-1].born,
                bound_to=self._bound(caller),
                expires=int(self._clock()) + CURSOR_SECONDS,
                nonce=os.urandom(12),
            )
        body = jsonrpc.result(message.id, result)
        reply = Message(Kind.RESULT, body)
        verdict, seq = self._enforcer.judge(caller.gets(reply), trace, belongs=True, name=message.method)
        await self._enforcer.settled(seq)
        return reply.body if verdict.effect < Effect.ASK else replies.denied(message, caller, verdict, trace)

    def _shown(self, known: Known) -> dict[str, Any]:
        ttl = known.task.get("ttl")
        return tasks.named(known.task, known.id, self.ledger.table.ttl(ttl if type(ttl) is int else None))

    def _bound(self, caller: Caller) -> bytes:
        return jsonrpc.encode(["cursor", "tasks/list", caller.principal.id])

    def _after(self, message: Message, caller: Caller) -> float:
        if "cursor" not in message.params:
            return float("-inf")
        found = self._cursors.unseal(
            message.params["cursor"], bound_to=self._bound(caller), now=int(self._clock())
        )
        return float(found) if isinstance(found, int | float) else float("-inf")

    async def _refresh(self, known: list[Known], caller: Caller, backends: dict[int, Backend]) -> None:
        """Ask each server that lists tasks what has become of them; one that fails leaves what was last seen."""
        wanted = {(k.settings.id, k.own): k for k in known if not k.ended}

        async def one(backend: Backend) -> None:
            cursor: Any = None
            for _page in range(MAX_PAGES):
                params = {} if cursor is None else {"cursor": cursor}
                reply = await backend.request("tasks/list", params, caller, None, {})
                result = reply.body.get("result", {})
                given = result.get("tasks")
                for task in given if isinstance(given, list) else []:
                    found = wanted.get((backend.settings.id, tasks.read(task).id))
                    if found is not None:
                        self.ledger.table.seen(found, tasks.read(task), task)
                cursor = result.get("nextCursor")
                if not isinstance(cursor, str):
                    return

        asked = {k.settings.id for k in wanted.values()}
        lists = [
            backend
            for backend in backends.values()
            if backend.settings.id in asked and "tasks/list" in tasks.operations(backend.capabilities)
        ]
        done = await asyncio.gather(*(one(backend) for backend in lists), return_exceptions=True)
        for failure in done:
            if isinstance(failure, BaseException) and not isinstance(failure, UpstreamError):
                raise failure

    # Notifications

    def status(self, caller: Caller, backend: Backend, message: Message) -> bool:
        """2025-11-25: put our id into a status notification; False if it is no task of this client's: drop it."""
        try:
            known = self.ledger.changed(caller, backend, message)
        except UpstreamError:
            return False
        return known is not None and self._policy().visible(caller.principal, resource_of(known))

    def goes_on(self, caller: Caller, backend: Backend, message: Message) -> bool:
        """2025-11-25: whether progress is of a task of this client's that has not ended."""
        known = self.ledger.known(caller, backend, tasks.related(message.params))
        return known is not None and not known.ended

    def watched(self, wanted: Any, caller: Caller, view: View) -> dict[str, list[str]]:
        """2026-07-28: the servers' own ids of the tasks a listen names, by server; unknown ones are not honoured."""
        out: dict[str, list[str]] = {}
        policy = self._policy()
        given = wanted if isinstance(wanted, list) else []
        for task_id in given[:1000]:
            known = self.ledger.table.find(task_id, caller.principal.id)
            if known is None or self._home(known, caller, view) is None:
                continue
            if policy.visible(caller.principal, resource_of(known)):
                out.setdefault(known.settings.id, []).append(known.own)
        return out

    def honoured(self, owns: Any, caller: Caller, backend: Backend) -> list[str]:
        """Our ids of the tasks that a server agreed to tell of."""
        found = [self.ledger.known(caller, backend, own) for own in (owns if isinstance(owns, list) else [])]
        return [known.id for known in found if known is not None]

    def notified(self, running: Running, backend: Backend, message: Message, listened: Any) -> bool:
        """2026-07-28: put our id and a judged outcome into a notification; False if it must be dropped."""
        if message.params.get("taskId") not in (listened or ()):
            return False
        try:
            known = self.ledger.changed(running.caller, backend, message)
            if known is None or not self._policy().visible(running.caller.principal, resource_of(known)):
                return False
            message.body["params"] = self._outcomes.settle(running, known, backend, message.params)
        except (UpstreamError, AuditError):
            return False
        return True
