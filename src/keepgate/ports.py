"""Narrow protocols to the outside. Programs and adapters meet here; `compose` wires them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from keepgate.audit.record import Entry
from keepgate.model.access import Principal
from keepgate.model.approval import Claim, Pending, Wanted
from keepgate.model.errors import UpstreamError
from keepgate.model.flow import KeptFlow, Origin


class AuditLog(Protocol):
    """Append-only evidence.

    `append` returns only after the record has been handed to the operating system (a killed process loses nothing) and
    raises AuditError otherwise; the caller must then not forward. `durable` returns when record `seq` is on stable
    storage (group commit); only `durability: sync` waits for it.
    """

    def append(self, entry: Entry) -> int: ...
    async def durable(self, seq: int) -> None: ...
    def close(self) -> None: ...


class Counters(Protocol):
    """Amounts used within windows of time, by key. Called on the event loop: must not wait for a disk or a network.

    Keys hold no names. What is added is seen by the next `used` of this process at once, by others within seconds.
    Bounded: where there is no room for another counter, newcomers share one.
    """

    def used(self, key: str) -> float:
        """What was added under `key` in a window that has not ended; 0 if nothing."""

    def add(self, key: str, until: float, units: float) -> None:
        """Add to it. The window ends at `until`, Unix seconds: then all of it is forgotten."""

    def close(self) -> None:
        """Keep what is to be kept. Idempotent."""


class KeyRing(Protocol):
    """API keys. `authenticate` answers None for anything unknown, expired, revoked or malformed (constant time)."""

    def authenticate(self, presented: str) -> Principal | None: ...
    def live(self, principal: Principal) -> bool:
        """Whether a principal that was authenticated may still be served: its key has not ended since."""


class AccessTokens(Protocol):
    """OAuth access tokens, judged as their resource server.

    `scheme` is that of the Authorization header in lower case. All refusals are AuthenticationError with the challenge
    for this request; RemoteError (503) says that nothing can be said about the token now.
    """

    @property
    def scopes(self) -> frozenset[str]:
        """What every token needs for anything at all."""

    def remembered(self, request: HttpRequest) -> Principal | None:
        """Whose token came with a head of just these bytes not long ago, if it still counts and needs no proof."""

    def recognise(self, request: HttpRequest, scheme: str, token: str) -> Principal | None:
        """Whose token it is, if that can be said without asking anybody; None: `verify` must be awaited."""

    async def verify(self, request: HttpRequest, scheme: str, token: str) -> Principal:
        """Whose token it is; may ask the issuer for its keys or for the state of the token."""

    def challenge(self, path: str, *, error: str = "") -> str:
        """The value of `WWW-Authenticate` for a request without a token, or with a credential of another kind."""


class ClientCertificates(Protocol):
    """Who a verified client certificate is for."""

    def authenticate(self, certificate: bytes) -> Principal:
        """The principal of a DER certificate. Raises AuthenticationError."""


class Fetch(Protocol):
    """An HTTP request to somewhere outside that is no MCP server: to an issuer of tokens."""

    async def __call__(
        self, url: str, form: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """The body of a 200 answer that says it is JSON; a form makes it a POST.

        Raises UpstreamError: unreachable, timeout, too large, another status, or an address that is not allowed.
        """


@dataclass(frozen=True, slots=True)
class Document:
    """An answer to such a request."""

    status: int
    is_json: bool
    """As its media type says."""
    body: bytes
    challenge: str = ""
    """`WWW-Authenticate`."""


class Ask(Protocol):
    """As Fetch, whatever the answer."""

    async def __call__(
        self, url: str, form: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Document:
        """Redirects are not followed. Raises UpstreamError: unreachable, timeout, too large, not allowed."""


class Credential(Protocol):
    """What keepgate shows to a server, for one principal or for all."""

    def lines(self) -> bytes | None:
        """The header lines of a request that is sent now; None: `renew` first."""

    async def renew(self, used: bytes | None, refusal: Refusal | None) -> None:
        """Get something newer than `used`, which the server refused, or (None) for the first time.

        Raises UpstreamError if there is nothing now that could be shown with success.
        """


@dataclass(frozen=True, slots=True)
class Refusal:
    """A server's answer to credentials: 401 or 403, and its `WWW-Authenticate`."""

    status: int
    challenge: str = ""


class Sink(Protocol):
    """Receives what an upstream sends. Called on the event loop; must not raise and must not block."""

    def message(self, raw: bytes, event_id: str | None = None) -> None:
        """One complete message as received (unparsed bytes of one JSON text)."""

    def opened(self, *, streaming: bool) -> None:
        """The answer has begun; `streaming` if it is an event stream. Not called by duplex channels."""

    def interrupted(self, retry_ms: int) -> None:
        """A resumable answer stream ended before `Stream.finished`; the channel resumes it after `retry_ms`."""

    def closed(self, failure: UpstreamError | None) -> None:
        """Nothing more will come. `failure` is None for an orderly end. Called exactly once."""


class Stream(Protocol):
    """A running exchange with an upstream."""

    def cancel(self) -> None:
        """Abandon it: an HTTP response stream is closed, nothing more is delivered. Idempotent."""

    def finished(self) -> None:
        """The caller has its response: nothing more is delivered, not even `closed`; the connection is kept.

        Must be called at the latest one turn of the loop after `message`; a stream that ends before is `interrupted`
        or `closed` with a failure, because only the caller can tell a response from a notification.
        """


class Channel(Protocol):
    """One MCP connection to one upstream: a process, an HTTP endpoint with at most one session, or an SSE stream.

    `duplex` channels (stdio, HTTP+SSE) deliver everything to the sink given to `open`; on Streamable HTTP the answers
    to a request go to the sink given to `request`, what comes on the GET stream goes to the sink given to `open`.
    The payload is one serialised JSON-RPC message without a trailing newline.
    """

    @property
    def duplex(self) -> bool: ...
    @property
    def session_id(self) -> str: ...

    async def open(self, sink: Sink) -> None:
        """Start the process or connection. Raises UpstreamError."""

    def request(self, payload: bytes, headers: Mapping[str, str], sink: Sink) -> Stream:
        """Send a request. On a duplex channel `sink` only hears `closed` when sending failed."""

    async def notify(self, payload: bytes, headers: Mapping[str, str]) -> None:
        """Send a notification or a response; returns when accepted. Raises UpstreamError."""

    def listen(self, headers: Mapping[str, str]) -> None:
        """Streamable HTTP, handshake era: keep a GET stream open (a 405 answer is final and fine). Else nothing."""

    async def close(self) -> None:
        """End the session (DELETE), the stream or the process (close stdin, SIGTERM, SIGKILL). Never raises."""


class Connector(Protocol):
    """Opens channels to one configured server."""

    kind: str
    """stdio, http or sse"""

    def channel(self, *, era: str) -> Channel:
        """A new, unopened channel. `era` is `handshake` or `stateless`."""

    def fallback(self, failure: UpstreamError) -> Connector | None:
        """An older transport of the same server worth trying after `initialize` failed so, or None."""

    def close(self) -> None:
        """Close what the channels share. Idempotent."""

    def rest(self) -> None:
        """Let go of what is kept ready for channels to come."""


class Approver(Protocol):
    """Where a person decides on requests."""

    def claim(self, wanted: Wanted, *, goes_on: str = "") -> Claim:
        """Use an approval of exactly this, else ask for one. Raises LocalError: then nothing is approved."""

    def get(self, name: str) -> Pending:
        """One approval. Raises LocalError."""

    def answer(self, name: str, *, approve: bool, principal: str, client: str) -> Pending:
        """Decide as the client says that asked. Raises LocalError: then nothing was decided."""


class FlowStore(Protocol):
    """What is known of flows, over a restart and for every process of a state directory. All raise LocalError.

    Called on the event loop: must not wait for a disk. Names of principals and origins are sealed.
    """

    def load(self, principal: str) -> KeptFlow | None:
        """What is kept; None for a flow without labels."""

    def add(self, principal: str, origins: Iterable[Origin], at: float) -> None:
        """Keep more origins: others stay, whoever kept them. When this returns they outlive the process."""

    def touch(self, principal: str, at: float) -> None:
        """The flow goes on."""

    def clear(self, principal: str) -> bool:
        """Forget it; False if nothing was kept."""

    def every(self) -> list[KeptFlow]:
        """All that is kept."""

    def changed(self) -> bool:
        """Whether another process may have kept or cleared something since this was asked last."""

    def close(self) -> None:
        """Idempotent."""


class Responder(Protocol):
    """The HTTP answer to one downstream request. Exactly one of `respond` and `start_stream` is called."""

    def respond(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Answer with a whole body."""

    def start_stream(self, headers: Mapping[str, str]) -> EventStream:
        """Answer 200 with `text/event-stream` and keep it open."""

    def on_disconnect(self, callback: Callback) -> None:
        """Call back once if the client goes away before the answer is complete."""


class EventStream(Protocol):
    """A server-sent event stream to a client."""

    def send(
        self, data: bytes, event_id: str | None = None, event: str | None = None, retry: int | None = None
    ) -> bool:
        """Queue one event; False when the client is gone, or too slow, in which case the stream is closed."""

    def close(self) -> None:
        """End the stream in an orderly way. Idempotent."""


class Callback(Protocol):
    """A plain callback."""

    def __call__(self) -> None: ...


class HttpEndpoint(Protocol):
    """What the downstream HTTP server hands requests to."""

    def handle(self, request: HttpRequest, responder: Responder) -> None:
        """Answer through `responder`, now or later. Must not raise."""


class HttpRequest(Protocol):
    """One downstream HTTP request with its whole body."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """Lower-case names, `content-length` left out. Repeated headers were refused before; lists are joined."""
    notes: dict[str, Any]
    """The endpoint's own: what it worked out from method, path, query and headers, and from nothing else.

    Requests whose heads are the same bytes share one, on whatever connection they come, until it is forgotten.
    """
    body: bytes
    peer: str
    """IP address of the client, or empty."""
    certificate: bytes
    """What the client showed and TLS verified, DER; empty if it showed none."""
    secure: bool
