"""The audit log of one process: append-only segment files, one hash chain, sealed payloads, signed checkpoints.

Every write goes to an explicit offset, and the offsets move only when payload and record are both written: what a
failed write leaves behind is overwritten by the next. So a failure needs no repair, and a retry no other path.
"""

from __future__ import annotations

import os
from binascii import hexlify
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from time import sleep
from typing import Final

from keepgate.audit.checkpoint import EvidenceError, Signer
from keepgate.audit.record import (
    INLINE,
    NONE,
    Entry,
    Form,
    Heard,
    beside,
    inline,
    leaf,
    period,
    period_end,
    sort,
)
from keepgate.audit.seal import NONCE, DataKey, binding
from keepgate.audit.segment import Header
from keepgate.model.errors import AuditError
from keepgate.stores.audit.data_keys import DataKeys
from keepgate.stores.audit.files import CHECKPOINTS, LOG, SEALED, create_segment, segment
from keepgate.stores.audit.recovery import Position
from keepgate.stores.audit.syncing import Syncer
from keepgate.stores.files import sync, write_at

FORMS: Final = 512
"""Forms of records that are kept."""
FORM: Final = 1024
"""Characters of texts chosen by outsiders in a form that is kept."""
FEW: Final = 64
"""Leaves that are hashed into the tree without a pause."""
TOLD: Final = 4096
"""Bytes of the longest payload that is told to who listens: it waits in memory."""
NONCES: Final = 256
"""Nonces drawn at a time."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often things happen. Checkpoints are `seconds` apart, less if `records` came in between.

    After a pause the first record is signed at once, so at the speed of a person next to nothing is unsigned.
    """

    segment_bytes: int = 64 * 1024 * 1024
    records: int = 4096
    seconds: float = 5.0


class Segment:
    """The two files that are being written. `at` and `sealed_at` are where the next record and payload go."""

    __slots__ = ("_sealed_synced", "_synced", "at", "number", "records", "sealed", "sealed_at")

    def __init__(self, directory: Path, number: int, at: int, sealed_at: int) -> None:
        self.number = number
        self.at = at
        self.sealed_at = sealed_at
        self._synced = (at, sealed_at)
        self._sealed_synced = -1  # what a killed process wrote may not be on the disk yet
        self.records = os.open(segment(directory, number, LOG), os.O_RDWR)
        try:
            self.sealed = os.open(segment(directory, number, SEALED), os.O_RDWR)
        except OSError:
            os.close(self.records)
            raise

    def sync(self, *, again: bool) -> None:
        """Bring all that was written to stable storage. Raises OSError.

        `again`: the last attempt failed. The kernel has then marked those pages clean without having stored them, and
        would report success for nothing; so they are written once more.
        """
        target = (self.at, self.sealed_at)
        if again:
            _rewrite(self.sealed, self._synced[1], target[1])
            _rewrite(self.records, self._synced[0], target[0])
        if again or self._sealed_synced != target[1]:
            sync(self.sealed)
            self._sealed_synced = target[1]
        sync(self.records)
        self._synced = target

    def cut(self) -> None:
        """Remove what a failed write left behind. Raises OSError."""
        os.ftruncate(self.records, self.at)
        os.ftruncate(self.sealed, self.sealed_at)

    def close(self) -> None:
        """Close both files."""
        os.close(self.records)
        os.close(self.sealed)


class SegmentLog:
    """Implements `ports.AuditLog`. `append` may be called from any thread; a second thread signs and syncs.

    Owns `lock`, the open lock file of the writer's directory.
    """

    def __init__(
        self, directory: Path, position: Position, signer: Signer, keys: DataKeys, *, lock: int, pace: Pace
    ) -> None:
        self.directory = directory
        self.writer = directory.name
        self._signer = signer
        self._store = keys
        self._lock_file = lock
        self._pace = pace
        self._segment = Segment(directory, position.number, position.at, position.sealed_at)
        self._notes = os.open(directory / CHECKPOINTS, os.O_WRONLY)
        self._notes_at = position.notes_at
        self._signed = position.signed
        self._tree = position.tree
        self._leaves: deque[bytes] = deque()
        self._prev = position.prev.encode()
        self._seq = self._tree.size
        self._durable = self._seq
        self._period = ""
        self._period_end = 0
        self._keys: dict[str, DataKey] = {}
        self._forms: dict[tuple[object, ...], tuple[Form, DataKey]] = {}
        self._nonces: list[tuple[bytes, bytes]] = []
        self._erasures = keys.erasures()
        self._closed = False
        self._failed = False
        self.heard: deque[Heard] | None = None
        """Takes every record that was written, for whoever watches; bounded by who sets it."""
        self._appending = Lock()
        self._committing = Lock()  # taken after _appending where both are
        self._syncer = Syncer(lambda: self._commit(sign=False))
        self._due = Event()
        self._many = Event()
        self._keeper = Thread(target=self._keep, name="audit", daemon=True)

    def start(self) -> None:
        """Begin to sign. What was found at opening must be recorded before: then it is signed with what it is about."""
        self._keeper.start()

    def append(self, entry: Entry) -> int:
        """Seal, chain and write one record. Returns its number. Raises AuditError: then it is not in the log.

        When this returns, payload and record are with the operating system: they survive the process.
        """
        with self._appending:
            if self._closed:
                raise AuditError("audit-closed", "the audit log is closed")
            if self._failed:
                self._commit(sign=True)
            try:
                return self._write(entry)
            except OSError as error:
                with suppress(OSError):
                    self._segment.cut()
                raise AuditError("audit-write", "the audit log cannot be written", str(error)) from error
            except (EvidenceError, TypeError, ValueError) as error:
                raise AuditError("audit-record", "the audit record cannot be made", str(error)) from error

    def _write(self, entry: Entry) -> int:
        if self._segment.at >= self._pace.segment_bytes and self._keeper.is_alive():
            self._rotate()
        if entry.time_ns >= self._period_end:
            self._turn_month(entry.time_ns)
        shared = sort(entry)
        form, key = self._forms.get(shared) or self._form(entry)
        files, seq = self._segment, self._seq
        plain, payload, end = form.envelope(entry), NONE, files.sealed_at
        if plain:
            nonce, shown = self._nonces.pop() if self._nonces else self._draw()
            sealed = key.seal(nonce, plain, binding(self.writer, seq))
            if len(sealed) <= INLINE:
                payload = inline(shown, sealed)
            else:
                payload = beside(shown, sealed, end)
                write_at(files.sealed, sealed, end)
                end += len(sealed)
        record = form.fill(entry, seq, self._prev, payload)
        write_at(files.records, record + b"\n", files.at)
        hashed = leaf(record)
        files.sealed_at = end
        files.at += len(record) + 1
        self._prev = hexlify(hashed)
        self._leaves.append(hashed)
        self._seq = seq + 1  # after all else: the committing thread reads it first
        if seq == self._signed:
            self._due.set()
        elif not self._seq % self._pace.records:
            self._many.set()
        if self.heard is not None:
            short = entry.kind == "request" and len(entry.payload) <= TOLD
            self.heard.append(
                Heard(shared, entry.time_ns, entry.trace, entry.size, entry.payload if short else b"")
            )
        return seq

    def _form(self, entry: Entry) -> tuple[Form, DataKey]:
        """The form for entries of this sort, and the key of their principal."""
        key = self._keys.get(entry.principal)
        if key is None:
            key = self._keys[entry.principal] = self._store.make(entry.principal, self._period)
        made = Form.of(entry, self.writer, key.id, key.shown(entry.method, entry.name)), key
        if len(entry.method) + len(entry.client) + len(entry.name) + len(entry.reason) <= FORM:
            if len(self._forms) >= FORMS:
                self._forms.clear()
            self._forms[sort(entry)] = made
        return made

    def _turn_month(self, now_ns: int) -> None:
        """Take the data keys of another month."""
        month = period(now_ns)
        self._keys = self._store.of_period(month)
        self._forms.clear()
        self._period, self._period_end = month, period_end(now_ns)

    def _draw(self) -> tuple[bytes, bytes]:
        """A nonce, and its hex form. They are drawn in advance: a system call for each costs as much as the sealing."""
        drawn = os.urandom(NONCE * NONCES)
        nonces = (drawn[at : at + NONCE] for at in range(0, len(drawn), NONCE))
        self._nonces = [(nonce, hexlify(nonce)) for nonce in nonces]
        return self._nonces.pop()

    def _rotate(self) -> None:
        """Start the next segment; the one before is complete, durable and signed first."""
        self._segment.cut()
        self._commit(sign=True)
        with self._committing:
            full = self._segment
            header = Header(
                self.writer, full.number + 1, self._seq, self._prev.decode(), tuple(self._tree.peaks)
            )
            line = header.line()
            create_segment(self.directory, header.segment, line)
            self._segment = Segment(self.directory, header.segment, len(line), 0)
            full.close()

    async def durable(self, seq: int) -> None:
        """Return when record `seq` and its payload are on stable storage. Raises AuditError.

        All that wait while the disk works are served by its next turn.
        """
        while self._durable <= seq:
            await self._syncer.wait()

    def _commit(self, *, sign: bool) -> None:
        """Bring everything appended so far to stable storage, then sign it. Raises AuditError.

        INVARIANT: a checkpoint covers only durable records, so a power failure never looks like tampering.
        """
        with self._committing:
            count, failed = self._seq, self._failed
            try:
                self._segment.sync(again=failed)
                if sign or failed:
                    self._sign(count)
            except OSError as error:
                self._failed = True
                raise AuditError(
                    "audit-sync", "the audit log does not reach stable storage", str(error)
                ) from error
            self._failed = False
            self._durable = count

    def _sign(self, count: int) -> None:
        while self._tree.size < count:
            few = min(FEW, count - self._tree.size)
            self._tree.extend([self._leaves.popleft() for _ in range(few)])
            sleep(0)  # thousands at once would keep the interpreter from the gateway for milliseconds
        if count > self._signed:
            note = self._signer.sign(count, self._tree.root()) + b"\n"
            write_at(self._notes, note, self._notes_at)
            sync(self._notes)
            self._notes_at += len(note)
            self._signed = count

    def _keep(self) -> None:
        """Sign what is due until the log is closed. A failure is kept and told to the next `append`."""
        while not self._closed:
            if self._seq == self._signed:
                self._due.wait()
            self._due.clear()
            with suppress(AuditError):
                self._commit(sign=True)
            self._heed_erasures()
            self._many.wait(self._pace.seconds)
            self._many.clear()

    def _heed_erasures(self) -> None:
        """Keys that were destroyed meanwhile are used no more: the next record takes what is left, or a new one."""
        with suppress(OSError):
            found = self._store.erasures()
            if found != self._erasures:
                self._erasures, self._period_end = found, 0

    def close(self) -> None:
        """Sign the end, close the files and release the writer. Raises AuditError if the end could not be signed."""
        with self._appending:
            if self._closed:
                return
            self._closed = True
        self._due.set()
        self._many.set()
        try:
            self._syncer.close()
            if self._keeper.ident is not None:  # it was started; it may have ended by now
                self._keeper.join()
                self._commit(sign=True)
        finally:
            self._segment.close()
            os.close(self._notes)
            os.close(self._lock_file)


def _rewrite(fd: int, start: int, end: int) -> None:
    write_at(fd, os.pread(fd, end - start, start), start)
