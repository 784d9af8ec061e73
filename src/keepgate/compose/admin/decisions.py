"""Approvals, as the admin face shows and decides them. Threads touch the disk, not the loop."""

from __future__ import annotations

import asyncio
import time

from keepgate.admin.routes.approvals import Approval, Remembered
from keepgate.compose.approvals import approvals_of
from keepgate.config import Settings
from keepgate.gateway.approving import decided, revoked
from keepgate.gateway.gateway import Gateway
from keepgate.model.approval import Pending, State
from keepgate.model.approval import Remembered as Kept


class ApprovalDesk:
    """routes.approvals.Approvals."""

    def __init__(self, gateway: Gateway, settings: Settings) -> None:
        self._enforcer = gateway.enforcer
        self._store = approvals_of(settings)

    async def every(self) -> tuple[Approval, ...]:
        """Decided ones included."""
        return tuple(map(_shape, await asyncio.to_thread(self._store.every)))

    async def get(self, name: str) -> Approval:
        """Raises LocalError if there is none."""
        return _shape(await asyncio.to_thread(self._store.get, name))

    async def decide(self, name: str, *, approve: bool, by: str, reason: str) -> Approval:
        """Recorded first. Raises LocalError, AuditError: then nothing was decided."""
        found = await asyncio.to_thread(self._store.get, name)
        enforcer = self._enforcer
        if found.state is State.PENDING:  # nothing else can be decided, and what was not is not recorded
            seq = enforcer.audit.append(decided(found, time.time_ns(), approve=approve, by=by, reason=reason))
            await enforcer.settled(seq)
        return _shape(
            await asyncio.to_thread(self._store.decide, name, approve=approve, by=by, reason=reason)
        )

    async def remembered(self) -> tuple[Remembered, ...]:
        """What passes without being asked for again."""
        return tuple(map(_kept, await asyncio.to_thread(self._store.remembered)))

    async def revoke(self, name: str, *, by: str) -> None:
        """It counts even if it cannot be recorded. Raises LocalError, AuditError."""
        found = next((one for one in await asyncio.to_thread(self._store.remembered) if one.id == name), None)
        await asyncio.to_thread(self._store.revoke, name)
        if found is not None:
            seq = self._enforcer.audit.append(revoked(found, time.time_ns(), by=by))
            await self._enforcer.settled(seq)


def _kept(one: Kept) -> Remembered:
    wanted = one.wanted
    return Remembered(
        one.id,
        wanted.principal,
        wanted.client,
        wanted.action,
        wanted.server,
        wanted.name,
        wanted.params,
        str(one.constraint),
        one.by,
        one.created,
        one.expires,
    )


def _shape(one: Pending) -> Approval:
    wanted = one.wanted
    return Approval(
        one.id,
        one.state.value,
        wanted.principal,
        wanted.client,
        wanted.action,
        wanted.server,
        wanted.name,
        wanted.params,
        wanted.reason,
        wanted.rules,
        wanted.trace,
        one.created,
        one.expires,
        one.by,
        one.reason,
        wanted.risk,
        wanted.out_of_band,
    )
