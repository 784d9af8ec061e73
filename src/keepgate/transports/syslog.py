"""Syslog over TLS (RFC 5425): a connection for each lot of messages, whose orderly end says that all arrived.

Syslog has no acknowledgements. But a receiver answers our close_notify, or closes in an orderly way, only when it has
read what came before; a reset or silence means that the lot is sent again.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from typing import Final

from keepgate.model.errors import UpstreamError

PATIENCE: Final = 15.0
"""Seconds for each step."""


class SyslogTls:
    """One receiver. Certificates are verified against the system's authorities, or those in `ca`, a PEM file."""

    def __init__(self, host: str, port: int, *, ca: str | None = None) -> None:
        self._address = host, port
        self._tls = ssl.create_default_context(cafile=ca)
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2

    def send(self, data: bytes) -> None:
        """Return when the receiver has read all of it. Raises UpstreamError."""
        try:
            with (
                socket.create_connection(self._address, PATIENCE) as plain,
                self._tls.wrap_socket(plain, server_hostname=self._address[0]) as connection,
            ):
                connection.sendall(data)
                self._finish(connection)
        except ssl.SSLCertVerificationError as error:
            raise UpstreamError("unreachable", "its certificate is not trusted", str(error)) from None
        except OSError as error:
            raise UpstreamError("unreachable", "it did not take all that was sent", str(error)) from None

    @staticmethod
    def _finish(connection: ssl.SSLSocket) -> None:
        with suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError):  # it closed after reading to our close_notify
            plain = connection.unwrap()
            plain.close()
