"""A server that could not be reached: its names still lead to it, so that a call revives it or says what is wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from keepgate.gateway.backend import Backend
from keepgate.gateway.caller import Caller
from keepgate.gateway.pending import CallObserver
from keepgate.gateway.settings import ServerSettings
from keepgate.gateway.shelf import CAPABILITY, KEY, Meta, Shelf
from keepgate.model.errors import UpstreamError
from keepgate.model.message import Message

_LISTED = {"tools/call": "tools/list", "prompts/get": "prompts/list", "resources/read": "resources/list"}
"""Method to the list that has what it names."""

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
        """Reach the server again, then ask it, unless what it lists now must not be used."""
        backend = await self._revive()
        await _check_listed(backend, method, params)
        return await backend.request(method, params, caller, observer, headers)


async def _check_listed(backend: Backend, method: str, params: dict[str, Any]) -> None:
    """The request was judged while nothing was known of what it names. Raises UpstreamError."""
    listed = _LISTED.get(method)
    if listed is None or CAPABILITY[listed] not in backend.capabilities:
        return
    await backend.shelf.items(listed)
    name = str(params.get(KEY[listed]))
    shelf = backend.shelf
    contract = shelf.contract(name) if method == "tools/call" else shelf.promise(listed, name)
    if contract is not None and (contract.withheld or contract.refused):
        why = contract.withheld or contract.refused
        raise UpstreamError("closed", f"server `{backend.settings.id}` offers nothing of that name", why)
