"""What every request to the admin API goes through, whatever it asks for. In this order, and no route can skip one:

1. it came by a name under which the face is served, and not through somebody else's page;
2. it says who asks (401), unless the route is part of logging in;
3. who asks may do this (403), with a second factor where the route demands one;
4. what is asked is of the declared shape (400);
5. it is on record;
6. only then it is done, and how it went is on record as well.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import parse_qsl

import orjson
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.routing import Route as WebRoute

from keepgate.admin.access import Identity
from keepgate.admin.openapi import document
from keepgate.admin.place import HEADERS, Place
from keepgate.admin.problem import Problem, ProblemError, not_found
from keepgate.admin.route import OPEN, Route, arguments
from keepgate.model.errors import AuditError, KeepgateError, RemoteError
from keepgate.protocol import jsonrpc
from keepgate.protocol.jsonrpc import JsonLimits

if TYPE_CHECKING:
    from starlette.routing import BaseRoute
    from starlette.types import Receive, Scope, Send

ROOT: Final = "/admin/api/v1"
LIMITS: Final = JsonLimits(size=64 << 10, depth=16, members=2000)
MAX_QUERY: Final = 8 << 10
RATE, BURST = 50.0, 200.0
"""Requests a second of one administrator."""
FAILURES, FAILURES_BURST = 1.0, 20.0
"""Refused credentials a second from one address; each is recorded, and beyond it no more are looked at."""
OPENING, OPENING_BURST = 2.0, 60.0
"""Requests a second from one address to routes of logging in."""
WAITING: Final = 64
"""Requests being worked on; beyond it they are refused."""

_PROBLEM: Final = TypeAdapter(Problem)
log = logging.getLogger("keepgate")


class Door(Protocol):
    """Who asks."""

    async def admit(self, request: Request) -> Identity:
        """Raises ProblemError (401)."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the log about the admin face."""

    method: str
    """admin.call, admin.done, admin.refused"""
    trace: str
    operation: str
    who: str
    allowed: bool
    reason: str
    payload: bytes = b""
    private: str = ""


class Journal(Protocol):
    """The audit log as the admin face writes it."""

    def trace(self) -> str:
        """A new decision id."""

    async def write(self, event: Event) -> None:
        """Returns when the record is as durable as configured. Raises AuditError."""


class Throttle(Protocol):
    """Counts what somebody does."""

    def __call__(self, who: str, *, rate: float, burst: float) -> float:
        """Seconds to wait; 0 if it may be done now."""


@dataclass(slots=True)
class Call:
    """A request as a route may want to see it, and what it may add to the answer and the record."""

    request: Request
    identity: Identity | None
    origin: str
    """Of the face's own pages."""
    who: str = ""
    """For routes of logging in: who it turned out to be."""
    headers: list[tuple[str, str]] = field(default_factory=list)

    def add_header(self, name: str, value: str) -> None:
        """To the answer, if it is a success."""
        self.headers.append((name, value))


class Face:
    """The API: its routes in front of what `desk` offers, by type."""

    def __init__(  # noqa: PLR0913 - the parts of the face
        self,
        routes: Sequence[Route],
        desk: Mapping[type, Any],
        door: Door,
        journal: Journal,
        throttle: Throttle,
        place: Place,
        *,
        version: str,
    ) -> None:
        self.routes = tuple(routes)
        self._wants = {route.name: arguments(route, desk) for route in routes}
        self._door = door
        self._journal = journal
        self._throttle = throttle
        self._place = place
        self._waiting = 0
        self.document = document(routes, ROOT, version)

    def web(self) -> list[BaseRoute]:
        """For the web application beside the endpoint."""
        paths: dict[str, dict[str, Route]] = {}
        for route in self.routes:
            paths.setdefault(route.path, {})[route.method] = route
        web = [WebRoute(path, _Endpoint(self, by_method)) for path, by_method in paths.items()]
        rest = _Endpoint(self, {})
        return [WebRoute(ROOT, rest), Mount(ROOT, routes=[*web, WebRoute("/{rest:path}", rest)])]

    async def answer(self, by_method: Mapping[str, Route], request: Request) -> Response:
        if self._waiting >= WAITING:
            return answer_problem(ProblemError(503, "busy", "too many requests at once: try again"))
        self._waiting += 1
        try:
            return await self._serve(by_method, request)
        except ProblemError as error:
            return answer_problem(error, by_method)
        except AuditError:
            return answer_problem(ProblemError(503, "unrecorded", "keepgate cannot record: nothing is done"))
        except Exception:
            log.exception("the admin API failed on a request")
            return answer_problem(ProblemError(500, "internal", "keepgate failed on this request"))
        finally:
            self._waiting -= 1

    async def _serve(self, by_method: Mapping[str, Route], request: Request) -> Response:
        self._place.check(request)
        route = by_method.get("GET" if request.method == "HEAD" else request.method)
        event = Event("admin.call", self._journal.trace(), route.name if route else "", "", True, "")  # noqa: FBT003
        if route is not None and route.permission == OPEN:
            self._slow_down(request)
            return await self._run(route, Call(request, None, self._place.origin(request)), event)
        who = await self._admit(request, event)
        event = replace(event, who=who.principal)
        if wait := self._throttle(who.principal, rate=RATE, burst=BURST):
            raise ProblemError(429, "rate", "too many requests", retry_after=wait)
        try:
            if route is None:
                raise (
                    ProblemError(405, "method", "this cannot be done here")
                    if by_method
                    else not_found("route")
                )
            authorize(route, who)
        except ProblemError as error:
            what = event.operation or f"{request.method} {request.url.path}"[:200]
            await self._journal.write(
                replace(event, method="admin.refused", operation=what, allowed=False, reason=error.public)
            )
            raise
        return await self._run(route, Call(request, who, self._place.origin(request)), event)

    def _slow_down(self, request: Request) -> None:
        """What nobody has to log in for is on record as well: the log must not grow as fast as anybody likes."""
        peer = request.client.host if request.client else ""
        if wait := self._throttle(f"admin-open:{peer}", rate=OPENING, burst=OPENING_BURST):
            raise ProblemError(429, "rate", "too many attempts", retry_after=wait)

    async def _admit(self, request: Request, event: Event) -> Identity:
        try:
            return await self._door.admit(request)
        except ProblemError as error:
            await self.failed(request, error, event)
            raise

    async def failed(self, request: Request, error: ProblemError, event: Event) -> None:
        """Record a refused credential and count it against its address. Raises ProblemError (429)."""
        peer = request.client.host if request.client else ""
        wait = self._throttle(f"admin-peer:{peer}", rate=FAILURES, burst=FAILURES_BURST)
        if wait:
            raise ProblemError(429, "rate", "too many failed attempts", retry_after=wait) from error
        reason = f"{error.public}, from {peer}"
        await self._journal.write(
            replace(event, method="admin.refused", allowed=False, reason=reason, private=error.private)
        )

    async def _run(self, route: Route, call: Call, event: Event) -> Response:
        """Validate, record, do, record."""
        try:
            given, payload = await self._read(route, call)
        except ProblemError as error:
            await self._journal.write(replace(event, allowed=False, reason=f"{error.status} {error.public}"))
            raise
        await self._journal.write(replace(event, payload=payload))
        done = replace(event, method="admin.done")
        try:
            result = await route.handler(**self._wants[route.name], **given)
        except Exception as error:
            problem = as_problem(error)
            await self._journal.write(
                replace(
                    done,
                    allowed=False,
                    reason=f"{problem.status} {problem.code}",
                    private=str(error)[:500],
                )
            )
            raise problem from error
        await self._journal.write(replace(done, who=done.who or call.who, reason=str(route.status)))
        return answer(route, result, call.headers)

    async def _read(self, route: Route, call: Call) -> tuple[dict[str, Any], bytes]:
        """The handler's arguments and what is recorded of them. Raises ProblemError (400, 404, 413, 415)."""
        request = call.request
        given: dict[str, Any] = {}
        for part in route.parts:
            given[part] = _part(route, part, request.path_params[part])
        query = request.url.query
        wants_query = route.adapter("query")
        if wants_query is not None:
            given["query"] = _query(wants_query, query)
        elif query:
            raise ProblemError(400, "query", "this route takes no query")
        wants_body = route.adapter("body")
        raw = await request.body()
        if wants_body is not None:
            given["body"] = _body(wants_body, raw, request.headers.get("content-type", ""))
        elif raw:
            raise ProblemError(400, "body", "this route takes no body")
        said = {key: value for key, value in given.items() if value is not None}
        payload = b"" if route.private or not said else orjson.dumps(said, default=str)
        if "who" in route.takes:
            given["who"] = call.identity
        if "call" in route.takes:
            given["call"] = call
        return given, payload


class _Endpoint:
    """What is at a path, whatever the method: an undeclared one is refused after authentication, as all else is."""

    def __init__(self, face: Face, by_method: Mapping[str, Route]) -> None:
        self._face = face
        self._by_method = by_method

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._face.answer(self._by_method, Request(scope, receive))
        await response(scope, receive, send)


def authorize(route: Route, who: Identity) -> None:
    """Raises ProblemError (403) unless the roles of `who` allow the route, with what was shown to log in."""
    if route.permission not in who.permissions:
        raise ProblemError(403, "role", f"this needs the permission `{route.permission}`")
    if route.demands_second_factor and not who.second_factor:
        raise ProblemError(403, "second-factor", "this needs a login with a second factor")


def as_problem(error: Exception) -> ProblemError:
    """What is told of a failure: no more than what was meant to be told."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, AuditError):
        raise error
    if isinstance(error, KeepgateError) and not isinstance(error, RemoteError):
        return ProblemError(409, error.code, error.public, error.private)
    log.error("the admin API failed on a request", exc_info=error)
    return ProblemError(500, "internal", "keepgate failed on this request", repr(error))


def answer(route: Route, result: Any, more: Sequence[tuple[str, str]] = ()) -> Response:
    """A success."""
    if isinstance(result, Response):
        response = result
    elif route.answer is None:
        response = Response(status_code=204)
    else:
        response = Response(route.answer.dump_json(result), route.status, media_type="application/json")
    response.headers.update(HEADERS)
    for name, value in more:
        response.headers.append(name, value)
    return response


def answer_problem(error: ProblemError, by_method: Mapping[str, Route] | None = None) -> Response:
    """A problem."""
    headers = dict(HEADERS)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if error.status == 405:
        headers["Allow"] = ", ".join(sorted(by_method or ()))
    if error.retry_after:
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    return Response(_PROBLEM.dump_json(error.problem), error.status, headers, "application/problem+json")


def _part(route: Route, part: str, value: str) -> Any:
    adapter = route.adapter(part)
    assert adapter is not None  # the route was made, so its handler takes it
    try:
        return adapter.validate_strings(value)
    except ValidationError:
        raise not_found(part) from None  # nothing can be called so


def _query(adapter: TypeAdapter[Any], query: str) -> Any:
    if len(query) > MAX_QUERY:
        raise ProblemError(400, "query", "the query is too long")
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, strict_parsing=bool(query), errors="strict", max_num_fields=64
        )
    except ValueError:
        raise ProblemError(400, "query", "the query is malformed") from None
    several = _several(adapter)
    given: dict[str, Any] = {}
    for name, value in pairs:
        if name in several:
            given[name] = (*given.get(name, ()), value)
        elif name in given:
            raise ProblemError(400, "query", f"`{name[:40]}` is given twice")
        else:
            given[name] = value
    try:
        return adapter.validate_python(given)
    except ValidationError as error:
        raise ProblemError(400, "query", _said(error)) from None


def _several(adapter: TypeAdapter[Any]) -> set[str]:
    properties = adapter.json_schema().get("properties", {})
    return {name for name, schema in properties.items() if schema.get("type") == "array"}


def _body(adapter: TypeAdapter[Any], raw: bytes, media: str) -> Any:
    if media.partition(";")[0].strip().lower() != "application/json":
        raise ProblemError(415, "media-type", "`Content-Type` must be `application/json`")
    if len(raw) > LIMITS.size:
        raise ProblemError(413, "too-large", f"the body is larger than {LIMITS.size} bytes")
    try:
        value = jsonrpc.parse(raw, LIMITS)
    except RemoteError as error:
        raise ProblemError(400, "json", error.public) from None
    try:
        return adapter.validate_json(orjson.dumps(value), strict=True)
    except ValidationError as error:
        raise ProblemError(400, "body", _said(error)) from None


def _said(error: ValidationError) -> str:
    """Where and what, never the value: it may be a secret."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])[:80]
    what = "is not known here" if first["type"] == "unexpected_keyword_argument" else first["msg"].lower()
    return f"`{where}`: {what}" if where else what
