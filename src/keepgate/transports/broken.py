"""A server that cannot be reached as configured: it fails with its reason, and the other servers go on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from keepgate.model.errors import UpstreamError
from keepgate.ports import Sink


class BrokenConnector:
    """Stands for a server whose configuration does not suffice, for instance because a secret is missing."""

    kind = "broken"

    def __init__(self, why: str) -> None:
        self._why = why

    def channel(self, *, era: str) -> BrokenChannel:
        """A channel that cannot be opened."""
        return BrokenChannel(self._why)

    def fallback(self, failure: UpstreamError) -> None:
        """There is nothing else to try."""

    def close(self) -> None:
        """There is nothing to close."""

    def rest(self) -> None:
        """Nothing is kept ready."""


class BrokenChannel:
    """A channel that says why it cannot be opened."""

    duplex = True
    session_id = ""

    def __init__(self, why: str) -> None:
        self._why = why

    def _fail(self) -> NoReturn:
        raise UpstreamError("unreachable", self._why, retryable=True)

    async def open(self, sink: Sink) -> None:
        """Raise the reason."""
        self._fail()

    def request(self, payload: bytes, headers: Mapping[str, str], sink: Sink) -> NoReturn:
        """Raise the reason."""
        self._fail()

    async def notify(self, payload: bytes, headers: Mapping[str, str]) -> None:
        """Raise the reason."""
        self._fail()

    def listen(self, headers: Mapping[str, str]) -> None:
        """There is nothing to listen to."""

    async def close(self) -> None:
        """There is nothing to close."""
