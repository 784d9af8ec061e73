"""Server-initiated requests on their way to a handshake client: ids and progress tokens mapped, answers routed back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import count
from typing import Any

from keepgate.gateway.client_tasks import ClientTasks, Question
from keepgate.gateway.link import Link
from keepgate.model.errors import UpstreamError
from keepgate.model.message import Message
from keepgate.protocol import jsonrpc

MAX_OPEN = 100
"""Unanswered callbacks per session."""


@dataclass(slots=True)
class Asked:
    """One request put to the client: by a server over a link, or by the bridge (`future`)."""

    trace: str
    link: Link | None
    server_id: Any
    token: Any
    future: asyncio.Future[Message] | None
    tasks: ClientTasks | None = None
    question: Question | None = None

    def answer(self, reply: Message | None) -> None:
        """Hand the client's reply back; None if it could not be recorded."""
        if self.future is not None:
            if not self.future.done():
                if reply is None:
                    self.future.set_exception(UpstreamError("cancelled", "the answer could not be recorded"))
                else:
                    self.future.set_result(reply)
        elif self.link is not None and reply is not None:
            body = reply.body
            if self.tasks is not None and self.question is not None:
                body = self.tasks.answer(self.question, body)
            self.link.post({**body, "id": self.server_id})


class CallbackTable:
    """The open server-initiated requests of one session."""

    def __init__(self, tasks: ClientTasks) -> None:
        self.tasks = tasks
        self._open: dict[int, Asked] = {}
        self._ids = count(1)

    def open(self, link: Link, message: Message, trace: str) -> dict[str, Any] | None:
        """Note a server's request; its body with an id (and progress token) of this session.

        None if it names a task that is not this server's: the server has its answer then.
        """
        question = self.tasks.question(link.server, message)
        if question is None:
            link.post(jsonrpc.error(message.id, jsonrpc.INVALID_PARAMS, "Task not found"))
            return None
        meta = message.params.get("_meta")
        token = meta.get("progressToken") if isinstance(meta, dict) else None
        return self._note(Asked(trace, link, message.id, token, None, self.tasks, question), message)

    def open_future(self, future: asyncio.Future[Message], message: Message, trace: str) -> dict[str, Any]:
        """Note a request of the bridge."""
        return self._note(Asked(trace, None, None, None, future), message)

    def _note(self, asked: Asked, message: Message) -> dict[str, Any]:
        number = next(self._ids)
        self._open[number] = asked
        if len(self._open) > MAX_OPEN:  # a server that asks too much pushes out its own questions only
            own = next(key for key, other in self._open.items() if other.link is asked.link)
            self.refuse(own, "too many unanswered requests")
        body = {**message.body, "id": number}
        if asked.token is not None:
            params = message.params
            body["params"] = {**params, "_meta": {**params["_meta"], "progressToken": number}}
        return body

    def take(self, reply_id: Any) -> Asked | None:
        """The request a client's reply answers, once; `1` and `"1"` are different ids."""
        return self._open.pop(reply_id, None) if type(reply_id) is int else None

    def refuse(self, number: int, why: str) -> None:
        """Answer an open request with an error ourselves."""
        asked = self._open.pop(number, None)
        if asked is None:
            return
        if asked.link is not None:
            asked.link.post(jsonrpc.error(asked.server_id, jsonrpc.UNAVAILABLE, why))
        elif asked.future is not None and not asked.future.done():
            asked.future.set_exception(UpstreamError("cancelled", why))

    def progress(self, message: Message) -> None:
        """A client's progress on a server's request goes to that server under its own token."""
        token = message.params.get("progressToken")
        asked = self._open.get(token) if type(token) is int else None
        if asked is not None and asked.link is not None and asked.token is not None:
            params = self.tasks.progress(asked.link.server, message.params)
            asked.link.post({**message.body, "params": {**params, "progressToken": asked.token}})

    def told(self, links: list[Link], message: Message) -> None:
        """A client's news of a task goes to the server that had it made."""
        bodies = dict(self.tasks.told(message))
        for link in links:
            if link.server in bodies:
                link.post(bodies[link.server])

    def withdrawn(self, link: Link, message: Message) -> bool:
        """A server cancels a request of its own: put the client's id for it in. False if it is not open."""
        theirs = message.params.get("requestId")
        for number, asked in list(self._open.items()):
            if asked.link is link and type(asked.server_id) is type(theirs) and asked.server_id == theirs:
                del self._open[number]
                message.body["params"] = {**message.params, "requestId": number}
                return True
        return False

    def forget(self, link: Link) -> None:
        """A link is dead: answers to its requests have nowhere to go."""
        self._open = {number: asked for number, asked in self._open.items() if asked.link is not link}
