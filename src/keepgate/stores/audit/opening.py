"""Opening the log for writing: a writer id that nobody else holds, its recovery, or a new one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from keepgate.audit.checkpoint import EvidenceError, PublicKey, Signer
from keepgate.audit.record import GENESIS, RECOVERED, SET_ASIDE, Entry, event
from keepgate.audit.seal import KEY, NONCE, unwrap, wrap
from keepgate.audit.segment import Header
from keepgate.model.errors import AuditError
from keepgate.stores.audit.data_keys import DataKeys
from keepgate.stores.audit.files import (
    ENDED,
    KEYS,
    PUBLIC_KEY,
    SIGNING_KEY,
    audit_directory,
    create_segment,
    segments,
    writers,
)
from keepgate.stores.audit.recovery import Position, resume
from keepgate.stores.audit.segments import Pace, SegmentLog
from keepgate.stores.files import create, make_directory, only_one


def open_log(
    state: Path,
    kek: bytes,
    *,
    deployment: str = "keepgate",
    clock_ns: Callable[[], int] = time.time_ns,
    pace: Pace | None = None,
) -> SegmentLog:
    """Open the log below `state` for writing, under a writer id that no running process uses.

    `kek` is the key-encryption key (see `load_kek`). A new writer's log is called `<deployment>/<writer>` in its
    checkpoints. A writer whose files do not fit their checkpoint is left as it is, and the log says so in a record.
    Raises AuditError if the disk refuses, or the key is not the one that the log was begun with.
    """
    audit = audit_directory(state)
    try:
        make_directory(audit)
        opening = _Opening(audit, _signing_seed(audit, kek), deployment)
        directory, lock, signer, position = opening.writer()
        try:
            log = SegmentLog(
                directory, position, signer, DataKeys(audit / KEYS, kek), lock=lock, pace=pace or Pace()
            )
        except OSError:
            os.close(lock)
            raise
        try:
            _tell(log, clock_ns(), position, opening.set_aside)
        except AuditError:
            with suppress(AuditError):
                log.close()
            raise
        log.start()
    except OSError as error:
        raise AuditError("audit-open", f"cannot open the audit log `{audit}`", str(error)) from error
    return log


@dataclass(slots=True)
class _Opening:
    """The search for a writer. `set_aside` are those that do not fit their checkpoints."""

    audit: Path
    seed: bytes
    deployment: str
    set_aside: tuple[str, ...] = ()

    def writer(self) -> tuple[Path, int, Signer, Position]:
        """Directory, lock file, signer and position of a writer that is now ours. Raises OSError."""
        for directory in writers(self.audit):
            if (directory / ENDED).exists():
                continue
            lock = _lock(directory)
            if lock is None:
                continue
            try:
                return directory, lock, *self._resume(directory)
            except EvidenceError as error:
                os.close(lock)
                self.set_aside += (f"{directory.name}: {error.public}",)
        directory = self.audit / os.urandom(8).hex()
        make_directory(directory)
        lock = _lock(directory)
        if lock is None:
            raise BlockingIOError("a directory made just now is locked")
        return directory, lock, *self._resume(directory)

    def _resume(self, directory: Path) -> tuple[Signer, Position]:
        origin = f"{self.deployment}/{directory.name}"
        if not segments(directory):  # new, or killed while it was
            create(directory / PUBLIC_KEY, Signer(origin, self.seed).public.vkey().encode() + b"\n")
            create_segment(directory, 1, Header(directory.name, 1, 0, GENESIS).line())
        public = PublicKey.parse((directory / PUBLIC_KEY).read_text())
        signer = Signer(public.origin, self.seed)
        if signer.public.vkey() != public.vkey():
            raise EvidenceError("audit-key", "its public key is not ours")
        return signer, resume(directory, public)


def _lock(directory: Path) -> int | None:
    """The open lock file of a writer; None if a running process holds it."""
    return only_one(directory / "lock")


def is_running(directory: Path) -> bool:
    """Whether a process holds this writer. Raises OSError."""
    lock = _lock(directory)
    if lock is None:
        return True
    os.close(lock)
    return False


def _signing_seed(audit: Path, kek: bytes) -> bytes:
    """The private key of all checkpoints, made at the first start and sealed. Raises AuditError for another `kek`."""
    path = audit / SIGNING_KEY
    if not path.exists():
        create(path, wrap(kek, "signing-key", os.urandom(NONCE), os.urandom(KEY)))
    try:
        return unwrap(kek, "signing-key", path.read_bytes())
    except EvidenceError as error:
        raise AuditError(
            "audit-key",
            f"`{path}` was sealed with another key: give keepgate the key it had, or another `state`",
        ) from error


def _tell(log: SegmentLog, now_ns: int, position: Position, set_aside: tuple[str, ...]) -> None:
    """Record what was found at opening, if it was not a clean end."""
    if position.cut or position.lost:
        reason = f"unclean end: {position.cut} bytes of an unfinished record removed"
        log.append(of_the_log(now_ns, RECOVERED, reason, tuple(position.lost)))
    for found in set_aside:
        log.append(of_the_log(now_ns, SET_ASIDE, found))


def of_the_log(now_ns: int, method: str, reason: str, rules: tuple[str, ...] = ()) -> Entry:
    """An event of the log about itself."""
    return event(now_ns, method, reason, direction="", rules=rules)
