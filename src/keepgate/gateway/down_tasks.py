"""Tasks of a handshake server for clients of 2026-07-28: as the extension for those that declare it, else waited for.

The server makes the task in a session held for the principal; `tasks/result` is asked for at once and waits, since that
is where a server of 2025-11-25 puts its questions. The client polls what is known of it here, by an id given here.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from keepgate.gateway import bridge
from keepgate.gateway.backcall import BackCall
from keepgate.gateway.background import Background
from keepgate.gateway.caller import Caller
from keepgate.gateway.held import Held
from keepgate.gateway.pending import CallObserver
from keepgate.gateway.services import Services
from keepgate.gateway.shelf import Shelf
from keepgate.gateway.task_table import GRACE
from keepgate.model.access import Principal
from keepgate.model.errors import UpstreamError
from keepgate.model.message import Kind, Message
from keepgate.protocol import jsonrpc, tasks

MAX_BYTES = 64 * 1024 * 1024
"""Outcomes kept for clients that have not come for them; beyond it the oldest of who has most give way."""
MAX_TASKS = 4096
"""Kept per server, whoever's they are."""
LATEST = 2.0
"""Seconds to wait for the outcome of a task that has ended."""

Ask = Callable[[str, dict[str, Any], Caller, "CallObserver | None"], Awaitable[Message]]


@dataclass(slots=True, eq=False)
class _Task:
    """One task at the server. `task` is what the server last said, in its own words."""

    principal: str
    held: Held
    made: asyncio.Future[Message]
    """The reply to the call: the task, or what the server said instead."""
    call: BackCall | None = None
    own: str = ""
    task: dict[str, Any] = field(default_factory=dict)
    outcome: Message | None = None
    cancelled: bool = False
    timer: asyncio.TimerHandle | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)


class DownTasks:
    """The tasks of one handshake server as stateless clients see them."""

    def __init__(
        self, services: Services, server: str, shelf: Shelf, session: Callable[[Caller], Held]
    ) -> None:
        self._services = services
        self._server = server
        self._shelf = shelf
        self._session = session
        self._tasks: dict[str, _Task] = {}
        self._background = Background()

    def promised(self, capabilities: dict[str, Any]) -> dict[str, Any]:
        """The server's capabilities in the words of 2026-07-28."""
        out = tasks.without(capabilities)
        return tasks.with_extension(out) if tasks.augmentable(capabilities, "tools/call") else out

    def way(self, method: str, params: dict[str, Any], capabilities: dict[str, Any]) -> Ask | None:
        """How to answer a request that is about tasks or may become one; None: like any other."""
        if method in tasks.METHODS:
            return self._about
        if "requestState" in params or not tasks.may_create(method, params):
            return None
        fitting = tasks.augmentable(capabilities, "tools/call") and self._support(params) != "forbidden"
        return self._create if fitting else None

    def _support(self, params: dict[str, Any]) -> str:
        return tasks.support(self._shelf.find("tools/list", params.get("name", "")))

    # Calls that are answered in the end

    async def run(self, held: Held, method: str, params: dict[str, Any], call: BackCall) -> Message:
        """A request in a held session; a tool that can only be a task is made one and waited for."""
        params = {name: value for name, value in params.items() if name != "task"}
        only_as_task = method == "tools/call" and self._support(params) == "required"
        if only_as_task:
            await held.backend.live()  # what the server declares is known from then on
        if not only_as_task or not tasks.augmentable(held.backend.capabilities, "tools/call"):
            return await held.backend.request(method, params, call.caller, call, {})
        reply = await self._ask_for_task(held, params, call)
        if not _is_task(reply):
            return reply
        own = tasks.read(reply.body["result"]["task"]).id
        try:
            return await self._result(held, own, call)
        except (asyncio.CancelledError, UpstreamError):
            _ = self._background.spawn(self._cancel(held, own))
            raise

    async def _ask_for_task(self, held: Held, params: dict[str, Any], call: BackCall) -> Message:
        ttl = int(self._services.limits.task_ttl * 1000)
        return await held.backend.request(
            "tools/call", {**params, "task": {"ttl": ttl}}, call.caller, call, {}
        )

    async def _result(self, held: Held, own: str, call: BackCall) -> Message:
        """Wait for the outcome; questions that name the task are put to its call meanwhile."""
        held.tasks[own] = call
        try:
            reply = await held.backend.request("tasks/result", {"taskId": own}, call.caller, call, {})
        finally:
            held.tasks.pop(own, None)
        if reply.kind is Kind.RESULT:
            reply.body["result"] = tasks.relate(reply.body["result"], None)
        return reply

    async def _cancel(self, held: Held, own: str) -> None:
        with contextlib.suppress(UpstreamError):
            await held.call("tasks/cancel", {"taskId": own})

    # Tasks for clients that declare the extension

    async def _create(
        self, method: str, params: dict[str, Any], caller: Caller, observer: CallObserver | None
    ) -> Message:
        """Have the server make a task; the extension's answer, or what the server said instead."""
        held = self._session(caller)
        await held.backend.live()
        sent = bridge.params_to_handshake(params)
        sent.pop("task", None)
        task = _Task(caller.principal.id, held, asyncio.get_running_loop().create_future())

        async def work(call: BackCall) -> Message:
            held.busy += 1
            try:
                return await self._lived(task, sent, call)
            finally:
                held.busy -= 1
                task.done.set()
                self._make_room()

        task.call = call = BackCall(self._services, self._server, caller, work)
        call.on_side = lambda message: held.aside(held.backend.link, call, message)
        try:
            reply = await task.made
        except asyncio.CancelledError:
            call.end("the client has gone")
            raise
        if not _is_task(reply):
            return reply
        task_id = secrets.token_hex(16)
        self._keep(task_id, task)
        made = {**tasks.to_extension(task.task), "taskId": task_id}
        return Message(Kind.RESULT, jsonrpc.result(0, {"resultType": "task", **made}))

    async def _lived(self, task: _Task, sent: dict[str, Any], call: BackCall) -> Message:
        """From the call to the outcome."""
        try:
            reply = await self._ask_for_task(task.held, sent, call)
            if _is_task(reply):
                task.own = tasks.read(reply.body["result"]["task"]).id
                task.task = reply.body["result"]["task"]
        except UpstreamError as error:
            task.made.set_exception(error)
            task.made.exception()  # the client may have gone
            raise
        if not task.made.done():
            task.made.set_result(reply)
        if not task.own:
            return reply
        try:
            task.outcome = await self._outcome(task, call)
        except asyncio.CancelledError:
            if not task.cancelled:
                _ = self._background.spawn(self._cancel(task.held, task.own))
            raise
        return task.outcome

    async def _outcome(self, task: _Task, call: BackCall) -> Message:
        """However long it takes: a task is not bound to the time of a call."""
        while True:
            try:
                return await self._result(task.held, task.own, call)
            except UpstreamError as error:
                if error.kind != "timeout":
                    return Message(Kind.ERROR, jsonrpc.error(0, jsonrpc.UNAVAILABLE, error.public))

    def _keep(self, task_id: str, task: _Task) -> None:
        ttl = self._services.tasks.ledger.table.ttl(tasks.read(task.task).ttl)
        task.timer = asyncio.get_running_loop().call_later(ttl / 1000 + GRACE, self._drop, task_id)
        self._tasks[task_id] = task
        self._make_room()

    def _make_room(self) -> None:
        """Keep the bounds: whoever has most loses the oldest, so nobody can push out what is another's."""
        sizes = {key: each.outcome.size for key, each in self._tasks.items() if each.outcome is not None}
        while len(self._tasks) > MAX_TASKS or sum(sizes.values()) > MAX_BYTES:
            among = sizes if sum(sizes.values()) > MAX_BYTES else dict.fromkeys(self._tasks, 1)
            has: Counter[str] = Counter()
            for key, size in among.items():
                has[self._tasks[key].principal] += size
            most = has.most_common(1)[0][0]
            oldest = next(key for key in among if self._tasks[key].principal == most)
            sizes.pop(oldest, None)
            self._drop(oldest)

    def end_unless(self, live: Callable[[Principal], bool]) -> None:
        """End the tasks of principals that may no longer be served."""
        for task_id, task in list(self._tasks.items()):
            if task.call is not None and not live(task.call.caller.principal):
                self._drop(task_id)

    def _drop(self, task_id: str) -> None:
        task = self._tasks.pop(task_id, None)
        if task is None:
            return
        if task.timer is not None:
            task.timer.cancel()
        if task.call is not None and not task.done.is_set():
            task.call.end("the task has expired")

    async def _about(
        self, method: str, params: dict[str, Any], caller: Caller, observer: CallObserver | None
    ) -> Message:
        task = self._tasks.get(params["taskId"])
        if task is None or task.principal != caller.principal.id or task.call is None:
            return Message(Kind.ERROR, jsonrpc.error(0, jsonrpc.INVALID_PARAMS, "Task not found"))
        if method == "tasks/get":
            return Message(
                Kind.RESULT, jsonrpc.result(0, await self._state(params["taskId"], task, task.call))
            )
        if method == "tasks/update":
            given = params.get("inputResponses")
            known = task.call.questions
            answers = (
                {key: value for key, value in given.items() if key in known}
                if isinstance(given, dict)
                else {}
            )
            task.call.check(answers)
            await task.call.answer(caller, answers)
        elif not task.done.is_set() and not task.cancelled:
            task.cancelled = True
            await self._cancel(task.held, task.own)
            task.call.end("the client cancelled the task")
        return Message(Kind.RESULT, jsonrpc.result(0, {}))

    async def _state(self, task_id: str, task: _Task, call: BackCall) -> dict[str, Any]:
        """The task as the extension has it. The server is asked only while it runs."""
        if not task.done.is_set():
            await self._refresh(task)
        out = {**tasks.to_extension(task.task), "taskId": task_id}
        if task.cancelled or (task.done.is_set() and task.task["status"] == "cancelled"):
            return {**out, "status": "cancelled"}
        if task.outcome is not None:
            if task.outcome.kind is Kind.RESULT:
                return {**out, "status": "completed", "result": copy.deepcopy(task.outcome.body["result"])}
            error = bridge.error_to_stateless(task.outcome.body["error"], call.caller.capabilities)
            return {**out, "status": "failed", "error": error}
        if call.questions:
            return {**out, "status": "input_required", "inputRequests": call.questions}
        return {**out, "status": "working"}

    async def _refresh(self, task: _Task) -> None:
        reply = await task.held.call("tasks/get", {"taskId": task.own})
        if reply.kind is not Kind.RESULT:
            return
        state = tasks.read(reply.body["result"])
        if state.id != task.own:
            raise UpstreamError("protocol", "the server answered with another task")
        task.task = reply.body["result"]
        if state.ended:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(task.done.wait(), LATEST)

    async def close(self) -> None:
        """The server goes away: what runs there ends. Never raises."""
        for task_id in list(self._tasks):
            self._drop(task_id)
        await self._background.drain(0)


def _is_task(reply: Message) -> bool:
    return reply.kind is Kind.RESULT and isinstance(reply.body["result"].get("task"), dict)
