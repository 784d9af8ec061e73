"""Flows, as the admin face shows and clears them. Threads touch the disk, not the loop."""

from __future__ import annotations

import asyncio

from keepgate.admin.routes.flows import FlowOrigin, LabelledFlow
from keepgate.compose.flow import cleared, file_of, live
from keepgate.config import Settings
from keepgate.gateway.gateway import Gateway


class FlowRoom:
    """routes.flows.FlowDesk."""

    def __init__(self, gateway: Gateway, settings: Settings) -> None:
        self._gateway = gateway
        self._settings = settings

    async def all(self) -> tuple[LabelledFlow, ...]:
        """The newest first."""
        found = await asyncio.to_thread(lambda: live(self._settings, file_of(self._settings).every()))
        return tuple(
            LabelledFlow(
                each.principal,
                each.last,
                tuple(FlowOrigin(one.label, one.server, one.name, one.at, one.said) for one in each.origins),
            )
            for each in found
        )

    async def clear(self, principal: str, by: str, reason: str) -> None:
        """Recorded first. Raises LocalError, AuditError: then nothing was cleared."""
        self._gateway.enforcer.audit.append(cleared(principal, by, reason))
        await asyncio.to_thread(lambda: file_of(self._settings).clear(principal))
