"""Approvals of a state directory, and decisions that stand in the log before they count."""

from __future__ import annotations

import time

from keepgate.compose.recording import log_of
from keepgate.compose.secrets import Master
from keepgate.config import Settings
from keepgate.gateway.approving import decided, revoked
from keepgate.model.approval import Constraint, Pending, Remembered, State
from keepgate.stores.approvals import Approvals


def approvals_of(settings: Settings) -> Approvals:
    """The store. Raises ConfigError for a key that cannot be had."""
    master = Master(settings.state).master_key()
    return Approvals(settings.state, master, time.time, seconds=settings.approvals.expire)


def decide(
    settings: Settings, store: Approvals, name: str, *, approve: bool, by: str, reason: str
) -> Pending:
    """Decide on what waits; the record exists first. Raises LocalError, AuditError: then nothing was decided."""
    found = store.get(name)
    with log_of(settings) as audit:
        if found.state is State.PENDING:  # nothing else can be decided, and what was not is not recorded
            audit.append(decided(found, time.time_ns(), approve=approve, by=by, reason=reason))
        return store.decide(name, approve=approve, by=by, reason=reason)


def remember(
    settings: Settings, store: Approvals, name: str, constraint: Constraint, *, by: str, seconds: float
) -> Remembered:
    """Let what was asked pass more than once; the record exists first. Raises LocalError, AuditError."""
    found = store.may_remember(name, constraint, seconds)
    with log_of(settings) as audit:
        given = decided(found, time.time_ns(), approve=True, by=by)
        said = f"approval {found.id}, remembered for {seconds:.0f} s: {constraint}"
        audit.append(given._replace(method="approval.remembered", reason=said[:500]))
        return store.remember(name, constraint, by=by, seconds=seconds)


def revoke(settings: Settings, store: Approvals, name: str, *, by: str, reason: str) -> None:
    """Forget what is remembered. It counts even if it cannot be recorded. Raises LocalError, AuditError."""
    found = next((one for one in store.remembered() if one.id == name), None)
    store.revoke(name)
    if found is None:
        return
    with log_of(settings) as audit:
        audit.append(revoked(found, time.time_ns(), by=by, reason=reason))
