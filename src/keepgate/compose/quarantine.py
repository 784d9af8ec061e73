"""The quarantine of a state directory: changed with a record, followed by whoever serves."""

from __future__ import annotations

import asyncio
import logging
import time

from keepgate.audit import record
from keepgate.audit.record import Entry
from keepgate.compose import recording
from keepgate.config import Settings
from keepgate.gateway.gateway import Gateway
from keepgate.model.errors import LocalError
from keepgate.model.quarantine import Held, Hold, checked
from keepgate.stores.quarantine import QuarantineFile

PAUSE = 0.25
"""Seconds between two looks at the file: how long a quarantine may take to be in force."""

log = logging.getLogger("keepgate")


def held_of(file: QuarantineFile) -> Held:
    """What is stopped; everything, if that cannot be told."""
    try:
        return file.read()
    except LocalError as error:
        log.error("everything is stopped: %s", error.public)  # noqa: TRY400 - no traceback
        return Held((Hold("all", "keepgate", time.time(), "quarantine.json cannot be read"),))


async def follow(gateway: Gateway, settings: Settings) -> None:
    """Keep a running gateway to what the file says, until cancelled."""
    file = QuarantineFile(settings.state)
    seen: object = None
    while True:
        try:
            if (found := file.version()) != seen:
                gateway.use_quarantine(held_of(file))
                seen = found
        except Exception:  # whatever fails, the next look must come
            log.exception("the quarantine could not be taken up")
        await asyncio.sleep(PAUSE)


def stop(settings: Settings, target: str, *, by: str, reason: str) -> bool:
    """Stop something, whether or not keepgate runs. It counts even if it cannot be recorded. Raises LocalError."""
    done = QuarantineFile(settings.state).add(Hold(checked(target), by, time.time(), reason))
    recording.record(settings, event("quarantine.added", target, by, reason))
    return done


def release(settings: Settings, target: str, *, by: str, reason: str) -> bool:
    """Let something go on; the record exists first. Raises LocalError, AuditError."""
    recording.record(settings, event("quarantine.removed", target, by, reason))
    return QuarantineFile(settings.state).remove(target)


def event(method: str, target: str, by: str, reason: str) -> Entry:
    """The record of a change."""
    allowed = method != "quarantine.added"
    return record.event(time.time_ns(), method, target[:200], principal=by, allowed=allowed, private=reason)
