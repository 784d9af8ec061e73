"""Where answers go over HTTP: one JSON body where that suffices, an event stream as soon as more is to be said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from keepgate.gateway.caller import Caller
from keepgate.gateway.replies import Challenge
from keepgate.gateway.streams import ResumableStream, StreamTable
from keepgate.ports import EventStream, Responder
from keepgate.protocol import jsonrpc
from keepgate.protocol.eras import may_prime
from keepgate.protocol.http import STATUS


class Resumer(Protocol):
    """The part of a session that keeps its streams."""

    @property
    def id(self) -> str: ...
    @property
    def caller(self) -> Caller: ...
    @property
    def streams(self) -> StreamTable: ...


_RPC_HEADERS = {"Content-Type": "application/json"}
_PLAIN = len(("jsonrpc", "id", "result"))


def rpc_headers() -> dict[str, str]:
    """Headers of a JSON-RPC body."""
    return _RPC_HEADERS


@dataclass(slots=True)
class Push:
    """The outlet for what belongs to no call: the GET stream, or the pipe."""

    send: Callable[[dict[str, Any]], bool]

    def opened(self, *, streaming: bool) -> None: ...

    def message(self, body: dict[str, Any]) -> bool:
        """Send it."""
        return self.send(body)

    def interrupted(self, retry_ms: int) -> None: ...

    def reply(self, body: dict[str, Any], result: bytes | None = None) -> None: ...

    def abandon(self) -> None: ...


def challenging(body: Challenge) -> tuple[int, dict[str, str]]:
    """Status and headers of a reply that asks for another login."""
    return body.refusal.status, {**rpc_headers(), "WWW-Authenticate": body.refusal.challenge}


def encoded(body: dict[str, Any], result: bytes | None) -> bytes:
    """The reply as it is sent. `result` is the body's result, if it is encoded already."""
    if result is not None and len(body) == _PLAIN:
        return jsonrpc.encode_result(body["id"], result)
    return jsonrpc.encode(body)


class StatelessOutlet:
    """The answer to a stateless POST: status by error code, or a stream that ends with the reply."""

    __slots__ = ("_responder", "_stream")

    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        self._stream: EventStream | None = None

    def opened(self, *, streaming: bool) -> None:
        """The form of our answer follows from what we send, not from the server's."""

    def interrupted(self, retry_ms: int) -> None:
        """The stateless era has no resumption."""

    def abandon(self) -> None:
        """A client of this era cancels by going away."""

    def message(self, body: dict[str, Any]) -> bool:
        """Send a notification ahead of the reply."""
        if self._stream is None:
            self._stream = self._responder.start_stream({})
        return self._stream.send(jsonrpc.encode(body))

    def reply(self, body: dict[str, Any], result: bytes | None = None) -> None:
        """Send the reply and end."""
        payload = encoded(body, result)
        if self._stream is not None:
            self._stream.send(payload)
            self._stream.close()
            return
        status = STATUS.get(body["error"]["code"], 200) if "error" in body else 200
        if type(body) is Challenge:
            self._responder.respond(*challenging(body), payload)
        else:
            self._responder.respond(status, _RPC_HEADERS, payload)


class HandshakeOutlet:
    """The answer to a handshake POST. A stream, once begun, is resumable and outlives its connection."""

    __slots__ = ("_answered", "_left", "_replies", "_responder", "_session", "_stream", "_streams")

    def __init__(self, responder: Responder, session: Resumer, *, streams: bool, batch: int = 0) -> None:
        self._responder = responder
        self._session = session
        self._streams = streams
        self._stream: ResumableStream | None = None
        self._left = max(batch, 1)
        self._replies: list[dict[str, Any]] | None = [] if batch else None
        self._answered = False

    def _begin(self) -> ResumableStream:
        if self._stream is None:
            self._stream = self._session.streams.new()
            self._stream.attach(self._responder.start_stream({"Mcp-Session-Id": self._session.id}))
            if may_prime(self._session.caller.revision):
                self._stream.prime()
        return self._stream

    def opened(self, *, streaming: bool) -> None:
        """The server answers with a stream, so do we: the client sees the same kind of answer as without us."""
        if streaming and self._streams and not self._answered:
            self._begin()

    def message(self, body: dict[str, Any]) -> bool:
        """Send a notification or a server-initiated request ahead of the reply."""
        if not self._streams or self._answered:
            return False
        self._begin().send(body)
        return True

    def interrupted(self, retry_ms: int) -> None:
        """The server ended its stream on purpose: 2025-11-25 clients come back to ours, older ones keep it."""
        if self._stream is not None and may_prime(self._session.caller.revision):
            self._stream.detach(retry_ms)

    def reply(self, body: dict[str, Any], result: bytes | None = None) -> None:
        """Send the reply; end when it is the last of a batch."""
        self._left -= 1
        if self._stream is not None:
            self._stream.send(body)
        elif self._replies is not None:
            self._replies.append(body)
        if self._left:
            return
        self._answered = True
        if self._stream is not None:
            self._finish(self._stream)
            return
        payload = encoded(body, result) if self._replies is None else jsonrpc.encode(self._replies)
        if type(body) is Challenge and self._replies is None:
            self._responder.respond(*challenging(body), payload)
        else:
            self._responder.respond(200, _RPC_HEADERS, payload)

    def _finish(self, stream: ResumableStream) -> None:
        """Replies of a batch that came before the stream began go last."""
        for waiting in self._replies or ():
            stream.send(waiting)
        stream.finish()

    def abandon(self) -> None:
        """The client cancelled this request: end without a reply."""
        self._left -= 1
        if self._left or self._answered:
            return
        self._answered = True
        if self._stream is not None:
            self._finish(self._stream)
        elif self._replies:
            self._responder.respond(200, rpc_headers(), jsonrpc.encode(self._replies))
        else:
            self._begin().finish()
