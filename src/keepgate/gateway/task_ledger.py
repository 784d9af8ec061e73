"""What becomes of tasks on the way of other messages: a call that makes one, messages that belong to one.

Towards clients a task has keepgate's own id; towards a server its own. A message that names a task which the principal
does not have is no longer said to belong to one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keepgate.gateway.backend import Backend
from keepgate.gateway.caller import Caller
from keepgate.gateway.task_table import Known, TaskTable
from keepgate.gateway.view import View
from keepgate.model.errors import RemoteError
from keepgate.model.message import Message
from keepgate.protocol import jsonrpc, tasks
from keepgate.protocol.eras import R2026_07, Era


class Ledger:
    """Puts ids in and out of messages."""

    def __init__(self, table: TaskTable) -> None:
        self.table = table

    def known(self, caller: Caller, backend: Backend, own: object) -> Known | None:
        """The caller's task that this server calls so."""
        return self.table.called(backend.settings, caller.era, backend.receiver, own, caller.principal.id)

    def outgoing(self, params: dict[str, Any], caller: Caller, backend: Backend) -> dict[str, Any]:
        """The params of a `tools/call` for the server. Raises RemoteError if the principal has too many tasks."""
        meta = params.get("_meta")
        if meta is not None and tasks.RELATED_KEY in meta:
            params = tasks.relate(params, self.own_id(tasks.related(params), caller.principal.id, backend))
        if "task" not in params and "extensions" not in caller.capabilities:
            return params  # no task can come of it
        if caller.era is Era.STATELESS:
            if tasks.may_create("tools/call", params) and not self.table.room(caller.principal.id):
                return tasks.envelope_declares(
                    params, tasks=False
                )  # the server alone decides: none is offered
            return params
        if "task" not in params:
            return params
        if not tasks.augmentable(backend.capabilities, "tools/call"):
            return {name: value for name, value in params.items() if name != "task"}
        wanted = tasks.wanted_ttl(params)
        if not self.table.room(caller.principal.id):
            raise RemoteError("tasks", "too many tasks", rpc_code=jsonrpc.RATE_LIMITED)
        if wanted is not None and self.table.ttl(wanted) != wanted:
            return {**params, "task": {**params["task"], "ttl": self.table.ttl(wanted)}}
        return params

    def own_id(self, task_id: object, principal: str, backend: Backend) -> str | None:
        """A server's own id for a task of the principal at that server, else None."""
        known = self.table.find(task_id, principal)
        if known is None or known.settings is not backend.settings or known.receiver != backend.receiver:
            return None
        return known.own

    def created(
        self, message: Message, caller: Caller, backend: Backend, tool: str, body: dict[str, Any]
    ) -> None:
        """If the reply body to a `tools/call` makes a task: note it and put our id in. Raises UpstreamError."""
        result = body.get("result")
        if result is None:
            return
        if caller.revision == R2026_07:
            if result.get("resultType") == "task":
                body["result"] = self._noted(result, caller, backend, tool)
        elif message.method != "tools/call":
            return
        elif "task" in message.params and isinstance(result.get("task"), dict):
            made = self._noted(result["task"], caller, backend, tool)
            body["result"] = {**result, "task": made}
            if tasks.mentions(result):
                body["result"] = tasks.relate(body["result"], made["taskId"])
        elif tasks.mentions(result):
            body["result"] = self.to_client(result, caller, backend)

    def _noted(self, task: dict[str, Any], caller: Caller, backend: Backend, tool: str) -> dict[str, Any]:
        state = tasks.read(task)
        known = self.table.add(
            caller.principal.id, backend.settings, backend.receiver, tool, caller.era, state
        )
        self.table.seen(known, state, task)
        # What a task has come to, or asks, is judged where it is asked for: a new one has neither.
        new = {name: value for name, value in task.items() if name not in tasks.OUTCOMES}
        return tasks.named(new, known.id, self.shown_ttl(state))

    def shown_ttl(self, state: tasks.State) -> int:
        """The lifetime a task has here: a client must not count on more."""
        return self.table.ttl(state.ttl)

    def to_client(self, holder: dict[str, Any], caller: Caller, backend: Backend) -> dict[str, Any]:
        """Params or a result of a server with our id for the task they belong to, or with none."""
        if not tasks.mentions(holder):
            return holder
        known = self.known(caller, backend, tasks.related(holder))
        return tasks.relate(holder, known.id if known is not None else None)

    def message_to_client(self, message: Message, caller: Caller, backend: Backend) -> None:
        """The same for a request or notification of a server, in place."""
        if tasks.mentions(message.params):
            message.body["params"] = self.to_client(message.params, caller, backend)

    def changed(self, caller: Caller, backend: Backend, message: Message) -> Known | None:
        """A notification of a task's state, with our id put in; None if it is no task of the caller's: drop it.

        Raises UpstreamError for one that is no task.
        """
        state = tasks.read(message.params)
        known = self.known(caller, backend, state.id)
        if known is None:
            return None
        self.table.seen(known, state, message.params)
        message.body["params"] = tasks.named(message.params, known.id, self.shown_ttl(state))
        return known


class AtServers:
    """The same for one session: its principal's tasks at the servers it reaches."""

    def __init__(self, ledger: Ledger, caller: Callable[[], Caller], view: Callable[[], View]) -> None:
        self._ledger = ledger
        self._caller = caller
        self._view = view

    def own_id(self, server: str, task_id: str) -> str | None:
        """A server's id for a task, from ours."""
        backend = self._view().backends.get(server)
        return None if backend is None else self._ledger.own_id(task_id, self._caller().principal.id, backend)

    def our_id(self, server: str, own: str) -> str | None:
        """Our id for a task, from the server's."""
        backend = self._view().backends.get(server)
        known = None if backend is None else self._ledger.known(self._caller(), backend, own)
        return None if known is None else known.id
