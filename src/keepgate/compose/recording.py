"""What a gateway's log is given: everything, or less where the configuration says what is not to be stored."""

from __future__ import annotations

from keepgate.config import Settings
from keepgate.policy.pattern import Pattern
from keepgate.ports import AuditLog


def masked(settings: Settings, log: AuditLog) -> AuditLog:
    """The log itself where everything is stored."""
    given = settings.audit.payloads
    if not (given.drop or given.mask):
        return log
    from keepgate.gateway.masking import MaskedLog

    return MaskedLog(log, map(Pattern.parse, given.drop), given.mask)
