"""Lists over several servers: merged in configuration order, renamed, filtered to what the principal may use."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from keepgate.gateway import bridge, replies, uris
from keepgate.gateway.caller import Caller
from keepgate.gateway.enforce import Enforcer
from keepgate.gateway.inspection import inspected_list
from keepgate.gateway.settings import Identity
from keepgate.gateway.shelf import KEY
from keepgate.gateway.trace import new_trace
from keepgate.gateway.view import View
from keepgate.model.access import Principal, Resource, ResourceKind
from keepgate.model.errors import AuditError, RemoteError
from keepgate.model.message import Kind, Message
from keepgate.model.verdict import Effect, Verdict, join
from keepgate.protocol import jsonrpc
from keepgate.protocol.envelope import SERVER_INFO_KEY, with_meta
from keepgate.protocol.eras import LISTS, Era
from keepgate.protocol.seal import Sealer

PAGE = 500
"""Items in one page of a merged list."""
CURSOR_SECONDS = 3600

_KIND = {
    "tools/list": ResourceKind.TOOL,
    "prompts/list": ResourceKind.PROMPT,
    "resources/list": ResourceKind.RESOURCE,
    "resources/templates/list": ResourceKind.RESOURCE,
}


OBSERVED_KEY = "dev.keepgate/observed"
"""Member of `_meta` of an item that policy would hide, and that observe mode shows."""


@dataclass(slots=True)
class Left:
    """How many items were left out, and how many observe mode left in."""

    hidden: int
    observed: int
    refused: int
    """Not policy: for what they say of themselves."""
    origins: list[tuple[str, str]]
    """Of those that are left: server and name there."""


class Visibility(Protocol):
    """The part of the policy engine that says what exists for whom."""

    @property
    def observing(self) -> bool: ...
    def visible(self, principal: Principal, resource: Resource) -> bool: ...
    def observed(self, principal: Principal, resource: Resource) -> bool: ...


def has_apps(view: View) -> bool:
    """Whether any tool names the resource that renders it."""
    return any(
        uris.mentioned("tools/list", {"result": {"tools": backend.shelf.known("tools/list")}})
        for backend in view.backends.values()
    )


class Listing:
    """Answers the four list methods."""

    def __init__(
        self,
        enforcer: Enforcer,
        policy: Callable[[], Visibility],
        identity: Identity,
        cursors: Sealer,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._enforcer = enforcer
        self._policy = policy
        self._identity = identity
        self._cursors = cursors
        self._clock = clock

    async def serve(self, message: Message, caller: Caller, view: View) -> dict[str, Any]:
        """The reply body for a list request. Never raises but for cancellation."""
        trace = new_trace()
        asked = caller.sends(message)
        try:
            verdict, seq = self._enforcer.judge(asked, trace)
            await self._enforcer.settled(seq)
            if verdict.effect >= Effect.ASK:
                return replies.denied(message, caller, verdict, trace)
            offset = self._offset(message, caller)
            method = message.method
            offering = view.offering(method)
            meters, principal = self._enforcer.meters, caller.principal.id
            meters.enter(principal)
            try:
                failures = await view.load(
                    method, offering, fresh=offset == 0, meta=message.params.get("_meta")
                )
            finally:
                meters.leave(principal)
            for server, failure in failures.items():
                self._enforcer.note(
                    "upstream.failed",
                    failure.public,
                    private=failure.private,
                    principal=caller.principal.id,
                    server=server,
                )
            if offering and len(failures) == len(offering) and view.single:
                ((server, failure),) = failures.items()
                return replies.unavailable(message, caller, failure, server, trace)
            if method == "tools/list" and len(view.backends) > 1 and has_apps(view):
                await view.know_uris()
            items, left = self._visible(method, caller, view)
            body = jsonrpc.result(message.id, self._page(method, items, offset, caller, view))
            left.origins = left.origins[offset : offset + PAGE]
            return await self._record(message, caller, body, left, trace)
        except AuditError:
            return replies.undecided(message, caller, trace)
        except RemoteError as error:
            return jsonrpc.error(message.id, error.rpc_code, error.public)

    async def _record(
        self, message: Message, caller: Caller, body: dict[str, Any], left: Left, trace: str
    ) -> dict[str, Any]:
        """The merged list is our own message: recorded as a reply, REDACT if anything was left out."""
        body, verdict, refused = inspected_list(
            self._enforcer, caller, body, LISTS[message.method], left.origins
        )
        refused += left.refused
        if left.observed:
            reason = f"{left.observed} items are shown by observe mode only"
            verdict = join(Verdict(Effect.ALLOW, reason, "listing", observed=Effect.DENY), verdict)
        if left.hidden:
            reason = f"{left.hidden} items not visible to this principal"
            verdict = join(Verdict(Effect.REDACT, reason, "listing"), verdict)
        if refused:
            reason = f"{refused} items refused for their content"
            verdict = join(Verdict(Effect.REDACT, reason, "listing"), verdict)
        exchange = caller.gets(Message(Kind.RESULT, body))
        seq = self._enforcer.record(exchange, verdict, trace, name=message.method)
        await self._enforcer.settled(seq)
        return body if verdict.effect < Effect.ASK else replies.denied(message, caller, verdict, trace)

    def _visible(self, method: str, caller: Caller, view: View) -> tuple[list[dict[str, Any]], Left]:
        policy, kind, key = self._policy(), _KIND[method], KEY[method]
        held = self._enforcer.rules.held
        shown: list[dict[str, Any]] = []
        origins: list[tuple[str, str]] = []
        hidden = observed = refused = 0
        for server, backend in view.backends.items():
            rewrite = view.to_client_uri(server, caller.principal.id)
            for item in backend.shelf.known(method):
                name = view.given_name(method, server, item[key])
                if held.tool(server, item[key]) or backend.shelf.withheld(method, item[key]):
                    hidden += 1
                    continue
                if backend.shelf.refused(method, item[key]):
                    refused += name is not None and policy.visible(
                        caller.principal, Resource(kind, server, item[key])
                    )
                    continue
                if name is None or not policy.visible(caller.principal, Resource(kind, server, item[key])):
                    hidden += 1
                    continue
                if (
                    kind is ResourceKind.TOOL
                    and caller.era is Era.STATELESS
                    and backend.shelf.tokens(item[key]) is None
                ):
                    hidden += 1  # an invalid x-mcp-header annotation: the specification has the tool dropped
                    continue
                shown.append(self._renamed(method, item, name, view, rewrite))
                origins.append((server, item[key]))
                if policy.observing and policy.observed(caller.principal, Resource(kind, server, item[key])):
                    observed += 1
                    shown[-1]["_meta"] = {**shown[-1].get("_meta", {}), OBSERVED_KEY: True}
        return shown, Left(hidden, observed, refused, origins)

    def _renamed(
        self, method: str, item: dict[str, Any], name: str, view: View, rewrite: uris.Rewrite
    ) -> dict[str, Any]:
        out = {**item, KEY[method]: name}
        if method == "tools/list" and len(view.backends) > 1 and "_meta" in item:
            out["_meta"] = copy.deepcopy(item["_meta"])
            uris.rewrite_result(method, {"tools": [out]}, rewrite)
        return out

    def _page(
        self, method: str, items: list[dict[str, Any]], offset: int, caller: Caller, view: View
    ) -> dict[str, Any]:
        page: dict[str, Any] = {LISTS[method]: items[offset : offset + PAGE]}
        if len(view.backends) == 1:
            (backend,) = view.backends.values()
            page = {**backend.shelf.extras(method), **page}
        if caller.era is Era.STATELESS:
            page = self._stateless(method, page, view)
        if len(items) > offset + PAGE:
            page["nextCursor"] = self._cursors.seal(
                offset + PAGE,
                bound_to=self._bound(method, caller),
                expires=int(self._clock()) + CURSOR_SECONDS,
                nonce=os.urandom(12),
            )
        return page

    def _stateless(self, method: str, page: dict[str, Any], view: View) -> dict[str, Any]:
        """Filtered per principal, so always private; cacheable for as long as every part is."""
        times = [backend.shelf.remaining(method) for backend in view.offering(method)]
        page = bridge.result_to_stateless(method, page, {})
        page["cacheScope"] = "private"
        page["ttlMs"] = max(min(times, default=0), 0)
        if view.single:
            return page
        return with_meta(page, **{SERVER_INFO_KEY: self._identity.info})

    def _bound(self, method: str, caller: Caller) -> bytes:
        return jsonrpc.encode(["cursor", method, caller.principal.id])

    def _offset(self, message: Message, caller: Caller) -> int:
        if "cursor" not in message.params:
            return 0
        bound = self._bound(message.method, caller)
        offset = self._cursors.unseal(message.params["cursor"], bound_to=bound, now=int(self._clock()))
        return offset if type(offset) is int and offset >= 0 else 0
