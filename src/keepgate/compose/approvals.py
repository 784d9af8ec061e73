"""Approvals of a state directory, and decisions that stand in the log before they count."""

from __future__ import annotations

import os
import time

from keepgate.audit.record import Entry
from keepgate.compose.secrets import Master
from keepgate.config import Settings
from keepgate.model.approval import Pending
from keepgate.model.message import Direction
from keepgate.stores.approvals import Approvals
from keepgate.stores.audit import load_kek, open_log


def approvals_of(settings: Settings) -> Approvals:
    """The store. Raises ConfigError for a key that cannot be had."""
    master = Master(settings.state).master_key()
    return Approvals(settings.state, master, time.time, seconds=settings.approvals.expire)


def decide(
    settings: Settings, store: Approvals, name: str, *, approve: bool, by: str, reason: str
) -> Pending:
    """Decide on what waits; the record exists first. Raises LocalError, AuditError: then nothing was decided."""
    found = store.get(name)
    audit = open_log(settings.state, load_kek(settings.state, os.environ))
    try:
        audit.append(event(found, approve=approve, by=by, reason=reason))
        return store.decide(name, approve=approve, by=by, reason=reason)
    finally:
        audit.close()


def event(asked: Pending, *, approve: bool, by: str, reason: str) -> Entry:
    """The record of a decision."""
    return Entry(
        time_ns=time.time_ns(),
        trace=asked.wanted.trace,
        direction=Direction.TO_SERVER.value,
        kind="event",
        method="approval.given" if approve else "approval.refused",
        principal=by,
        client="",
        server=asked.wanted.server,
        name=asked.wanted.name,
        effect="allow" if approve else "deny",
        reason=f"approval {asked.id}",
        policy="",
        private=reason,
    )
