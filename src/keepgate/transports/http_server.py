"""The downstream HTTP connection: a fast lane for the MCP endpoint, ASGI for everything else on the same port.

Built on uvicorn's protocol class, whose request cycle serves the ASGI lane. The fast lane hands a request with its
whole body to the HttpEndpoint: no ASGI cycle, no Task. Both lanes take turns on a connection, so pipelined requests
are answered in order, refusals included. What a head must look like is in `http_rules`; nothing here knows MCP.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from keepgate.model.errors import RemoteError
from keepgate.transports import http_rules
from keepgate.transports.http_exchange import Exchange, Head, Lane, Refusal
from keepgate.transports.http_rules import Route, bad

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application
    from uvicorn.config import Config
    from uvicorn.server import ServerState

_LINGER: Final = 2.0
_JOIN: Final = 64 << 10

log = logging.getLogger(__name__)


class Connection(HttpToolsProtocol):
    """One client connection.

    `running` is the request being answered, `waiting` those behind it. `head` is the head being read, None between
    requests; `route` and `fields` are set once it is complete. `whole` is what is being parsed, if that began between
    requests. The deadline counts while nothing is running, and while the client does not read.
    """

    def __init__(self, lane: Lane, config: Config, state: ServerState, app_state: dict[str, Any]) -> None:
        super().__init__(config, state, app_state, asyncio.get_running_loop())
        self.access_log = False
        self.lane = lane
        self.running: Exchange | RequestResponseCycle | None = None
        self.waiting: deque[Exchange | RequestResponseCycle] = deque()
        self.peer = ""
        self.secure = False
        self.certificate = b""
        self.deaf = False
        self.stopping = False
        self.deadline = 0.0
        self.head: list[tuple[bytes, bytes]] | None = None
        self.fields: dict[str, str] = {}
        self.route: Route | None = None
        self.version = ""
        self.head_fed = 0
        self.fed = 0
        self.piece: bytes | bytearray = b""
        self.whole = b""

    # The transport's side

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.lane.empty.clear()
        self.peer = self.client[0] if self.client else ""
        self.secure = self.scheme == "https"
        if self.secure:
            # Verified: the handshake fails for any other. None where the client shows none, or is not asked for one.
            self.certificate = transport.get_extra_info("ssl_object").getpeercert(binary_form=True) or b""
        self.deadline = self.lane.now + self.lane.limits.head_timeout
        if len(self.connections) > self.lane.limits.connections:
            self._refuse(bad("busy", "too many connections", 503))
            transport.close()

    def data_received(self, data: bytes) -> None:
        if self.head is None and self.running is None and not self.deaf and not self.flow.write_paused:
            known = self.lane.heads.find(data)
            if known is not None and len(known[1]) <= self.lane.limits.body:
                self._begin(Exchange(self, *known))
                return
            self.whole = data
        elif self.deaf:
            return
        self._parse(data)

    def _parse(self, data: bytes) -> None:
        head = self.head
        self.fed = len(data)
        try:
            self.parser.feed_data(data)
            if head is not None and head is self.head and self.route is None:
                # The parser reports a field only when it is complete, so an endless one is counted here.
                self.head_fed += len(data)
                http_rules.check_head_size(self.head_fed, self.lane.limits)
        except httptools.HttpParserCallbackError as error:
            if not isinstance(error.__context__, RemoteError):
                raise
            self._refuse(error.__context__)
        except RemoteError as error:
            self._refuse(error)
        except httptools.HttpParserError as error:
            self._refuse(RemoteError("bad-http", "malformed HTTP request", str(error)))
        self.whole = b""

    def connection_lost(self, exc: Exception | None) -> None:
        self.connections.discard(self)
        if not self.connections:
            self.lane.empty.set()
        self._drop_piece()
        self.deaf = True
        self.waiting.clear()
        running, self.running = self.running, None
        if isinstance(running, Exchange):
            running.lost()
        elif running is not None:
            running.disconnected = True
            running.message_event.set()
        self.flow.resume_writing()
        self.parser = None  # type: ignore[assignment]  # it refers back to us

    def pause_writing(self) -> None:
        super().pause_writing()
        self.deadline = self.lane.now + self.lane.limits.drain_timeout
        self._go_on()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.running is None and not self.deaf:
            self._rest()
        self._go_on()

    # The parser's side; a RemoteError raised here stops the parser and refuses the request

    def on_message_begin(self) -> None:
        self.url = b""
        self.head = []
        self.head_fed = 0
        self.deadline = self.lane.now + self.lane.limits.head_timeout

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.head is None or self.route is not None:
            raise bad("trailers", "trailers are not accepted")
        self.head.append((name, value))

    def on_headers_complete(self) -> None:
        assert self.head is not None
        lane, limits, head = self.lane, self.lane.limits, self.head
        if self.head_fed or self.fed > limits.head:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in head)
            http_rules.check_head_size(size, limits)
        self.version = self.parser.get_http_version()
        self.fields = http_rules.read_fields(head, limits)
        http_rules.check_head(self.fields, self.version, lane.names, limits)
        if self.parser.should_upgrade():
            # The parser would take the body of such a request for another protocol, or for the next request.
            raise bad("upgrade", "protocol upgrades are not supported", 501)
        self.route = lane.route(self.url)
        self.deadline = lane.now + limits.body_timeout
        if "expect" in self.fields and self.version == "1.1" and self.running is None:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        lane = self.lane
        lane.arriving += len(body)
        if not self.piece:
            self.piece = body
        elif isinstance(self.piece, bytearray):
            self.piece += body
        else:
            self.piece = bytearray(self.piece) + body
        if len(self.piece) > lane.limits.body:
            raise http_rules.too_large(lane.limits)
        if lane.arriving > lane.limits.arriving:
            raise bad("busy", "too many request bodies at once", 503)

    def on_message_complete(self) -> None:
        route, fields, body = self.route, self.fields, bytes(self.piece)
        assert route is not None
        self._drop_piece()
        self.head = self.route = None
        if route.fast:
            self._take_turn(Exchange(self, self._head(route, fields, body), body))
        else:
            self._make_cycle(fields, body)

    def _head(self, route: Route, fields: dict[str, str], body: bytes) -> Head:
        """What the head said that was read last, remembered if it is an ordinary one."""
        version, method = self.version, self.parser.get_method().decode()
        keep_alive = version == "1.1" and self.parser.should_keep_alive()
        fields.pop(
            "content-length", None
        )  # it says nothing that the body does not, and is not the same next time
        head = Head(method, route, MappingProxyType(fields), version, keep_alive=keep_alive)
        if keep_alive and method == "POST" and "expect" not in fields:
            self.lane.heads.learn(self.whole, body, head)
        return head

    # Turns

    def holds(self, exchange: Exchange) -> bool:
        """True while it is the turn of `exchange` and the client is there."""
        return self.running is exchange

    def finish(self, exchange: Exchange, head: bytes, body: bytes) -> None:
        """Write the last bytes of the answer of `exchange`, if the client is still there, and go on."""
        if self.running is not exchange:
            return
        if len(body) < _JOIN:
            self.transport.write(head + body)
        else:
            self.transport.writelines((head, body))
        self._done(keep_alive=exchange.keep_alive)

    def on_response_complete(self) -> None:
        """Called by an ASGI cycle at the end of its answer."""
        assert isinstance(self.running, RequestResponseCycle)
        self._done(keep_alive=self.running.keep_alive)

    def _make_cycle(self, fields: dict[str, str], body: bytes) -> None:
        url = self.url
        super().on_message_begin()
        self.url = url
        self.headers.extend(
            [(name.encode("ascii"), value.encode("latin-1")) for name, value in fields.items()]
        )
        self.cycle = None  # type: ignore[assignment]  # so that uvicorn leaves the order of turns to us
        super().on_headers_complete()
        self.cycle.body += body
        self.cycle.more_body = False
        self.cycle.message_event.set()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Called by uvicorn with a cycle just made."""
        self._take_turn(cycle)

    def _take_turn(self, turn: Exchange | RequestResponseCycle) -> None:
        if self.deaf:  # the last answer has been given
            return
        if len(self.waiting) == self.lane.limits.pipelined:
            raise bad("pipeline", "too many requests at once on one connection", 503)
        self.waiting.append(turn)
        self._go_on()

    def _go_on(self) -> None:
        """Begin what waits, unless the client has yet to read earlier answers; read only while nothing waits."""
        if self.waiting and self.running is None and not self.flow.write_paused:
            self._begin(self.waiting.popleft())
        pause = bool(self.waiting) or self.flow.write_paused
        if pause is not self.flow.read_paused and not self.transport.is_closing():
            self.flow.pause_reading() if pause else self.flow.resume_reading()

    def _begin(self, turn: Exchange | RequestResponseCycle) -> None:
        self.running = turn
        if self.stopping:
            turn.keep_alive = False
        if not isinstance(turn, Exchange):
            super()._start_asgi_task(turn, self.app)
            return
        try:
            turn.begin()
        except Exception:
            # It promised not to; the client still gets an answer, and the log the cause.
            log.exception("the endpoint failed on a request")
            turn.fail()

    def _done(self, *, keep_alive: bool) -> None:
        self.running = None
        if not keep_alive:
            self._hang_up()
            return
        flow = self.flow
        if not flow.write_paused:
            self._rest()
        if self.waiting or flow.write_paused or flow.read_paused:
            self._go_on()

    def _rest(self) -> None:
        """Nothing is running: the client has some time for its next request, or the rest of one."""
        limits = self.lane.limits
        self.deadline = self.lane.now + (limits.keep_alive if self.head is None else limits.body_timeout)

    def _refuse(self, error: RemoteError) -> None:
        """Answer with an error when it is its turn, and hear nothing more."""
        self._drop_piece()
        self.head = self.route = None
        if not self.transport.is_closing():
            self.deaf = True
            self.waiting.append(Refusal(self, error))
            self._go_on()

    def _hang_up(self) -> None:
        """Close after the last answer.

        Closing with unread input would reset the connection and could lose the answer; so after a refusal only our
        half is closed, and input is discarded until the client closes its own.
        """
        refused, self.deaf = self.deaf, True
        self.waiting.clear()
        if not self.flow.write_paused:
            self.deadline = self.lane.now + _LINGER
        if refused and self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()
        else:
            self.transport.close()

    def _drop_piece(self) -> None:
        self.lane.arriving -= len(self.piece)
        self.piece = b""

    # The server's side

    def sweep(self) -> None:
        """Look at the clock: keep a silent stream open, end what takes too long."""
        running = self.running
        if running is None or self.flow.write_paused:
            if self.lane.now >= self.deadline:
                self._expire()
        elif isinstance(running, Exchange):
            running.beat(self.lane.now)

    def _expire(self) -> None:
        if self.deaf or self.flow.write_paused:
            self.transport.abort()
        elif self.head is not None:
            self._refuse(bad("timeout", "the request took too long to arrive", 408))
        else:
            self._hang_up()

    def shutdown(self) -> None:
        """Close when nothing is in flight, else after the answer."""
        self.stopping = True
        if self.running is not None:
            self.running.keep_alive = False
        elif self.head is None:
            self.transport.close()

    def cut(self) -> None:
        """The grace period is over."""
        if isinstance(self.running, Exchange):
            self.running.cut()
        self.transport.close()
