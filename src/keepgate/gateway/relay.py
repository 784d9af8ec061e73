"""One request through the gateway: resolve, decide, record, forward, decide on the reply, answer.

Shared by both eras and all fronts. See docs/life-of-a-message.md, which follows this file step by step.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from keepgate.gateway import replies, uris
from keepgate.gateway.backend import Backend
from keepgate.gateway.caller import Caller, Outlet
from keepgate.gateway.calls import Calls
from keepgate.gateway.eliciting import Client, Eliciting, Way
from keepgate.gateway.enforce import Enforcer, payload_of
from keepgate.gateway.heavy import BIG, Turns
from keepgate.gateway.shelf import CHANGED
from keepgate.gateway.task_ledger import Ledger
from keepgate.gateway.trace import new_trace
from keepgate.gateway.view import Target, View
from keepgate.model.access import Action, Resource, ResourceKind
from keepgate.model.contract import Contract
from keepgate.model.errors import AuditError, RemoteError, UpstreamError
from keepgate.model.exchange import Exchange
from keepgate.model.message import Direction, Kind, Message
from keepgate.model.verdict import Effect, Verdict, deny
from keepgate.protocol import http, jsonrpc
from keepgate.protocol.eras import Era, lookup
from keepgate.protocol.tasks import STATUS

LIST_OF = {"tools/call": "tools/list", "prompts/get": "prompts/list"}
"""Method that names a thing to the list that has it."""
_MISSING = (jsonrpc.RESOURCE_NOT_FOUND, jsonrpc.INVALID_PARAMS)
SESSION_WIDE = frozenset((*CHANGED, "notifications/resources/updated", "notifications/cancelled", STATUS))
"""Notifications that concern the client's session, not the call on whose stream they may come."""
_CALL = Action.CALL_TOOL
_ACTION_OF = {"tools/call": _CALL, "prompts/get": Action.GET_PROMPT}
_PROMISED = {
    Action.GET_PROMPT: "prompts/list",
    Action.READ_RESOURCE: "resources/list",
    Action.SUBSCRIBE_RESOURCE: "resources/list",
}
"""Action to the list that the lock has its things in."""
_KIND_OF = {"tools/call": ResourceKind.TOOL, "prompts/get": ResourceKind.PROMPT}


def must_know_uris(view: View, method: str, reply: Message) -> bool:
    """Whether the servers' resource lists are needed to tell whose the URIs of a reply are."""
    return len(view.backends) > 1 and bool(uris.mentioned(method, reply.body))


_ASK, _RESULT = Effect.ASK, Kind.RESULT
_INPUT = "input_required"


@dataclass(slots=True)
class Running:
    """A request on its way: what its observer needs to pass on what belongs to it."""

    caller: Caller
    view: View
    outlet: Outlet
    trace: str
    message: Message
    turns: Turns | None = None
    """Large notifications, where there are any"""


def _unheard_of(method: str, target: Target, reply: Message) -> bool:
    """Whether a server refused what it does not list (the target has no item): then it is answered as what is hidden.

    Otherwise a server's own words for "not found" would tell what is hidden from what is not there.
    """
    if not replies.is_failure(reply):
        return False
    if method in LIST_OF:
        return True
    missing = reply.kind is Kind.ERROR and reply.body["error"]["code"] in _MISSING
    return missing and target.backend.shelf.find("resources/list", target.name) is None


class CallbackHandler(Client, Protocol):
    """How a server-initiated request reaches the client; the handshake front overrides it."""

    def callback(self, running: Running, backend: Backend, message: Message) -> None:
        """Pass on or refuse a server-initiated request, or what is SESSION_WIDE, that came with a running call."""


class Observer:
    """Passes on what a server sends while a request runs: through the chain, recorded, rewritten."""

    __slots__ = ("backend", "callbacks", "relay", "running")

    def __init__(
        self, relay: Relay, running: Running, backend: Backend, callbacks: CallbackHandler | None
    ) -> None:
        self.relay = relay
        self.running = running
        self.backend = backend
        self.callbacks = callbacks

    @property
    def principal(self) -> str:
        """Whose request it is."""
        return self.running.caller.principal.id

    def message(self, message: Message) -> None:
        """A notification or request of the server that belongs to the running request."""
        if message.kind is Kind.REQUEST or message.method in SESSION_WIDE:
            self.backend.shelf.invalidate(message.method)
            if self.callbacks is not None:
                self.callbacks.callback(self.running, self.backend, message)
            return
        running, relay, server = self.running, self.relay, self.backend.settings.id
        if message.size > BIG or running.turns is not None:
            running.turns = running.turns or Turns(relay.enforcer, server)
            running.turns.take(running.caller.gets(message, server), partial(self._pass, message))
        else:
            self._pass(message)

    def _pass(self, message: Message) -> None:
        running = self.running
        self.relay.pass_notification(running.caller, self.backend, message, running.trace, running.outlet)

    def opened(self, *, streaming: bool) -> None:
        """The server answers."""
        self.running.outlet.opened(streaming=streaming)

    def interrupted(self, retry_ms: int) -> None:
        """The server closed its stream on purpose."""
        self.running.outlet.interrupted(retry_ms)


class Relay:
    """Forwards requests that name something on a server, and notifications back."""

    def __init__(self, enforcer: Enforcer, state: replies.StateSealer, tasks: Ledger) -> None:
        self.enforcer = enforcer
        self.state = state
        self.tasks = tasks
        self.calls = Calls()
        self.eliciting = Eliciting(enforcer, state)

    async def forward(
        self, message: Message, caller: Caller, view: View, outlet: Outlet, callbacks: CallbackHandler | None
    ) -> dict[str, Any]:
        """The reply body for a request that names a tool, prompt or resource. Never raises but for cancellation."""
        trace = new_trace()
        running = Running(caller, view, outlet, trace, message)
        target: Target | None = None
        try:
            target = await self._resolve(message, caller, view)
            if target is not None and "inputResponses" in message.params:
                message = running.message = self.eliciting.taken(message, caller, target.backend.settings.id)
            exchange = self.exchange(message, caller, target)
            await self.enforcer.foresee(exchange)
            verdict, seq = self._judge(exchange, target, trace, message)
            way = Way(caller, outlet, trace, callbacks) if callbacks is not None else None
            if (
                verdict.effect is _ASK
                and way is not None
                and await self.eliciting.persuade(verdict, seq, way)
            ):
                verdict, seq = self._judge(exchange, target, trace, message)
            if target is None or verdict.effect >= Effect.ASK:
                await self.enforcer.settled(seq)
                return self.refused(running, exchange, verdict)
            # Before anything is waited for: what is judged at the same time counts it.
            self.enforcer.enter(exchange)
            try:
                with self.calls.running(exchange):
                    await self.enforcer.settled(seq)
                    self._check_param_headers(message, caller, target)
                    return await self._ask_server(running, target, exchange, callbacks)
            finally:
                self.enforcer.leave(exchange)
        except UpstreamError as error:
            server = target.backend.settings.id if target is not None else ""
            return self.failed(message, caller, error, server, trace)
        except AuditError:
            return replies.undecided(message, caller, trace)
        except RemoteError:
            self.enforcer.meters.spend(caller.principal.id)  # or malformed requests would be free
            raise

    def refused(self, running: Running, exchange: Exchange, verdict: Verdict) -> dict[str, Any]:
        """What the caller gets for a request that is not let through, or not yet."""
        message, caller = running.message, running.caller
        if verdict.hidden:
            return replies.unknown(message, caller)
        asked = self.eliciting.reply(message, caller, exchange.server, verdict)
        return asked or replies.denied(message, caller, verdict, running.trace)

    def _judge(
        self, exchange: Exchange, target: Target | None, trace: str, message: Message
    ) -> tuple[Verdict, int]:
        if target is not None:
            return self.enforcer.judge(exchange, trace)
        # The rate is spent on unknown names too, or guessing names would be free.
        verdict = deny("unknown name", guard="route", hidden=True)
        self.enforcer.meters.spend(exchange.principal.id)
        named = message.params.get("name") or message.params.get("uri")
        return verdict, self.enforcer.record(
            exchange, verdict, trace, name=named if isinstance(named, str) else ""
        )

    async def _resolve(self, message: Message, caller: Caller, view: View) -> Target | None:
        """What the request names, or None if there is nothing of that name."""
        method, params = message.method, message.params
        if method in LIST_OF:
            return await self._resolve_named(message, caller, view)
        if method == "completion/complete":
            return await self._resolve_ref(params.get("ref"), caller, view)
        uri = params.get("uri")
        if not isinstance(uri, str):
            raise RemoteError("params", "`params.uri` must be a string", rpc_code=jsonrpc.INVALID_PARAMS)
        return await view.located(uri, caller.principal.id)

    async def _resolve_named(self, message: Message, caller: Caller, view: View) -> Target | None:
        name, arguments = message.params.get("name"), message.params.get("arguments", {})
        if not isinstance(name, str):
            raise RemoteError("params", "`params.name` must be a string", rpc_code=jsonrpc.INVALID_PARAMS)
        if not isinstance(arguments, dict):
            raise RemoteError(
                "params", "`params.arguments` must be an object", rpc_code=jsonrpc.INVALID_PARAMS
            )
        target = await view.named(LIST_OF[message.method], name)
        if target is None or message.method != "tools/call" or caller.era is not Era.STATELESS:
            return target
        # HTTP clients must drop a tool with an invalid x-mcp-header annotation.
        return None if target.tokens is None else target

    def _check_param_headers(self, message: Message, caller: Caller, target: Target) -> None:
        """Only once the tool is known to be visible: what is asked for here tells of its schema."""
        if message.method == "tools/call" and caller.era is Era.STATELESS and caller.headers is not None:
            http.check_params(target.tokens or {}, message.params.get("arguments", {}), caller.headers)

    async def _resolve_ref(self, ref: Any, caller: Caller, view: View) -> Target | None:
        kind = ref.get("type") if isinstance(ref, dict) else None
        if kind == "ref/prompt" and isinstance(ref.get("name"), str):
            return await view.named("prompts/list", ref["name"])
        if kind == "ref/resource" and isinstance(ref.get("uri"), str):
            found = await view.named("resources/templates/list", ref["uri"])
            return found or await view.located(ref["uri"], caller.principal.id)
        raise RemoteError(
            "params", "`params.ref` must name a prompt or a resource", rpc_code=jsonrpc.INVALID_PARAMS
        )

    def exchange(self, message: Message, caller: Caller, target: Target | None) -> Exchange:
        """The request with what it asks for, to be judged."""
        if target is not None and target.resource is not None:
            action = _ACTION_OF.get(message.method)
            if action is not None:
                return caller.sends(message, action, target.resource, self._contract(action, target))
        row = lookup(message.method, Direction.TO_SERVER, Kind.REQUEST, caller.revision)
        action = row.action if row is not None else None
        resource = contract = None
        if target is not None:
            contract = self._contract(action, target)
            kind = _KIND_OF.get(message.method, ResourceKind.RESOURCE)
            if action is Action.COMPLETE:
                prompt = message.params["ref"]["type"] == "ref/prompt"
                kind = ResourceKind.PROMPT if prompt else kind
                listed = "prompts/list" if prompt else "resources/templates/list"
                contract = target.backend.shelf.promise(listed, target.name)
            resource = Resource(kind, target.backend.settings.id, target.name)
        return caller.sends(message, action, resource, contract)

    @staticmethod
    def _contract(action: Action | None, target: Target) -> Contract | None:
        if action is _CALL:
            return target.backend.shelf.contract(target.name)
        method = _PROMISED.get(action) if action is not None else None
        return target.backend.shelf.promise(method, target.name) if method is not None else None

    async def _ask_server(
        self, running: Running, target: Target, asked: Exchange, callbacks: CallbackHandler | None
    ) -> dict[str, Any]:
        message, caller, backend = running.message, running.caller, target.backend
        params, headers = self.outgoing(message, caller, target)
        observer = Observer(self, running, backend, callbacks)
        reply = await backend.request(message.method, params, caller, observer, headers)
        await self.expect(running, asked, reply)
        out, _, seq = self.receive(running, target, asked, reply)
        await self.enforcer.settled(seq)
        return out

    async def expect(self, running: Running, asked: Exchange, reply: Message) -> None:
        """Whatever has to be waited for before a reply is judged."""
        if running.turns is not None:
            await running.turns.over()
        if must_know_uris(running.view, running.message.method, reply):
            await running.view.know_uris()
        await self.enforcer.foresee(running.caller.answered(reply, asked))

    def receive(
        self, running: Running, target: Target, asked: Exchange, reply: Message
    ) -> tuple[dict[str, Any], bytes | None, int]:
        """What the client gets for a server's reply, and the record that must be settled before it gets it.

        The second part is the body's `result` as it was encoded for the record, if that is what the client gets.
        Raises AuditError, RemoteError, UpstreamError.
        """
        message, caller, trace = running.message, running.caller, running.trace
        exchange = caller.answered(reply, asked)
        if target.item is None and _unheard_of(message.method, target, reply):
            unheard = deny("the server does not know it", guard="route", hidden=True)
            return replies.unknown(message, caller), None, self.enforcer.record(exchange, unheard, trace)
        out = self._incoming(message, caller, running.view, target.backend, reply)
        self.tasks.created(message, caller, target.backend, target.name, out)
        payload = payload_of(reply)
        verdict, seq = self.enforcer.judge(exchange, trace, belongs=True, payload=payload)
        if verdict.effect >= _ASK:
            return replies.denied(message, caller, verdict, trace), None, seq
        unchanged = out is reply.body and reply.kind is _RESULT and not verdict.edits
        return out, payload if unchanged else None, seq

    def outgoing(
        self, message: Message, caller: Caller, target: Target
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """The params in the server's own terms, and the `Mcp-Param-*` headers of what is really sent."""
        params = dict(message.params)
        if "inputResponses" in params:
            params = replies.without_login(params)
        method = message.method
        headers: dict[str, str] = {}
        if method == "completion/complete":
            key = "name" if params["ref"]["type"] == "ref/prompt" else "uri"
            params["ref"] = {**params["ref"], key: target.name}
        elif method in LIST_OF:
            params["name"] = target.name
        else:
            params["uri"] = target.name
        if method == "tools/call":
            params = self.tasks.outgoing(params, caller, target.backend)
        if method == "tools/call" and target.item is not None:
            tokens = target.tokens
            if tokens:
                headers = http.param_headers(tokens, params.get("arguments", {}))
        if "requestState" in params:
            params["requestState"] = self.state.open(
                params["requestState"], message, caller, target.backend.settings.id
            )
        return params, headers

    def _incoming(
        self, message: Message, caller: Caller, view: View, backend: Backend, reply: Message
    ) -> dict[str, Any]:
        """The reply body in the client's terms: its id, our names and URIs, sealed state. The rest is untouched."""
        server, method = backend.settings.id, message.method
        body = reply.body
        body["id"] = message.id
        if len(view.backends) == 1 and reply.kind is _RESULT and body["result"].get("resultType") != _INPUT:
            return body
        rewrite = view.to_client_uri(server, caller.principal.id)
        if reply.kind is Kind.ERROR:
            uris.rewrite_error(body["error"], rewrite)
            return body
        result = body["result"]
        if result.get("resultType") == _INPUT:
            replies.check_input_requests(result, method, caller)
            if "requestState" in result:
                # In place, as everything here: what is taken out of the message later has to be taken out of this too.
                result["requestState"] = self.state.seal(result["requestState"], message, caller, server)
            return body
        if len(view.backends) > 1:
            uris.rewrite_result(method, result, rewrite)
            view.note_issued(caller.principal.id, server, uris.mentioned(method, body))
        return body

    def failed(
        self, message: Message, caller: Caller, error: UpstreamError, server: str, trace: str
    ) -> dict[str, Any]:
        reason = f"{error.public} (decision {trace})"
        principal = caller.principal.id
        self.enforcer.event(  # it is what the caller is told: no answer without a record
            "upstream.failed", reason, private=error.private, principal=principal, server=server
        )
        return replies.unavailable(message, caller, error, server, trace)

    def pass_notification(
        self, caller: Caller, backend: Backend, message: Message, trace: str, outlet: Outlet
    ) -> None:
        """Decide, record and send a server's notification to a client."""
        self.tasks.message_to_client(message, caller, backend)
        exchange = caller.gets(message, backend.settings.id)
        try:
            verdict, seq = self.enforcer.judge(exchange, trace, belongs=True)
        except AuditError:
            return
        if verdict.effect < Effect.ASK:
            body = message.body
            self.enforcer.after(seq, lambda ok: (outlet.message(body), None)[1] if ok else None)
