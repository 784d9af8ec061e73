"""Requests to the outside that are no MCP traffic (ports.Fetch): documents of token issuers.

Connections go where `egress` lets them. Redirects are not followed; sizes and times are bounded; each request has a
connection of its own.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from typing import Final

from keepgate.model.errors import UpstreamError
from keepgate.ports import Document
from keepgate.transports.egress import Egress
from keepgate.transports.http_connection import Connection
from keepgate.transports.http_heads import Heads
from keepgate.transports.http_outgoing import Answer, Exchange, HttpLimits
from keepgate.transports.http_request import Origin, is_value, parse_url

LIMITS: Final = HttpLimits(
    connect=5.0, first_byte=10.0, total=10.0, head=16 << 10, fields=60, body=1 << 20, redirects=0
)

PATIENCE: Final = 15.0
"""Seconds for all of it."""


class Fetcher:
    """Fetches JSON documents.

    `private` lets addresses be those of private networks as well, `local` lets them be this machine's. Certificates are
    verified against the system's authorities, or those in `ca`, a PEM file; `also` adds to them.
    """

    def __init__(
        self, *, private: bool = False, local: bool = False, ca: str | None = None, also: str | None = None
    ) -> None:
        self._egress = Egress(private=private, local=local)
        self._ca = ca
        self._also = also
        self._tls: ssl.SSLContext | None = None

    async def __call__(
        self, url: str, form: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """The body of a 200 answer of a JSON type. Raises UpstreamError."""
        answer = await self.ask(url, form, headers)
        if answer.status != 200:
            text = f"it answered with status {answer.status}"
            if answer.status in (301, 302, 303, 307, 308):
                text = "it redirects, which is not followed"
            raise UpstreamError("status", text, status=answer.status)
        if not answer.is_json:
            raise UpstreamError("protocol", "its answer is not JSON")
        return answer.body

    async def ask(
        self, url: str, form: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Document:
        """Whatever it answers. Raises UpstreamError if it does not, or too much."""
        try:
            origin, target = parse_url(url)
        except ValueError as error:
            raise UpstreamError("protocol", f"its address cannot be used: {error}") from None
        fields = {"Accept": "application/json"}
        if form is not None:
            fields["Content-Type"] = "application/x-www-form-urlencoded"
        fields |= headers or {}
        exchange = _Collect(b"GET" if form is None else b"POST", target, _lines(fields), form or b"")
        try:
            async with asyncio.timeout(PATIENCE):
                await self._send(origin, exchange)
                return await exchange.result
        except TimeoutError:
            raise UpstreamError("timeout", "it did not answer in time", str(origin)) from None
        finally:
            exchange.abort()

    async def _send(self, origin: Origin, exchange: Exchange) -> None:
        tls = self._context() if origin.scheme == "https" else None
        try:
            connection = await self._egress.connect(lambda: Connection(_Once(origin)), origin, tls)
        except (OSError, UnicodeError) as error:
            text = "cannot connect to it"
            if isinstance(error, ssl.SSLError):
                text = "its certificate is not trusted"
            elif isinstance(error, socket.gaierror | UnicodeError):
                text = "its name is not known"
            raise UpstreamError("unreachable", text, f"{origin}: {error!r}") from None
        connection.start(exchange, asyncio.get_running_loop().time())

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context(cafile=self._ca)
            if self._also is not None:
                self._tls.load_verify_locations(self._also)
        return self._tls


def _lines(fields: Mapping[str, str]) -> bytes:
    if not all(is_value(value) for value in fields.values()):
        raise UpstreamError("protocol", "a header for it has characters that cannot be sent")
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode("ascii")


class _Collect(Exchange):
    """Collects one answer."""

    __slots__ = ("_challenge", "_is_json", "_parts", "_size", "_status", "result")

    def __init__(self, method: bytes, target: bytes, fields: bytes, body: bytes) -> None:
        super().__init__(method, target, fields, body)
        self.result: asyncio.Future[Document] = asyncio.get_running_loop().create_future()
        self._parts: list[bytes] = []
        self._size = self._status = 0
        self._is_json, self._challenge = False, ""

    def on_head(self, status: int, headers: Mapping[bytes, bytes]) -> None:
        media = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        self._status = status
        self._challenge = headers.get(b"www-authenticate", b"")[:4096].decode("ascii", "replace")
        self._is_json = media == b"application/json" or (
            media.startswith(b"application/") and media.endswith(b"+json")
        )

    def on_data(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > LIMITS.body:
            raise UpstreamError("too-large", "its answer is too large")
        self._parts.append(data)

    def on_end(self) -> None:
        if not self.result.done():
            self.result.set_result(
                Document(self._status, self._is_json, b"".join(self._parts), self._challenge)
            )

    def on_failure(self, failure: UpstreamError) -> None:
        if not self.result.done():
            self.result.set_exception(failure)


class _Once:
    """http_connection.Pool of one connection that is used once."""

    limits = LIMITS

    def __init__(self, origin: Origin) -> None:
        self.heads: Heads[Answer] = Heads()
        head = f"Host: {origin.authority}\r\nAccept-Encoding: identity\r\nUser-Agent: keepgate\r\n"
        self.common = f" HTTP/1.1\r\n{head}Connection: close\r\n".encode("ascii")

    def post(self, transport: asyncio.Transport, pieces: tuple[bytes, ...]) -> None:
        transport.writelines(pieces)

    def released(self, connection: Connection) -> None:
        connection.close(UpstreamError("closed", "it is done"))

    def lost(self, connection: Connection) -> None: ...
    def surprised(self) -> None: ...

    def again(self, exchange: Exchange) -> None:
        exchange.fail(UpstreamError("closed", "it closed the connection before its answer"))

    def redirected(self, exchange: Exchange, location: bytes) -> None:
        exchange.fail(UpstreamError("status", "it redirects, which is not followed"))
