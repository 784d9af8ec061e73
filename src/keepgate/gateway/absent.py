"""A server that could not be reached: its names still lead to it, so that a call revives it or says what is wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from keepgate.gateway.backend import Backend
from keepgate.gateway.caller import Caller
from keepgate.gateway.pending import CallObserver
from keepgate.gateway.settings import ServerSettings
from keepgate.gateway.shelf import Meta, Shelf
from keepgate.model.errors import UpstreamError
from keepgate.model.message import Message

Revive = Callable[[], Awaitable[Backend]]
"""Reach the server once more. Raises UpstreamError."""


class AbsentBackend:
    """Offers nothing and declares nothing."""

    def __init__(self, settings: ServerSettings, revive: Revive) -> None:
        self.settings = settings
        self.shelf = Shelf(settings.id, self._page, 0)
        self._revive = revive

    @property
    def capabilities(self) -> dict[str, Any]:
        """Unknown."""
        return {}

    @property
    def receiver(self) -> int:
        """Nobody's."""
        return -1

    @property
    def server_info(self) -> dict[str, Any]:
        """Unknown."""
        return {}

    @property
    def instructions(self) -> str:
        """Unknown."""
        return ""

    async def _page(self, method: str, cursor: str | None, meta: Meta) -> dict[str, Any]:
        raise UpstreamError("unreachable", f"server `{self.settings.id}` cannot be reached now")

    async def request(
        self,
        method: str,
        params: dict[str, Any],
        caller: Caller,
        observer: CallObserver | None,
        headers: dict[str, str],
    ) -> Message:
        """Reach the server again, then ask it."""
        backend = await self._revive()
        return await backend.request(method, params, caller, observer, headers)
