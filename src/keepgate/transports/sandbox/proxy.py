"""The way out of a sandbox: an HTTP proxy that reaches what the configuration lists and nothing else.

The server's network has nothing in it but the listening socket of this proxy, which the reaper opened there and handed
out; it is served here. CONNECT is for everything encrypted, absolute URLs are for plain HTTP. Names are resolved here,
once for each connection, and the connection goes to the address that was judged. What happens inside of a tunnel is
between the server and whom it may talk to.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Any, Final, cast

import httptools

from keepgate.transports.sandbox.destinations import Allowed, RefusedError

Report = Callable[[str], None]

HEAD: Final = 16 << 10
"""Bytes of a request's head."""
PATIENCE: Final = 10.0
"""Seconds for a head, and for a connection."""
MOST: Final = 128
"""Connections of one server at the same time."""
REPORTED: Final = 64
"""Different destinations whose refusal is reported."""
_DROPPED: Final = (
    b"connection",
    b"proxy-connection",
    b"proxy-authorization",
    b"keep-alive",
    b"host",
    b"upgrade",
    b"te",
)
_END: Final = b"\r\n\r\n"


class Proxy:
    """Serves one server."""

    def __init__(self, entries: tuple[str, ...], report: Report) -> None:
        self.allowed = Allowed(entries)
        self.clients: set[_Client] = set()
        self._report = report
        self._reported: set[str] = set()
        self._socket: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._starting: asyncio.Task[None] | None = None

    def take(self, fd: int) -> None:
        """Wait for the listening socket on `fd`, which is ours from now on."""
        self._socket = socket.socket(fileno=fd)
        self._socket.setblocking(False)  # noqa: FBT003
        asyncio.get_running_loop().add_reader(fd, self._arrived)

    def _arrived(self) -> None:
        assert self._socket is not None
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._socket.fileno())
        try:
            _, fds, _, _ = socket.recv_fds(self._socket, 1, 1)
        except OSError:
            fds = []
        self._drop()
        if fds:
            self._starting = loop.create_task(self._serve(socket.socket(fileno=fds[0])))

    async def _serve(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Client(self), sock=listener)

    def _drop(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def refused(self, what: str) -> None:
        """Say once that something was not reached."""
        if what not in self._reported and len(self._reported) < REPORTED:
            self._reported.add(what)
            self._report(what)

    def close(self) -> None:
        """End everything."""
        self._drop()
        if self._starting is not None:
            self._starting.cancel()
        if self._server is not None:
            self._server.close()
        for client in list(self.clients):
            client.abort()


class _Pipe(asyncio.Protocol):
    """One end of a tunnel: what arrives goes to the other end, no faster than that takes it."""

    other: _Pipe | None = None
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        if self.other is not None and self.other.transport.can_write_eof():
            self.other.transport.write_eof()
            return True
        return False

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and not self.other.transport.is_closing():
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is not None:
            self.other.transport.close()


class _Client(_Pipe):
    """A connection of the server."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._head = b""
        self._connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if len(self._proxy.clients) >= MOST:
            self.transport.abort()
            return
        self._proxy.clients.add(self)
        self._timer = asyncio.get_running_loop().call_later(PATIENCE, self._late)

    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            super().data_received(data)
            return
        self._head += data
        if self._connecting is None and _END in self._head:
            self.transport.pause_reading()
            self._connecting = asyncio.get_running_loop().create_task(self._connect())
        elif len(self._head) > HEAD:
            self._answer("431 Request Header Fields Too Large", "the head of this request is too long")

    async def _connect(self) -> None:
        end = self._head.index(_END) + len(_END)
        try:
            request = _Request(self._head[:end])
            async with asyncio.timeout(PATIENCE):
                await self._open(request, self._head[end:])
        except RefusedError as error:
            self._proxy.refused(str(error))
            self._answer(
                "403 Forbidden", f"{error}: list it under `sandbox.network` of this server if it is meant to"
            )
        except (ValueError, httptools.HttpParserError):
            self._answer("400 Bad Request", "this is a proxy for CONNECT and for absolute http URLs")
        except TimeoutError:
            self._answer("504 Gateway Timeout", "it does not answer")
        except OSError as error:
            self._answer("502 Bad Gateway", f"it cannot be reached: {error}")

    async def _open(self, request: _Request, more: bytes) -> None:
        failure: OSError | None = None
        loop = asyncio.get_running_loop()
        for address in await self._proxy.allowed.resolve(request.host, request.port):
            try:
                _, far = await loop.create_connection(_Pipe, address, request.port)
            except OSError as error:
                failure = error
                continue
            self._join(far, request, more)
            return
        raise failure or OSError("no address")

    def _join(self, far: _Pipe, request: _Request, more: bytes) -> None:
        self._timer.cancel()
        if self.transport.is_closing():
            far.transport.abort()
            return
        self.other, far.other = far, self
        if request.tunnel:
            self.transport.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        far.transport.write(request.head + more)
        self._head = b""
        self.transport.resume_reading()

    def _late(self) -> None:
        if self._connecting is None:
            self._answer("408 Request Timeout", "the head of this request took too long")

    def _answer(self, status: str, text: str) -> None:
        body = f"keepgate: {text}\n".encode()
        fields = f"Content-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close"
        if not self.transport.is_closing():
            self.transport.write(f"HTTP/1.1 {status}\r\n{fields}\r\n\r\n".encode() + body)
            self.transport.close()

    def abort(self) -> None:
        """End it at once, with the other end."""
        if self.other is not None:
            self.other.transport.abort()
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._proxy.clients.discard(self)
        if hasattr(self, "_timer"):
            self._timer.cancel()
        if self._connecting is not None:
            self._connecting.cancel()


class _Request:
    """The head of a request: where it goes, and what is sent there. Raises ValueError, HttpParserError."""

    def __init__(self, head: bytes) -> None:
        self._url = b""
        self._fields: list[tuple[bytes, bytes]] = []
        self._whole = False
        parser = httptools.HttpRequestParser(self)
        with contextlib.suppress(httptools.HttpParserUpgrade):
            parser.feed_data(head)
        if not self._whole:
            raise ValueError("not a whole head")
        method = parser.get_method()
        self.tunnel = method == b"CONNECT"
        if self.tunnel:
            host, _, port = self._url.decode("ascii").rpartition(":")
            self.host, self.port, self.head = host.strip("[]"), int(port), b""
        else:
            self._absolute(method, parser.get_http_version())
        if not self.host or not 0 < self.port < 65536:
            raise ValueError("no host")

    def _absolute(self, method: bytes, version: str) -> None:
        url: Any = httptools.parse_url(self._url)
        if url.schema != b"http" or url.userinfo:
            raise ValueError("not http")
        host = url.host.decode("ascii")
        self.host, self.port = host, url.port or 80
        target = (url.path or b"/") + (b"?" + url.query if url.query else b"")
        authority = f"[{host}]" if ":" in host else host
        lines = [
            b"%s %s HTTP/%s" % (method, target, version.encode()),
            b"Host: " + (authority if self.port == 80 else f"{authority}:{self.port}").encode(),
            *(b"%s: %s" % each for each in self._fields if each[0].lower() not in _DROPPED),
            b"Connection: close",
        ]
        self.head = b"\r\n".join(lines) + _END

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        self._whole = True
