"""The kill switch, as the admin face shows and uses it. Threads touch the disk, not the loop."""

from __future__ import annotations

import asyncio
import time

from keepgate.admin.routes.quarantine import HeldThing
from keepgate.compose.quarantine import event
from keepgate.config import Settings
from keepgate.gateway.gateway import Gateway
from keepgate.model.quarantine import Hold, checked
from keepgate.stores.quarantine import QuarantineFile


class StopDesk:
    """routes.quarantine.Quarantine."""

    def __init__(self, gateway: Gateway, settings: Settings) -> None:
        self._gateway = gateway
        self._file = QuarantineFile(settings.state)

    async def all(self) -> tuple[HeldThing, ...]:
        """In the order in which it was stopped."""
        held = await asyncio.to_thread(self._file.read)
        return tuple(HeldThing(one.target, one.by, one.at, one.reason) for one in held.holds)

    async def stop(self, target: str, by: str, reason: str) -> None:
        """In force when this returns, whether or not it can be recorded."""
        hold = Hold(checked(target), by, time.time(), reason)
        await asyncio.to_thread(self._file.add, hold)
        self._gateway.use_quarantine(await asyncio.to_thread(self._file.read))
        self._gateway.enforcer.audit.append(event("quarantine.added", target, by, reason))

    async def release(self, target: str, by: str, reason: str) -> None:
        """Recorded first."""
        self._gateway.enforcer.audit.append(event("quarantine.removed", target, by, reason))
        await asyncio.to_thread(self._file.remove, target)
        self._gateway.use_quarantine(await asyncio.to_thread(self._file.read))
