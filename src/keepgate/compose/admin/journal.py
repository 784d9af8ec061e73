"""What the admin face writes into the audit log, and how often somebody may ask."""

from __future__ import annotations

import time

from keepgate.admin.face import Event
from keepgate.audit import record
from keepgate.gateway.enforce import Enforcer
from keepgate.gateway.trace import new_trace


class AuditJournal:
    """face.Journal and face.Throttle of a running gateway."""

    def __init__(self, enforcer: Enforcer) -> None:
        self._enforcer = enforcer

    def trace(self) -> str:
        """A new decision id."""
        return new_trace()

    async def write(self, event: Event) -> None:
        """Raises AuditError."""
        seq = self._enforcer.audit.append(
            record.event(
                time.time_ns(),
                event.method,
                event.reason,
                trace=event.trace,
                principal=event.who,
                name=event.operation,
                allowed=event.allowed,
                policy=self._enforcer.rules.policy_hash,
                payload=event.payload,
                private=event.private,
            )
        )
        await self._enforcer.settled(seq)

    def throttle(self, who: str, *, rate: float, burst: float) -> float:
        """Seconds to wait; 0 if it may be done now."""
        left = self._enforcer.meters.spend(who, rate=rate, burst=burst)
        return left.resets_in if left.remaining < 0 else 0.0
