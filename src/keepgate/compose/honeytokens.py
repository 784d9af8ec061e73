"""The honeytokens of a state directory: issued with a record, followed by whoever serves."""

from __future__ import annotations

import asyncio
import logging
import time

from keepgate.audit.record import event
from keepgate.compose.recording import record
from keepgate.compose.secrets import Master
from keepgate.config import Settings
from keepgate.detect.honeytokens import HoneytokenDetector
from keepgate.protocol.seal import derive
from keepgate.stores.honeytokens import Honeytoken, Honeytokens

PAUSE = 0.5
"""Seconds between two looks at the file: how long it may take until a new token is known."""

log = logging.getLogger("keepgate")


def honeytokens_of(settings: Settings) -> Honeytokens:
    """Those of the state directory."""
    return Honeytokens(settings.state, derive(Master(settings.state).master_key(), "honeytokens"))


async def follow(detector: HoneytokenDetector | None, settings: Settings) -> None:
    """Keep a running gateway to what was issued, until cancelled. What cannot be read leaves things as they are."""
    if detector is None:
        return
    store = honeytokens_of(settings)
    seen: object = None
    while True:
        try:
            if (found := store.version()) != seen:
                seen = found
                detector.issued = store.issued()
        except Exception:  # whatever fails, the next look must come
            log.exception("the honeytokens could not be taken up")
        await asyncio.sleep(PAUSE)


def issue(settings: Settings, kind: str, note: str, *, by: str) -> tuple[Honeytoken, str]:
    """A new token and the text to plant. Raises LocalError, AuditError."""
    token, text = honeytokens_of(settings).issue(kind, note, time.time())
    _record(settings, "honeytoken.issued", token, by)
    return token, text


def revoke(settings: Settings, name: str, *, by: str) -> Honeytoken:
    """Look for a token no longer. Raises LocalError, AuditError."""
    token = honeytokens_of(settings).revoke(name, time.time())
    _record(settings, "honeytoken.revoked", token, by)
    return token


def _record(settings: Settings, method: str, token: Honeytoken, by: str) -> None:
    what = f"{token.kind} {token.id}"
    record(settings, event(time.time_ns(), method, what, principal=by, private=token.note))
