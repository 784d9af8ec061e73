"""Another signing key: every log ends with a signed word on the key that follows, and new writers begin under it."""

from __future__ import annotations

import os
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

from keepgate.audit.checkpoint import Signer
from keepgate.audit.record import ROTATED
from keepgate.audit.seal import KEY, NONCE, wrap
from keepgate.model.errors import LocalError
from keepgate.stores.audit.files import ENDED, SIGNING_KEY, audit_directory, writers
from keepgate.stores.audit.opening import is_running, of_the_log, open_log
from keepgate.stores.files import create, replace


def rotate_signing_key(state: Path, kek: bytes, *, clock_ns: Callable[[], int] = time.time_ns) -> int:
    """A new signing key; the old one is destroyed. Returns how many logs ended.

    1. nobody writes;
    2. each log that goes on under the old key gets a last record that names the new one, and is signed;
    3. the new key takes the place of the old;
    4. and the logs are marked as ended, so that nobody looks for a writer there.

    Broken off before step 3, everything goes on under the old key; after it, the next rotation or start finds logs of
    another key, says so, and leaves them alone. Raises LocalError, AuditError, OSError.
    """
    audit = audit_directory(state)
    if not (audit / SIGNING_KEY).exists():
        raise LocalError("audit-key", "there is no signing key yet: nothing was recorded")
    live = [directory for directory in writers(audit) if not (directory / ENDED).exists()]
    if any(map(is_running, live)):  # step 1
        raise LocalError("audit-running", "keepgate is running: stop it first, it holds the key in memory")
    seed = os.urandom(KEY)
    named = f"ed25519:{b64encode(Signer('', seed).public.raw).decode()}"
    logs = []
    try:
        for _ in live or [audit]:  # step 2; without any, one that says so is begun
            logs.append(open_log(state, kek, clock_ns=clock_ns))
            logs[-1].append(of_the_log(clock_ns(), ROTATED, "another signing key follows", (named,)))
    finally:
        for log in logs:
            log.close()
    replace(audit / SIGNING_KEY, wrap(kek, "signing-key", os.urandom(NONCE), seed))  # step 3
    for log in logs:  # step 4
        create(log.directory / ENDED, b"")
    return len(logs)
