"""What a task has come to: held to the same chain, schema and URIs as the reply its tool would have given at once."""

from __future__ import annotations

from typing import Any

from keepgate.gateway import replies, uris
from keepgate.gateway.backend import Backend
from keepgate.gateway.enforce import Enforcer
from keepgate.gateway.relay import Running
from keepgate.gateway.task_table import Known
from keepgate.model.access import Action, Resource, ResourceKind
from keepgate.model.errors import UpstreamError
from keepgate.model.exchange import Exchange
from keepgate.model.message import Kind, Message
from keepgate.model.verdict import Effect
from keepgate.protocol import jsonrpc, tasks


def resource_of(known: Known) -> Resource:
    """The tool that made a task."""
    return Resource(ResourceKind.TOOL, known.settings.id, known.tool)


class Outcomes:
    """Judges outcomes."""

    def __init__(self, enforcer: Enforcer) -> None:
        self._enforcer = enforcer

    def exchange(self, running: Running, known: Known, backend: Backend, reply: Message) -> Exchange:
        """What a tool said in the end, to be judged as if it had said so at once."""
        contract = backend.shelf.contract(known.tool)
        asked = running.caller.sends(running.message, Action.CALL_TOOL, resource_of(known), contract)
        return running.caller.answered(reply, asked)

    def settle(
        self, running: Running, known: Known, backend: Backend, task: dict[str, Any]
    ) -> dict[str, Any]:
        """2026-07-28: a task with what belongs to its status and nothing else. Raises UpstreamError, AuditError."""
        caller, status = running.caller, task["status"]
        kept = {"completed": "result", "failed": "error", "input_required": "inputRequests"}.get(status, "")
        out = {name: value for name, value in task.items() if name == kept or name not in tasks.OUTCOMES}
        if kept and not isinstance(out.get(kept), dict):
            raise UpstreamError("protocol", f"the server's task is `{status}` and has no `{kept}`")
        if status == "input_required":
            replies.check_input_requests(out, "tools/call", caller)
        elif kept:
            out[kept] = self._judged(running, known, backend, {"jsonrpc": "2.0", "id": 0, kept: out[kept]})
        return out

    def _judged(
        self, running: Running, known: Known, backend: Backend, body: dict[str, Any]
    ) -> dict[str, Any]:
        """The result or error object of a task's outcome, after the chain that a direct reply passes."""
        reply = jsonrpc.classify(body, 0)
        self._rewrite(body, running, backend)
        exchange = self.exchange(running, known, backend, reply)
        verdict, _ = self._enforcer.judge(exchange, running.trace, belongs=True, name=known.tool)
        if verdict.effect >= Effect.ASK:
            if reply.kind is Kind.ERROR:
                return {"code": jsonrpc.DENIED, "message": f"denied: {verdict.reason or 'not allowed'}"}
            call = Message(Kind.REQUEST, jsonrpc.request(0, "tools/call", {}))
            return replies.denied(call, running.caller, verdict, running.trace)["result"]  # type: ignore[no-any-return]
        return reply.body["result" if reply.kind is Kind.RESULT else "error"]  # type: ignore[no-any-return]

    async def localise(self, body: dict[str, Any], running: Running, backend: Backend) -> None:
        if len(running.view.backends) > 1 and uris.mentioned("tools/call", body):
            await running.view.know_uris()
        self._rewrite(body, running, backend)

    def _rewrite(self, body: dict[str, Any], running: Running, backend: Backend) -> None:
        """URIs of a tool's outcome in the client's terms, as for a direct reply."""
        view, principal, server = running.view, running.caller.principal.id, backend.settings.id
        if len(view.backends) == 1:
            return
        rewrite = view.to_client_uri(server, principal)
        if "error" in body:
            uris.rewrite_error(body["error"], rewrite)
            return
        uris.rewrite_result("tools/call", body["result"], rewrite)
        view.note_issued(principal, server, uris.mentioned("tools/call", body))
