"""What is written to the log: of a gateway everything, or less where the configuration says so; of commands, what they
did.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from keepgate.audit.record import Entry
from keepgate.config import Settings
from keepgate.policy.pattern import Pattern
from keepgate.ports import AuditLog
from keepgate.stores.audit import load_kek, open_log


@contextmanager
def log_of(settings: Settings) -> Iterator[AuditLog]:
    """The log, open for as long as it takes. Raises AuditError, ConfigError."""
    audit = open_log(settings.state, load_kek(settings.state, os.environ))
    try:
        yield audit
    finally:
        audit.close()


def record(settings: Settings, entry: Entry) -> None:
    """Write one entry. Raises AuditError, ConfigError: then it is not in the log."""
    with log_of(settings) as audit:
        audit.append(entry)


def masked(settings: Settings, log: AuditLog) -> AuditLog:
    """The log itself where everything is stored."""
    given = settings.audit.payloads
    if not (given.drop or given.mask):
        return log
    from keepgate.gateway.masking import MaskedLog

    return MaskedLog(log, map(Pattern.parse, given.drop), given.mask)
