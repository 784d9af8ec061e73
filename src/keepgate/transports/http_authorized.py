"""A client whose requests carry credentials that change: obtained before a request, renewed when the server refuses.

A refused request did not run, so it is sent again, whatever it is, a few times.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from keepgate.model.errors import UpstreamError
from keepgate.ports import Credential, Refusal
from keepgate.transports.http_answers import failure
from keepgate.transports.http_client import Exchange, HttpClient
from keepgate.transports.http_request import Origin

_TRIES: Final = 3
"""Refusals of one request after which it fails."""
_LONGEST: Final = 4096
"""Characters of a challenge."""


class AuthorizedClient(HttpClient):
    """As HttpClient. Implements http_outgoing.Guard."""

    def __init__(self, origin: Origin, credential: Credential, **how: Any) -> None:
        """`how` is as for HttpClient."""
        super().__init__(origin, **how)
        self.credential = credential
        self._renewing: set[asyncio.Task[None]] = set()

    def send(self, exchange: Exchange) -> None:
        """Send the request with what the credential says now, if need be after it was renewed."""
        exchange.guard = self
        lines = self.credential.lines()
        if lines is None:
            self._renew(exchange, None, None)
        else:
            self._send(exchange, lines)

    def _send(self, exchange: Exchange, lines: bytes) -> None:
        exchange.shown = lines
        super().send(exchange)

    def refused(self, exchange: Exchange, status: int, challenge: bytes) -> None:
        """Renew the credential, and send again what is still wanted."""
        exchange.refusals += 1
        if exchange.refusals > _TRIES:
            exchange.fail(failure(status))
            return
        text = challenge[:_LONGEST].decode("ascii", "replace")
        self._renew(exchange, exchange.shown, Refusal(status, text))

    def _renew(self, exchange: Exchange, used: bytes | None, refusal: Refusal | None) -> None:
        task = self.loop.create_task(self._renewed(exchange, used, refusal))
        self._renewing.add(task)
        task.add_done_callback(self._renewing.discard)

    async def _renewed(self, exchange: Exchange, used: bytes | None, refusal: Refusal | None) -> None:
        try:
            await self.credential.renew(used, refusal)
        except UpstreamError as error:
            exchange.fail(error)
            return
        except asyncio.CancelledError:
            exchange.fail(UpstreamError("closed", "the connection was closed by keepgate"))
            raise
        except Exception as error:  # noqa: BLE001 - the caller must not wait for ever
            exchange.fail(
                UpstreamError("auth", "keepgate failed to get credentials for the server", repr(error))
            )
            return
        if exchange.over:
            return
        lines = self.credential.lines()
        if lines is None:
            exchange.fail(UpstreamError("auth", "there are no credentials for the server that would last"))
        else:
            self._send(exchange, lines)

    def close(self) -> None:
        """As HttpClient; what waits for credentials fails."""
        for task in list(self._renewing):
            task.cancel()
        super().close()
