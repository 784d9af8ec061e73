"""One server as one caller sees it: requests in the caller's era, whatever the server speaks."""

from __future__ import annotations

from typing import Any, Protocol

from keepgate.gateway.caller import Caller
from keepgate.gateway.pending import CallObserver
from keepgate.gateway.settings import ServerSettings
from keepgate.gateway.shelf import Shelf
from keepgate.model.message import Message


class Backend(Protocol):
    """A server towards a handshake session, or towards all callers of the stateless era."""

    settings: ServerSettings
    shelf: Shelf

    @property
    def capabilities(self) -> dict[str, Any]:
        """What the server declared, as last seen."""

    @property
    def receiver(self) -> int:
        """Whose ids the tasks of this server have now: see `Upstream.receiver`."""

    @property
    def server_info(self) -> dict[str, Any]:
        """The server's name and version, as it claims."""

    @property
    def instructions(self) -> str:
        """The server's instructions: untrusted text."""

    async def request(
        self,
        method: str,
        params: dict[str, Any],
        caller: Caller,
        observer: CallObserver | None,
        headers: dict[str, str],
    ) -> Message:
        """The server's reply, in the caller's era. Raises UpstreamError."""
