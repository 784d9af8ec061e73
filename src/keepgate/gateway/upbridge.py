"""Handshake client, stateless server: envelopes are added, questions put to the client, subscriptions kept."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable
from typing import Any, Protocol

from keepgate.gateway import bridge
from keepgate.gateway.backends import StatelessBackend, list_params, page_of
from keepgate.gateway.background import Background
from keepgate.gateway.caller import Caller
from keepgate.gateway.hearing import Hearing, Listener
from keepgate.gateway.pending import CallObserver
from keepgate.gateway.shelf import Meta
from keepgate.gateway.task_follow import follow, refused
from keepgate.gateway.upstream import Upstream
from keepgate.model.errors import UpstreamError
from keepgate.model.message import Direction, Kind, Message
from keepgate.protocol import http, jsonrpc, tasks
from keepgate.protocol.envelope import with_meta
from keepgate.protocol.eras import lookup

MAX_ROUNDS = 16
"""Rounds of input a stateless server may ask for in one call of a handshake client."""

COMPLETE = "notifications/elicitation/complete"


class Client(Listener, Protocol):
    """The handshake session that stands behind."""

    log_level: str

    def ask(self, request: dict[str, Any], observer: CallObserver | None) -> Awaitable[dict[str, Any]]:
        """Ask the client; its result object. Raises UpstreamError if it cannot or does not answer."""


class UpBridge(StatelessBackend):
    """Handshake client, stateless server: the envelope is added, input requests become requests to the client."""

    def __init__(self, upstream: Upstream, client: Client) -> None:
        super().__init__(upstream)
        self._client = client
        self._background = Background()
        self.hearing = Hearing(self, self._params, client)

    @property
    def capabilities(self) -> dict[str, Any]:
        """From `server/discover`, as far as the bridge carries it."""
        return tasks.without(super().capabilities)

    def _params(self, params: dict[str, Any]) -> dict[str, Any]:
        caller = self._client.caller
        capabilities = tasks.without(caller.capabilities)
        return bridge.params_to_stateless(params, capabilities, caller.info, self._client.log_level)

    async def _page(self, method: str, cursor: str | None, meta: Meta) -> dict[str, Any]:
        params = self._params(list_params(cursor, meta))
        reply = await self.listed(method, params)
        page = bridge.result_to_handshake(method, page_of(reply, self.upstream.id, method))
        if method == "tools/list":
            page["tools"] = [
                tool for tool in page["tools"] if http.annotated(tool.get("inputSchema")) is not None
            ]
        return page

    async def exchange(
        self,
        method: str,
        params: dict[str, Any],
        caller: Caller,
        observer: CallObserver | None,
        headers: dict[str, str],
    ) -> Message:
        """Translate, answering the server's input requests by asking the client, until the result is complete."""
        if method in ("resources/subscribe", "resources/unsubscribe"):
            return await self._subscribe(method, params)
        sent = self._params(params)
        visited: list[str] = []
        for _round in range(MAX_ROUNDS):
            reply = await super().exchange(method, sent, caller, observer, headers)
            if refused(reply) and not tasks.may_create(method, sent):
                sent = tasks.envelope_declares(sent, tasks=True)  # it has not run; now keepgate waits for it
                continue
            if reply.kind is Kind.RESULT and reply.body["result"]["resultType"] == "task":
                reply = await self._followed(reply.body["result"], sent, caller, observer)
            if reply.kind is Kind.ERROR:
                reply.body["error"] = bridge.error_to_handshake(method, reply.body["error"])
                return reply
            result = reply.body["result"]
            if result.get("resultType", "complete") == "complete":
                self._completed(visited, observer)
                reply.body["result"] = bridge.result_to_handshake(method, result)
                return reply
            sent = await self._answered(sent, result, observer, visited)
        raise UpstreamError("protocol", f"the server asked for input more than {MAX_ROUNDS} times")

    async def _followed(
        self, task: dict[str, Any], sent: dict[str, Any], caller: Caller, observer: CallObserver | None
    ) -> Message:
        """The outcome of a task that the server made of a call."""
        envelope = with_meta({"_meta": sent["_meta"]}, progressToken=None)

        async def server(method: str, params: dict[str, Any]) -> Message:
            return await super(UpBridge, self).exchange(method, {**params, **envelope}, caller, None, {})

        async def client(questions: dict[str, Any]) -> dict[str, Any]:
            following = await self._answered({}, {"inputRequests": questions}, observer, [])
            answers: dict[str, Any] = following["inputResponses"]
            return answers

        return await follow(task, server, client, self.upstream.limits.call_maximum, self._background)

    async def _answered(
        self, sent: dict[str, Any], result: dict[str, Any], observer: CallObserver | None, visited: list[str]
    ) -> dict[str, Any]:
        asked = result.get("inputRequests") or {}
        if not isinstance(asked, dict) or len(asked) > MAX_ROUNDS:
            raise UpstreamError("protocol", "the server's `inputRequests` are malformed")
        following = {
            key: value for key, value in sent.items() if key not in ("inputResponses", "requestState")
        }
        answers: dict[str, Any] = {}
        for key, request in asked.items():
            params = request.get("params", {}) if isinstance(request, dict) else None
            if not isinstance(params, dict) or not isinstance(request.get("method"), str):
                raise UpstreamError("protocol", "the server's `inputRequests` are malformed")
            if request["method"] == "elicitation/create" and params.get("mode") == "url":
                params = self._to_visit(params, visited)
            answers[key] = await self._client.ask(bridge.as_request({**request, "params": params}), observer)
        if answers:
            following["inputResponses"] = answers
        if "requestState" in result:
            following["requestState"] = result["requestState"]
        return following

    def _to_visit(self, params: dict[str, Any], visited: list[str]) -> dict[str, Any]:
        """A URL elicitation with the id that 2025-11-25 wants, and the stateless era need not have."""
        given = params.get("elicitationId")
        visited.append(given if isinstance(given, str) else secrets.token_urlsafe(16))
        return {**params, "elicitationId": visited[-1]}

    def _completed(self, visited: list[str], observer: CallObserver | None) -> None:
        """A retry succeeded, so what was done at the URLs was enough; a server of the stateless era does not say it."""
        if observer is not None and lookup(
            COMPLETE, Direction.TO_CLIENT, Kind.NOTIFICATION, self._client.caller.revision
        ):
            for elicitation in visited:
                observer.message(
                    Message(Kind.NOTIFICATION, jsonrpc.notification(COMPLETE, {"elicitationId": elicitation}))
                )

    async def _subscribe(self, method: str, params: dict[str, Any]) -> Message:
        uri = params["uri"]
        if method == "resources/unsubscribe":
            await self.hearing.forget(uri)
        elif not await self.hearing.want(uri):
            missing = jsonrpc.error(
                0, jsonrpc.RESOURCE_NOT_FOUND, "the server took no subscription", {"uri": uri}
            )
            return Message(Kind.ERROR, missing)
        return Message(Kind.RESULT, jsonrpc.result(0, {}))
