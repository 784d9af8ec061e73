"""ASK put to a person through the caller's own client, in the manner of each era.

The client answers, so what comes back is its word, not that of a person: it decides only on what the administrator
left to it (`Terms.enough`), only on what this same principal and client asked for, and only on exactly that. No answer
is a refusal.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from keepgate.decide.appeal import question
from keepgate.decide.guards.callbacks import missing_mode
from keepgate.gateway.approving import decided
from keepgate.gateway.callbacks import CallbackTable
from keepgate.gateway.caller import Caller, Outlet
from keepgate.gateway.replies import OURS, StateSealer
from keepgate.model.approval import Pending, State
from keepgate.model.errors import LocalError, RemoteError, UpstreamError
from keepgate.model.message import Direction, Kind, Message
from keepgate.model.verdict import Effect, Verdict
from keepgate.protocol import jsonrpc
from keepgate.protocol.eras import INPUT_REQUIRED_METHODS, Era, lookup

if TYPE_CHECKING:
    from keepgate.gateway.enforce import Enforcer

KEY: Final = f"{OURS}approval"
"""Name of the input request, and purpose of the handle that comes with it."""
METHOD: Final = "elicitation/create"
SCHEMA: Final = {
    "type": "object",
    "properties": {
        "approve": {
            "type": "boolean",
            "title": "Let this one request pass",
            "description": "Only if you know what it does and want exactly this to happen.",
            "default": False,
        }
    },
    "required": ["approve"],
}
"""A switch that is off: a form that is sent off unread refuses."""
_SENT: Final = Verdict(Effect.ALLOW, "keepgate's own question", "approvals")
_OTHERS: Final = frozenset(("requestState", "inputResponses"))


class Client(Protocol):
    """A client of the handshake era that can be asked."""

    callbacks: CallbackTable

    def deliver(self, outlet: Outlet | None, body: dict[str, Any]) -> None:
        """Put a request to it, on the stream of a call or on the standing one."""

    def push(self, body: dict[str, Any], *, keep: bool = True) -> bool:
        """Send what belongs to no call."""


@dataclass(frozen=True, slots=True)
class Way:
    """Who is asked, and how it is reached while its call waits."""

    caller: Caller
    outlet: Outlet
    trace: str
    client: Client


class Eliciting:
    """Asks, and takes answers."""

    def __init__(
        self, enforcer: Enforcer, state: StateSealer, clock: Callable[[], float] = time.time
    ) -> None:
        self._enforcer = enforcer
        self._state = state
        self._clock = clock
        self.wait = 120.0
        """Seconds that a call of the handshake era waits for the answer."""

    def _form(self, verdict: Verdict, caller: Caller) -> tuple[Pending, dict[str, Any]] | None:
        """What to ask, if the client can be asked and may answer."""
        approving = self._enforcer.approving
        declared = caller.capabilities.get("elicitation")
        if approving is None or not isinstance(declared, dict):
            return None
        params: dict[str, Any] = {"message": "", "requestedSchema": SCHEMA}
        if missing_mode(METHOD, params, declared) or (waiting := approving.waiting(verdict)) is None:
            return None
        params["message"] = question(waiting, self._clock())
        return (waiting, params) if params["message"] else None

    def reply(self, message: Message, caller: Caller, server: str, verdict: Verdict) -> dict[str, Any] | None:
        """Stateless era: the reply that asks, with what it is about sealed in its state; None if it cannot be asked."""
        asks = caller.era is Era.STATELESS and message.method in INPUT_REQUIRED_METHODS
        if not asks or not _OTHERS.isdisjoint(message.params):
            return None
        form = self._form(verdict, caller)
        if form is None:
            return None
        waiting, params = form
        result = {
            "resultType": "input_required",
            "inputRequests": {KEY: {"method": METHOD, "params": params}},
            "requestState": self._state.seal(waiting.id, message, caller, server, KEY),
        }
        return jsonrpc.result(message.id, result)

    def taken(self, message: Message, caller: Caller, server: str) -> Message:
        """Stateless era: a retry with the answer to our question, without it; the decision is in force then.

        Any other message as it is. Raises RemoteError for an answer to what this request was not asked, AuditError.
        """
        responses = message.params.get("inputResponses")
        if caller.era is not Era.STATELESS or not isinstance(responses, dict) or KEY not in responses:
            return message
        if len(responses) > 1:
            raise RemoteError("params", "only one question was asked", rpc_code=jsonrpc.INVALID_PARAMS)
        name = self._state.open(message.params.get("requestState"), message, caller, server, KEY)
        self._decide(str(name), responses[KEY], caller)
        rest = {key: value for key, value in message.params.items() if key not in _OTHERS}
        return Message(message.kind, {**message.body, "params": rest}, message.size)

    async def persuade(self, verdict: Verdict, seq: int, way: Way) -> bool:
        """Handshake era: have the client's person decide. Whether one did: then it is to be judged once more.

        `seq` is the record of the verdict. Raises AuditError.
        """
        caller = way.caller
        form = self._form(verdict, caller)
        if form is None or lookup(METHOD, Direction.TO_CLIENT, Kind.REQUEST, caller.revision) is None:
            return False
        await self._enforcer.settled(seq)
        waiting, params = form
        try:
            reply = await self._ask(way, params, min(self.wait, waiting.expires - self._clock()))
        except UpstreamError:
            return False
        return self._decide(waiting.id, reply.body.get("result"), caller)

    async def _ask(self, way: Way, params: dict[str, Any], seconds: float) -> Message:
        """Put it to the client. Raises UpstreamError if it does not answer."""
        message = Message(Kind.REQUEST, jsonrpc.request(0, METHOD, params))
        sent = self._enforcer.record(way.caller.gets(message), _SENT, way.trace)
        await self._enforcer.settled(sent)
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        body = way.client.callbacks.open_future(future, message, way.trace)
        way.client.deliver(way.outlet, body)
        try:
            async with asyncio.timeout(seconds):
                return await future
        except TimeoutError:
            raise UpstreamError("timeout", "nobody answered") from None
        finally:
            if way.client.callbacks.take(body["id"]) is not None:  # nobody waits for the answer any more
                note = jsonrpc.notification("notifications/cancelled", {"requestId": body["id"]})
                _ = way.outlet.message(note) or way.client.push(note)

    def _decide(self, name: str, answer: object, caller: Caller) -> bool:
        """Put a decision in force that the client says a person made. Whether there was one. Raises AuditError."""
        approving, said = self._enforcer.approving, _decision(answer)
        if approving is None or said is None:
            return False
        principal = caller.principal.id
        try:
            found = approving.approver.get(name)
            wanted = found.wanted
            own = (wanted.principal, wanted.client) == (principal, caller.client)
            if not own or wanted.out_of_band or found.state is not State.PENDING:
                return False
            # The record exists first.
            self._enforcer.audit.append(
                decided(
                    found, int(self._clock() * 1e9), approve=said, by=principal, client=caller.client or "-"
                )
            )
            approving.approver.answer(name, approve=said, principal=principal, client=caller.client)
        except LocalError:
            return False
        return True


def _decision(answer: object) -> bool | None:
    """What a person decided; None if nobody did."""
    if not isinstance(answer, dict) or answer.get("action") not in ("accept", "decline"):
        return None
    content = answer.get("content")
    return answer["action"] == "accept" and isinstance(content, dict) and content.get("approve") is True
