"""One call at a handshake server for a stateless client, through as many of the client's requests as it takes.

A handshake server asks in the middle of a call and waits for the answer; a stateless client hears of it by
`input_required` and answers with its next request. So the call at the server outlives the client's request: it is
attended by one request after the other and parked in between (parking.py). What the server says while nobody attends
is kept, bounded, for the next.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from keepgate.gateway import bridge
from keepgate.gateway.backends import refuse_callback
from keepgate.gateway.caller import Caller
from keepgate.gateway.link import Link
from keepgate.gateway.pending import CallObserver
from keepgate.gateway.relay import SESSION_WIDE, Observer
from keepgate.gateway.services import Services
from keepgate.gateway.trace import new_trace
from keepgate.model.errors import AuditError, RemoteError, UpstreamError
from keepgate.model.message import Kind, Message
from keepgate.model.verdict import Effect
from keepgate.protocol import jsonrpc, tasks
from keepgate.protocol.eras import CALLBACK_CAPABILITY, R2025_11

MAX_ROUNDS = 16
"""Times a server may ask for input in one call."""
MAX_QUESTIONS = 16
"""Open at a time in one call."""
MAX_KEPT = 64
"""Notifications kept for a client that is away; the oldest give way."""
LINGER = 0.02
"""Seconds to wait, after a question, for others that the server asks at the same time."""

Work = Callable[["BackCall"], Awaitable[Message]]


@dataclass(slots=True)
class Question:
    """One request of the server; `link` is None if it was in an error (-32042), which no answer goes back to."""

    link: Link | None
    server_id: Any
    request: dict[str, Any]
    """As `inputRequests` has it: method, params and whatever else the server said"""


class BackCall:
    """The CallObserver of the call at the server; `attend` is for each request of the client."""

    def __init__(self, services: Services, server: str, caller: Caller, work: Work) -> None:
        self.services = services
        self.server = server
        self.name = ""
        """What is called, by the server's own name for it."""
        self.rounds = 0
        self.on_side: Callable[[Message], None] = lambda _: None
        """What is the session's to look at: questions, since it knows what else runs, and what concerns no call."""
        self._work = work
        self.caller = caller
        self._observer: CallObserver | None = None
        self._params: dict[str, Any] = {}
        self._trace = ""
        self._open: dict[str, Question] = {}
        self._asked: set[str] = set()
        self._numbers = count(1)
        self._kept: deque[Message] = deque(maxlen=MAX_KEPT)
        self._wake = asyncio.Event()
        self._ended = False
        self._task: asyncio.Task[Message] = self._begin()

    def _begin(self) -> asyncio.Task[Message]:
        task = asyncio.get_running_loop().create_task(self._run())
        task.add_done_callback(self._over)
        return task

    async def _run(self) -> Message:
        return await self._work(self)

    def _over(self, task: asyncio.Task[Message]) -> None:
        if not task.cancelled():
            task.exception()  # nobody may come for it
        if task is self._task:
            self._wake.set()

    @property
    def principal(self) -> str:
        """Whose call it is."""
        return self.caller.principal.id

    @property
    def running(self) -> bool:
        """Whether the server still works on it."""
        return not self._task.done()

    @property
    def parked(self) -> bool:
        """Whether it waits at the server and no request of the client attends it."""
        return self._observer is None and self.running and not self._ended

    @property
    def questions(self) -> dict[str, Any]:
        """What the server has asked and nobody has answered, as `inputRequests` has it."""
        return {key: question.request for key, question in self._open.items()}

    # The client's requests

    async def attend(
        self, caller: Caller, params: dict[str, Any], observer: CallObserver | None
    ) -> Message | dict[str, Any]:
        """Wait with a request of the client: the server's reply, or `inputRequests` for it. Raises UpstreamError.

        A client that goes away meanwhile ends the call, as the stateless era has it.
        """
        self.caller, self._params, self._observer = caller, params, observer
        self._trace = observer.running.trace if isinstance(observer, Observer) else new_trace()
        kept, self._kept = self._kept, deque(maxlen=MAX_KEPT)
        for message in kept:
            self._pass(message)
        try:
            return await self._next()
        except asyncio.CancelledError:
            self.end("the client has gone")
            raise
        finally:
            self._observer = None

    async def _next(self) -> Message | dict[str, Any]:
        while True:
            if self._task.cancelled():
                raise UpstreamError("cancelled", f"the call was ended: server `{self.server}` is going away")
            if self._task.done():
                reply = self._task.result()
                if not self._to_a_person(reply):
                    return reply
            if self._open:
                await asyncio.sleep(LINGER)
                if self._open and (self.running or self._to_be_repeated):
                    return self._questions()
                continue
            self._wake.clear()
            await self._wake.wait()

    def _questions(self) -> dict[str, Any]:
        self.rounds += 1
        if self.rounds > MAX_ROUNDS:
            self.end("asked too often")
            raise UpstreamError("protocol", f"the server asked for input more than {MAX_ROUNDS} times")
        return self.questions

    def check(self, responses: Any) -> None:
        """Whether these can be answers to what was asked. Raises RemoteError (-32602); nothing is lost by it."""
        if not isinstance(responses, dict) or not all(isinstance(each, dict) for each in responses.values()):
            raise RemoteError(
                "params",
                "`params.inputResponses` must be an object of results",
                rpc_code=jsonrpc.INVALID_PARAMS,
            )
        if not self._asked.issuperset(responses):
            raise RemoteError(
                "params",
                "`params.inputResponses` answers what was not asked",
                rpc_code=jsonrpc.INVALID_PARAMS,
            )

    async def answer(self, caller: Caller, responses: dict[str, Any]) -> None:
        """Hand answers that were checked to the server; what is not answered stays open. Raises UpstreamError."""
        again = self._to_be_repeated
        for key, result in responses.items():
            question = self._open.pop(key, None)  # None: the server has withdrawn it
            if question is None:
                continue
            body = jsonrpc.result(0 if question.link is None else question.server_id, result)
            exchange = caller.sends(Message(Kind.RESULT, body))
            verdict, seq = self.services.enforcer.judge(exchange, self._trace or new_trace(), belongs=True)
            await self.services.enforcer.settled(seq)
            if verdict.effect >= Effect.ASK:
                body = jsonrpc.error(question.server_id, jsonrpc.DENIED, "the answer is not allowed")
            if question.link is not None:
                question.link.post(body)
            elif "error" in body or result.get("action") != "accept":
                self._open.clear()
                raise UpstreamError("cancelled", "the server needs something first that was declined")
        if again and not self._open:
            self._task = self._begin()

    def end(self, why: str) -> None:
        """Cancel the call at the server, then refuse what it has asked. Idempotent."""
        self._ended = True
        self._task.add_done_callback(lambda _: self._refuse_all(why))
        self._task.cancel()

    def _refuse_all(self, why: str) -> None:
        questions, self._open = list(self._open.values()), {}
        for question in questions:
            if question.link is not None and question.link.dead is None:
                question.link.post(jsonrpc.error(question.server_id, jsonrpc.UNAVAILABLE, why))

    # The server's messages

    def message(self, message: Message) -> None:
        """A message of the server that belongs to the call, or to nothing else that runs."""
        if message.kind is Kind.REQUEST or message.method in SESSION_WIDE:
            self.on_side(message)
        elif self._observer is None:
            self._kept.append(message)
        else:
            self._pass(message)

    def _pass(self, message: Message) -> None:
        """To the request that attends now, under its own progress token, at the log level it asked for."""
        if message.method == "notifications/message" and not bridge.log_wanted(self._params, message.params):
            return
        if message.method == "notifications/progress":
            meta = self._params.get("_meta")
            if not isinstance(meta, dict) or "progressToken" not in meta:
                return
            message.body["params"] = {**message.params, "progressToken": meta["progressToken"]}
        if self._observer is not None:
            self._observer.message(message)

    def opened(self, *, streaming: bool) -> None:
        """The server answers."""
        if self._observer is not None:
            self._observer.opened(streaming=streaming)

    def interrupted(self, retry_ms: int) -> None:
        """The held session resumes by itself."""

    def ask(self, link: Link, message: Message) -> None:
        """A request of the server: decided, recorded, put to the client when it attends; else refused."""
        if not self.running or len(self._open) >= MAX_QUESTIONS or self.rounds > MAX_ROUNDS:
            refuse_callback(link, message, "too many questions")
            return
        if message.method not in CALLBACK_CAPABILITY:
            refuse_callback(link, message, "the client cannot be asked this over its protocol revision")
            return
        try:
            verdict, seq = self._judged(message)
        except AuditError:
            return
        if verdict.effect >= Effect.ASK:
            refuse_callback(link, message, verdict.reason)
            return
        question = Question(link, message.id, bridge.as_input(message.body))
        self.services.enforcer.after(seq, lambda ok: self._note(question) if ok else None)

    def _judged(self, message: Message) -> Any:
        # It is a message of the server's era, which the client's own does not have.
        capabilities = tasks.without(self.caller.capabilities)
        asked = replace(self.caller, revision=R2025_11, capabilities=capabilities)
        exchange = asked.gets(message, self.server)
        return self.services.enforcer.judge(exchange, self._trace or new_trace(), belongs=True)

    def _note(self, question: Question) -> None:
        key = f"q{next(self._numbers)}"
        self._asked.add(key)
        self._open[key] = question
        self._wake.set()

    def withdrawn(self, link: Link, request_id: Any) -> None:
        """The server needs no answer to a request of its own any more, if it is one of this call."""
        for key, question in list(self._open.items()):
            same = type(question.server_id) is type(request_id) and question.server_id == request_id
            if same and question.link is link:
                del self._open[key]

    # -32042: the call is over, and is to be repeated once a person has done something

    @property
    def _to_be_repeated(self) -> bool:
        return self._task.done() and any(question.link is None for question in self._open.values())

    def _to_a_person(self, reply: Message) -> bool:
        """Whether the reply asks for URL elicitation and the client can be asked: then it becomes open questions."""
        if self._to_be_repeated:
            return True
        self._open.clear()  # the reply is there, whatever else was asked
        error = reply.body.get("error")
        if error is None or error["code"] != jsonrpc.URL_ELICITATION_REQUIRED:
            return False
        data = error.get("data")
        wanted = data.get("elicitations") if isinstance(data, dict) else None
        if not isinstance(wanted, list) or not 0 < len(wanted) <= MAX_QUESTIONS:
            return False
        asked = [
            Message(Kind.REQUEST, jsonrpc.request(0, "elicitation/create", {"mode": "url", **each}))
            for each in wanted
            if isinstance(each, dict) and each.get("mode", "url") == "url"
        ]
        with contextlib.suppress(AuditError):
            if len(asked) == len(wanted) and all(
                self._judged(message)[0].effect < Effect.ASK for message in asked
            ):
                for message in asked:
                    self._note(Question(None, None, bridge.as_input(message.body)))
                return True
        return False
