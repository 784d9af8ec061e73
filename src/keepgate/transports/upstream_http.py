"""Streamable HTTP towards a server, in both eras: one channel is one MCP connection with at most one session."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from keepgate.model.errors import UpstreamError
from keepgate.ports import Sink, Stream
from keepgate.transports.http_client import HttpClient
from keepgate.transports.http_request import field_lines
from keepgate.transports.http_streams import ACCEPT_ANY, Call, Endpoint, Listener, Notice

_CLOSING: Final = 2.0
"""Seconds that DELETE may take."""


class StreamableChannel:
    """Implements ports.Channel. Event streams have no time limit of their own: whoever waits cancels."""

    duplex = False

    def __init__(self, client: HttpClient, target: bytes, *, era: str) -> None:
        self._endpoint = Endpoint(client, target, resumable=era == "handshake")
        self._sink: Sink | None = None
        self._listener: Listener | None = None
        self._lines = b""  # the caller's header lines of the latest message, for DELETE
        self._closed = False

    @property
    def session_id(self) -> str:
        """What the server called the session, or empty."""
        return self._endpoint.session_id

    async def open(self, sink: Sink) -> None:
        """Nothing is sent before the first request."""
        self._sink = sink

    def request(self, payload: bytes, headers: Mapping[str, str], sink: Sink) -> Stream:
        """POST a request."""
        call = Call(self._endpoint, b"POST", payload, sink)
        try:
            self._endpoint.launch(call, self._checked(headers))
        except UpstreamError as error:
            asyncio.get_running_loop().call_soon(call.fail, error)
        return call

    async def notify(self, payload: bytes, headers: Mapping[str, str]) -> None:
        """POST a notification or a response; returns when the server has accepted it."""
        fields = self._endpoint.fields(ACCEPT_ANY, self._checked(headers))
        await Notice(self._endpoint, b"POST", fields, payload).deliver()

    def listen(self, headers: Mapping[str, str]) -> None:
        """Keep a GET stream open, reopened and resumed as often as needed. Raises UpstreamError for unsafe headers."""
        if self._endpoint.resumable and self._listener is None and self._sink is not None:
            lines = self._checked(headers)
            self._listener = Listener(self._endpoint, self._sink)
            self._endpoint.launch(self._listener, lines)

    async def close(self) -> None:
        """Abandon every stream; end the session with DELETE, for which the server has two seconds."""
        if self._closed:
            return
        self._closed = True
        for stream in list(self._endpoint.live):
            stream.close(_closed())
        if self.session_id:
            fields = self._endpoint.fields(b"", self._lines)
            try:
                async with asyncio.timeout(_CLOSING):
                    await Notice(self._endpoint, b"DELETE", fields).deliver()
            except (UpstreamError, TimeoutError):
                return  # a server that refuses or is gone has nothing left to end

    def _checked(self, headers: Mapping[str, str]) -> bytes:
        if self._closed:
            raise _closed()
        try:
            self._lines = field_lines(headers)
        except ValueError as error:
            raise UpstreamError("protocol", str(error)) from None
        return self._lines


def _closed() -> UpstreamError:
    return UpstreamError("closed", "the connection to the server was closed")
