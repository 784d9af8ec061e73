"""How to reach one configured server: a connector makes the channels. Implements ports.Connector."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from functools import partial
from typing import Any

from keepgate.model.errors import ConfigError, UpstreamError
from keepgate.ports import Credential
from keepgate.transports.egress import Egress
from keepgate.transports.http_answers import is_rpc
from keepgate.transports.http_authorized import AuthorizedClient
from keepgate.transports.http_client import HttpClient, HttpLimits
from keepgate.transports.http_request import parse_url
from keepgate.transports.upstream_http import StreamableChannel
from keepgate.transports.upstream_sse import SseChannel
from keepgate.transports.upstream_stdio import ProcessChannel, ProcessSpec

_BEFORE_STREAMABLE = (400, 404, 405)


class _Http:
    """A URL with the pool of connections that all its channels share."""

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        limits: HttpLimits | None = None,
        tls: ssl.SSLContext | None = None,
        private: bool = False,
        credential: Credential | None = None,
    ) -> None:
        """`headers` go with every request; `private`: its name may stand for an address inside. Raises ConfigError."""
        try:
            origin, self._target = parse_url(url)
            egress = Egress.configured(origin.host, private=private)
            how: dict[str, Any] = {"headers": headers, "limits": limits, "tls": tls, "egress": egress}
            if credential is None:
                self._client = HttpClient(origin, **how)
            else:
                self._client = AuthorizedClient(origin, credential, **how)
        except ValueError as error:
            raise ConfigError(str(error)) from None
        self._older = partial(
            SseConnector,
            url,
            headers=headers,
            limits=limits,
            tls=tls,
            private=private,
            credential=credential,
        )

    def close(self) -> None:
        """Close every connection; what is in flight fails."""
        self._client.close()

    def rest(self) -> None:
        """Nothing is kept ready."""


class HttpConnector(_Http):
    """Streamable HTTP."""

    kind = "http"

    def channel(self, *, era: str) -> StreamableChannel:
        """A new, unopened channel."""
        return StreamableChannel(self._client, self._target, era=era)

    def fallback(self, failure: UpstreamError) -> SseConnector | None:
        """What to try after `initialize` failed so: HTTP+SSE at the same URL if the server may be that old, else None.

        The specification's sign is 400, 404 or 405 without a JSON-RPC error as body.
        """
        if failure.http_status not in _BEFORE_STREAMABLE or is_rpc(b"application/json", failure.body):
            return None
        return self._older()


class SseConnector(_Http):
    """HTTP+SSE, the transport of 2024-11-05."""

    kind = "sse"

    def channel(self, *, era: str) -> SseChannel:
        """A new, unopened channel; there is only the handshake era."""
        return SseChannel(self._client, self._target)

    def fallback(self, failure: UpstreamError) -> None:
        """There is nothing older."""


class StdioConnector:
    """A command to start: every channel is a process of its own."""

    kind = "stdio"

    def __init__(self, spec: ProcessSpec) -> None:
        self._spec = spec

    def channel(self, *, era: str) -> ProcessChannel:
        """A new, unopened channel."""
        return ProcessChannel(self._spec)

    def close(self) -> None:
        """Nothing is shared between channels."""

    def rest(self) -> None:
        """Nothing is kept ready."""

    def fallback(self, failure: UpstreamError) -> None:
        """There is nothing older."""
