"""2025-11-25, the other direction: tasks that a client executes for servers (sampling and elicitation).

A server knows such a task by an id of keepgate's, and only the server that had it made: what one server has its client
do is invisible to another. One table per session; it ends with the session, as the client's answers do.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Protocol

from keepgate.model.message import Message
from keepgate.protocol import tasks

MAX_TASKS = 256
"""Per session; the oldest are forgotten first."""


class ServerTasks(Protocol):
    """The tasks of this session's principal at servers: messages in either direction may belong to one."""

    def own_id(self, server: str, task_id: str) -> str | None:
        """A server's id for a task, from ours."""

    def our_id(self, server: str, own: str) -> str | None:
        """Our id for a task, from the server's."""


@dataclass(frozen=True, slots=True)
class Question:
    """What has to be remembered of a server's request until the client's answer."""

    server: str
    method: str
    augmented: bool


class ClientTasks:
    """The tasks of one session's client, by server."""

    def __init__(self, at_servers: ServerTasks) -> None:
        self._at_servers = at_servers
        self._given: OrderedDict[str, tuple[str, str]] = OrderedDict()
        """Our id to (server, the client's id)."""
        self._ours: dict[tuple[str, str], str] = {}

    def question(self, server: str, message: Message) -> Question | None:
        """Put the client's ids into a server's request; None if it names a task this server did not have made."""
        params = message.params
        if message.method in tasks.METHODS and message.method != "tasks/list":
            named = params.get("taskId")
            found = self._given.get(named) if isinstance(named, str) else None
            if found is None or found[0] != server:
                return None
            params = {**params, "taskId": found[1]}
        if tasks.mentions(params):
            params = tasks.relate(params, self._for_client(server, tasks.related(params)))
        if params:
            message.body["params"] = params
        return Question(server, message.method, "task" in params)

    def _for_client(self, server: str, named: str | None) -> str | None:
        if named is None:
            return None
        found = self._given.get(named)
        if found is not None:
            return found[1] if found[0] == server else None
        return self._at_servers.our_id(server, named)

    def _for_server(self, server: str, named: str | None) -> str | None:
        if named is None:
            return None
        return self._ours.get((server, named)) or self._at_servers.own_id(server, named)

    def answer(self, asked: Question, body: dict[str, Any]) -> dict[str, Any]:
        """The client's reply body as the server may read it: its own tasks only, under our ids."""
        result = body.get("result")
        if not isinstance(result, dict):
            return body
        out = result
        if asked.augmented and isinstance(result.get("task"), dict):
            out = {**result, "task": self._named(asked.server, result["task"], new=True)}
        elif asked.method == "tasks/list":
            given = result.get("tasks")
            every = [task for task in given if isinstance(task, dict)] if isinstance(given, list) else []
            named = [task for task in every if isinstance(task.get("taskId"), str)]
            own = [task for task in named if (asked.server, task["taskId"]) in self._ours]
            out = {**result, "tasks": [self._named(asked.server, task) for task in own]}
        elif asked.method in tasks.METHODS and "taskId" in result:
            out = self._named(asked.server, result)
        if tasks.mentions(out):
            out = tasks.relate(out, self._for_server(asked.server, tasks.related(out)))
        return {**body, "result": out}

    def _named(self, server: str, task: dict[str, Any], *, new: bool = False) -> dict[str, Any]:
        """The task under our id; an unknown one has none."""
        theirs = task.get("taskId")
        if not isinstance(theirs, str) or len(theirs) > tasks.MAX_ID_CHARS:
            return {name: value for name, value in task.items() if name != "taskId"}
        ours = self._ours.get((server, theirs))
        if ours is None and new:
            ours = secrets.token_urlsafe(24)
            self._given[ours] = (server, theirs)
            self._ours[server, theirs] = ours
            if len(self._given) > MAX_TASKS:
                _, oldest = self._given.popitem(last=False)
                del self._ours[oldest]
        if ours is None:
            return {name: value for name, value in task.items() if name != "taskId"}
        return {**task, "taskId": ours}

    def told(self, message: Message) -> list[tuple[str, dict[str, Any]]]:
        """A client's status notification: each server that had it made, with what it may read."""
        theirs = message.params.get("taskId")
        owners = [server for server, named in self._ours if named == theirs]
        return [
            (server, {**message.body, "params": self._named(server, message.params)}) for server in owners
        ]

    def progress(self, server: str, params: dict[str, Any]) -> dict[str, Any]:
        """A client's progress on a server's request, as the server may read it."""
        if not tasks.mentions(params):
            return params
        return tasks.relate(params, self._for_server(server, tasks.related(params)))

    def forget(self, server: str) -> None:
        """The server was removed or changed."""
        for ours in [ours for ours, (owner, _) in self._given.items() if owner == server]:
            del self._ours[self._given.pop(ours)]
