"""The MCP endpoint over HTTP: every revision on one path, by era (wire.md sections 1, 2 and 3).

POST with a 2026-07-28 header or envelope is stateless; any other POST belongs to a handshake session, or opens one.
GET is the handshake era's standing stream, or the old HTTP+SSE transport for clients that know nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from math import ceil
from typing import Any

from keepgate.gateway.access import Gatekeeper
from keepgate.gateway.background import Background
from keepgate.gateway.fastlane import FastLane
from keepgate.gateway.inflight import InFlight
from keepgate.gateway.outlets import HandshakeOutlet, StatelessOutlet, rpc_headers
from keepgate.gateway.services import Services
from keepgate.gateway.sessions import Sessions
from keepgate.gateway.sse_front import SseFront
from keepgate.gateway.stateless import Stateless
from keepgate.model.access import Principal
from keepgate.model.errors import AuditError, AuthenticationError, RemoteError
from keepgate.model.message import Kind, Message
from keepgate.ports import HttpRequest, Responder
from keepgate.protocol import http, jsonrpc
from keepgate.protocol.envelope import has_envelope
from keepgate.protocol.eras import HANDSHAKE_REVISIONS, R2025_03, STATELESS_REVISIONS, TABLE, may_batch

JSON_TYPE = "application/json"
STREAM_TYPE = "text/event-stream"
_UNKNOWN: Any = object()
_NAMING = frozenset(row.method for row in TABLE if row.action is not None)
"""Requests that name a thing, and are decided on by what it is."""

_NOTHING_RUNS = InFlight()
"""That a notification over HTTP could cancel: a stateless client hangs up instead."""
_UNRECORDED = RemoteError("undecided", "keepgate cannot record", rpc_code=jsonrpc.UNDECIDED, status=503)
_FAILED = RemoteError(
    "internal", "keepgate failed on this request", rpc_code=jsonrpc.INTERNAL_ERROR, status=500
)


def split_path(path: str) -> tuple[str | None, str] | None:
    """Mount (None for all servers) and tail (``, `sse`, `messages`) of a path of ours, or None."""
    parts = path.strip("/").split("/")
    if parts in (["sse"], ["messages"]):
        return None, parts[0]
    if parts[0] != "mcp" or len(parts) > 3 or "" in parts:
        return None
    if len(parts) == 1:
        return None, ""
    if len(parts) == 2:
        return parts[1], ""
    return (parts[1], parts[2]) if parts[2] in ("sse", "messages") else None


class HttpFront:
    """ports.HttpEndpoint of the gateway."""

    def __init__(
        self, services: Services, gatekeeper: Gatekeeper, sessions: Sessions, stateless: Stateless
    ) -> None:
        self.services = services
        self.gatekeeper = gatekeeper
        self.sessions = sessions
        self.stateless = stateless
        self.lane = FastLane(services, stateless)
        self.old = SseFront(services, sessions)
        self._tasks = Background()

    def is_fast(self, path: str) -> bool:
        """Whether a path is ours."""
        return split_path(path) is not None

    def handle(self, request: HttpRequest, responder: Responder) -> None:
        """Answer one request. Never raises."""
        try:
            principal = self.gatekeeper.authenticate(request)
            if principal is None:
                task = self._tasks.spawn(self._ask(request, responder))
                responder.on_disconnect(lambda: (task.cancel(), None)[1])
            else:
                self._handle(request, responder, principal)
        except RemoteError as error:
            refuse(responder, error)
        except AuditError:
            refuse(responder, _UNRECORDED)

    async def _ask(self, request: HttpRequest, responder: Responder) -> None:
        """The issuer of the token has to be asked first."""
        try:
            self._handle(request, responder, await self.gatekeeper.ask(request))
        except RemoteError as error:
            refuse(responder, error)
        except AuditError:
            refuse(responder, _UNRECORDED)
        except Exception as error:  # noqa: BLE001 - the client must not wait for ever
            self.services.enforcer.mishap(error, "")
            refuse(responder, _FAILED)

    def _handle(self, request: HttpRequest, responder: Responder, principal: Principal) -> None:
        place = request.notes.get("place", _UNKNOWN)
        if place is _UNKNOWN:
            place = request.notes["place"] = split_path(request.path)
        if place is None or (place[0] and not self.services.visible_to(principal, place[0])):
            responder.respond(404, {}, b"")
            return
        mount, tail = place
        if tail:
            self.gatekeeper.check_scopes(principal)
        if tail == "sse" and request.method == "GET":
            self.old.open(request, responder, principal, mount)
        elif tail == "messages" and request.method == "POST":
            check_media_types(request.headers)
            self.old.post(request, responder, principal, mount)
        elif tail:
            responder.respond(405, {"Allow": "GET" if tail == "sse" else "POST"}, b"")
        elif request.method == "POST":
            self._post(request, responder, principal, mount)
        elif request.method == "GET":
            self._get(request, responder, principal, mount)
        elif request.method == "DELETE":
            self._delete(request, responder, principal, mount)
        else:
            responder.respond(405, {"Allow": "GET, POST, DELETE"}, b"")

    # POST

    def _post(
        self, request: HttpRequest, responder: Responder, principal: Principal, mount: str | None
    ) -> None:
        if "media" not in request.notes:
            check_media_types(request.headers)
            request.notes["media"] = True
        version = request.headers.get(http.VERSION_HEADER)
        limits = self.services.limits.json
        try:
            if version not in STATELESS_REVISIONS and request.body.lstrip()[:1] == b"[":
                self._batch(request, responder, principal, mount)
                return
            message = jsonrpc.decode(request.body, limits)
        except RemoteError as error:
            self.services.enforcer.event("message.refused", error.public, principal=principal.id)
            respond_rpc(
                responder,
                error.status,
                jsonrpc.error(jsonrpc.peek_id(request.body[:65536]), error.rpc_code, error.public),
            )
            return
        if message.method not in _NAMING:  # for those that name a thing, all that it needs is told at once
            self.gatekeeper.check_scopes(principal)
        if version in STATELESS_REVISIONS or has_envelope(message):
            self._stateless(message, request, responder, principal, mount)
        else:
            self._handshake(message, request, responder, principal, mount)

    def _stateless(
        self,
        message: Message,
        request: HttpRequest,
        responder: Responder,
        principal: Principal,
        mount: str | None,
    ) -> None:
        if message.is_reply:
            raise RemoteError("response", "this protocol revision has no responses from clients")
        if message.kind is Kind.NOTIFICATION:
            http.check_agreement(message, request.headers)
            self.stateless.notification(message, principal, _NOTHING_RUNS)
            responder.respond(202, {}, b"")
            return
        if self.lane.take(message, request, responder, principal, mount):
            return
        outlet = StatelessOutlet(responder)
        task = self._tasks.spawn(self.stateless.request(message, principal, mount, request.headers, outlet))
        responder.on_disconnect(lambda: (task.cancel(), None)[1])

    def _handshake(
        self,
        message: Message,
        request: HttpRequest,
        responder: Responder,
        principal: Principal,
        mount: str | None,
    ) -> None:
        headers = request.headers
        if message.method == "initialize" and message.kind is Kind.REQUEST:
            if http.SESSION_HEADER in headers:
                raise RemoteError("initialized", "`initialize` opens a session, it cannot be sent within one")
            _ = self._tasks.spawn(self._initialize(message, responder, principal, mount))
            return
        check_version(headers.get(http.VERSION_HEADER))
        session = self.sessions.find(headers.get(http.SESSION_HEADER), principal, mount)
        if message.kind is Kind.REQUEST:
            accept = headers.get("accept", "*/*")
            outlet = HandshakeOutlet(responder, session, streams=STREAM_TYPE in accept or "*/*" in accept)
            if self.lane.take_within(session, message, outlet):
                return
            _ = self._tasks.spawn(self._run(session.request(message, outlet, session.caller), outlet))
        else:
            if message.is_reply:
                session.response(message)
            else:
                session.notification(message)
            responder.respond(202, {}, b"")

    async def _run(self, work: Any, outlet: HandshakeOutlet) -> None:
        try:
            await work
        except asyncio.CancelledError:
            outlet.abandon()

    async def _initialize(
        self, message: Message, responder: Responder, principal: Principal, mount: str | None
    ) -> None:
        try:
            session = self.sessions.new(principal, mount)
        except RemoteError as error:
            refuse(responder, error)
            return
        body = await session.initialize(message)
        if "error" in body:
            await self.sessions.end(session)
            respond_rpc(responder, 200, body)
            return
        responder.respond(200, {**rpc_headers(), "Mcp-Session-Id": session.id}, jsonrpc.encode(body))

    def _batch(
        self, request: HttpRequest, responder: Responder, principal: Principal, mount: str | None
    ) -> None:
        """2025-03-26 only: several messages in one POST, several replies in one array or stream."""
        self.gatekeeper.check_scopes(principal)
        session = None
        if request.headers.get(http.VERSION_HEADER, R2025_03) == R2025_03:
            session = self.sessions.find(request.headers.get(http.SESSION_HEADER), principal, mount)
        if session is None or not may_batch(session.caller.revision):
            raise RemoteError("invalid-request", "a batch is not allowed in this protocol revision")
        messages = jsonrpc.decode_batch(request.body, self.services.limits.json)
        for message in messages:
            if message.is_reply:
                session.response(message)
            elif message.kind is Kind.NOTIFICATION:
                session.notification(message)
        requests = [message for message in messages if message.kind is Kind.REQUEST]
        if not requests:
            responder.respond(202, {}, b"")
            return
        outlet = HandshakeOutlet(responder, session, streams=True, batch=len(requests))
        for message in requests:
            _ = self._tasks.spawn(self._run(session.request(message, outlet, session.caller), outlet))

    # GET and DELETE

    def _get(
        self, request: HttpRequest, responder: Responder, principal: Principal, mount: str | None
    ) -> None:
        headers = request.headers
        self.gatekeeper.check_scopes(principal)
        if headers.get(http.VERSION_HEADER) in STATELESS_REVISIONS:
            responder.respond(405, {"Allow": "POST"}, b"")
            return
        if STREAM_TYPE not in headers.get("accept", ""):
            raise RemoteError("accept", "`Accept` must list `text/event-stream`", status=406)
        if http.SESSION_HEADER not in headers and http.VERSION_HEADER not in headers:
            self.old.open(request, responder, principal, mount)
            return
        check_version(headers.get(http.VERSION_HEADER))
        session = self.sessions.find(headers.get(http.SESSION_HEADER), principal, mount)
        last = headers.get("last-event-id")
        if last is None:
            session.standing.attach(responder.start_stream({"Mcp-Session-Id": session.id}))
            return
        found = session.streams.find(last)
        if found is None:
            raise RemoteError("event-id", "this event id does not belong to this session", status=404)
        stream, number = found
        stream.attach(responder.start_stream({"Mcp-Session-Id": session.id}), after=number)

    def _delete(
        self, request: HttpRequest, responder: Responder, principal: Principal, mount: str | None
    ) -> None:
        if request.headers.get(http.VERSION_HEADER) in STATELESS_REVISIONS:
            responder.respond(405, {"Allow": "POST"}, b"")
            return
        self.gatekeeper.check_scopes(principal)
        session = self.sessions.find(request.headers.get(http.SESSION_HEADER), principal, mount)
        self.sessions.forget(session)
        _ = self._tasks.spawn(self.sessions.end(session))
        responder.respond(200, {}, b"")

    async def drain(self, seconds: float) -> None:
        """Wait for running requests to finish, then cancel what is left."""
        await asyncio.gather(self._tasks.drain(seconds), self.lane.drain(seconds))


def respond_rpc(responder: Responder, status: int, body: dict[str, Any]) -> None:
    """Answer with one JSON-RPC message."""
    responder.respond(status, rpc_headers(), jsonrpc.encode(body))


def refuse(responder: Responder, error: RemoteError) -> None:
    """Answer an error that belongs to no parsed request."""
    headers = dict(rpc_headers())
    if isinstance(error, AuthenticationError):
        headers |= {"WWW-Authenticate": error.challenge, **dict(error.headers)}
    data = None
    if error.retry_after is not None:
        headers["Retry-After"] = str(ceil(error.retry_after))
        data = {"retryAfter": error.retry_after}
    responder.respond(
        error.status, headers, jsonrpc.encode(jsonrpc.error(None, error.rpc_code, error.public, data))
    )


def check_media_types(headers: Mapping[str, str]) -> None:
    """`Content-Type` must be exactly JSON, `Accept` must admit it. Raises RemoteError (415, 406)."""
    media, _, parameters = headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower()
    if media.strip().lower() != JSON_TYPE or (charset and charset.replace('"', "") != "charset=utf-8"):
        raise RemoteError("media-type", "`Content-Type` must be `application/json`", status=415)
    accept = headers.get("accept", "*/*")
    if JSON_TYPE not in accept and "*/*" not in accept and "application/*" not in accept:
        raise RemoteError(
            "accept", "`Accept` must list `application/json` and `text/event-stream`", status=406
        )


def check_version(version: str | None) -> None:
    """Handshake era: an absent version header is 2025-03-26 or older, an unknown one is refused."""
    if version is not None and version not in HANDSHAKE_REVISIONS:
        raise RemoteError(
            "version", f"unsupported `MCP-Protocol-Version`, use one of {', '.join(HANDSHAKE_REVISIONS)}"
        )
