"""The log that a gateway writes: opened, and masked where the configuration says what is not to be stored."""

from __future__ import annotations

import os

from keepgate.config import Settings
from keepgate.policy.pattern import Pattern
from keepgate.ports import AuditLog
from keepgate.stores.audit import load_kek, open_log


def log_of(settings: Settings) -> AuditLog:
    """Raises ConfigError, AuditError."""
    log = open_log(settings.state, load_kek(settings.state, os.environ))
    given = settings.audit.payloads
    if not (given.drop or given.mask):
        return log
    from keepgate.gateway.masking import MaskedLog

    return MaskedLog(log, map(Pattern.parse, given.drop), given.mask)
