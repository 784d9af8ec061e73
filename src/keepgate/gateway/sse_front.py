"""The HTTP+SSE transport of 2024-11-05: a GET stream that first names where to POST, and carries every answer."""

from __future__ import annotations

from urllib.parse import parse_qs

from keepgate.gateway.pipe_front import PipeFront
from keepgate.gateway.services import Services
from keepgate.gateway.session import Session
from keepgate.gateway.sessions import Sessions
from keepgate.model.access import Principal
from keepgate.model.errors import RemoteError
from keepgate.ports import EventStream, HttpRequest, Responder


class SseFront:
    """All HTTP+SSE clients of one process."""

    def __init__(self, services: Services, sessions: Sessions) -> None:
        self._services = services
        self._sessions = sessions
        self._fronts: dict[str, PipeFront] = {}

    def open(
        self, request: HttpRequest, responder: Responder, principal: Principal, mount: str | None
    ) -> None:
        """Open the stream and name the POST URI. The session ends with the stream. Raises RemoteError."""
        session = self._sessions.new(principal, mount)
        stream = responder.start_stream({})
        front = PipeFront(session, None, principal, mount, lambda data: stream.send(data, event="message"))
        self._fronts[session.id] = front
        self._sessions.when_ended(session, lambda: self._ended(session, stream))
        responder.on_disconnect(lambda: self._sessions.end_later(session))
        base = f"/mcp/{mount}" if mount is not None else ""
        stream.send(f"{base}/messages?session_id={session.id}".encode(), event="endpoint")

    def _ended(self, session: Session, stream: EventStream) -> None:
        self._fronts.pop(session.id, None)
        stream.close()

    def post(
        self, request: HttpRequest, responder: Responder, principal: Principal, mount: str | None
    ) -> None:
        """One message of a client; the answer comes on its stream. Raises RemoteError."""
        wanted = parse_qs(request.query, max_num_fields=4).get("session_id", [""])
        session = self._sessions.find(wanted[0], principal, mount)
        front = self._fronts.get(session.id)
        if front is None:
            raise RemoteError("session", "no such session", status=404)
        front.receive(request.body)
        responder.respond(202, {}, b"")
