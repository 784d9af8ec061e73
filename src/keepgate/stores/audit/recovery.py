"""Going on with a writer's log after any end: a clean one, a killed process, a power failure.

What is cut is only what was never on stable storage: an unfinished record, or a hole and what comes after it. A log
that does not fit its newest checkpoint is not touched and not continued: it is evidence, and the caller starts another
writer.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from keepgate.audit.checkpoint import Checkpoint, EvidenceError, PublicKey, notes
from keepgate.audit.record import leaf
from keepgate.audit.segment import Header, torn
from keepgate.audit.tree import Tree
from keepgate.stores.audit.files import CHECKPOINTS, LOG, SEALED, segment, segments
from keepgate.stores.files import sync


@dataclass(slots=True)
class Position:
    """Where a log goes on. Offsets in bytes; `signed` is the size of the newest checkpoint."""

    number: int
    tree: Tree
    prev: str
    at: int
    sealed_at: int = 0
    notes_at: int = 0
    signed: int = 0
    cut: int = 0
    """Bytes of an unfinished record."""
    lost: list[str] = field(default_factory=list)
    """Ranges `first-last` of records whose payload did not survive."""


def resume(directory: Path, public: PublicKey) -> Position:
    """Read the last segment and cut what is torn. Raises EvidenceError if the log does not fit, OSError."""
    newest, notes_at = _newest_checkpoint(directory, public)
    number = segments(directory)[-1]
    position, tail = _scan(segment(directory, number, LOG), number, newest)
    position.notes_at, position.signed = notes_at, newest.size
    records = [orjson.loads(line) for line in tail]
    sealed = segment(directory, number, SEALED)
    position.lost = _ranges(record["seq"] for record in records if not _payload_intact(sealed, record))
    _cut(segment(directory, number, LOG), position.at)
    _cut(sealed, position.sealed_at)
    _cut(directory / CHECKPOINTS, notes_at)
    return position


def _newest_checkpoint(directory: Path, public: PublicKey) -> tuple[Checkpoint, int]:
    """The last checkpoint that was written to its end, and where it ends."""
    path = directory / CHECKPOINTS
    written = notes(path.read_bytes()) if path.exists() else []
    if not written:
        return Checkpoint(public.origin, 0, Tree().root()), 0
    return public.verify(written[-1]), sum(len(note) + 1 for note in written)


def _scan(path: Path, number: int, newest: Checkpoint) -> tuple[Position, list[bytes]]:
    """Hash a segment. Returns its end, and the records that no checkpoint covers."""
    with path.open("rb") as stream:
        line = stream.readline()
        header = Header.parse(line)
        tree, prev, last, sealed = header.tree(), header.prev, b"", b""
        position = Position(number, tree, prev, len(line))
        tail: list[bytes] = []
        _check_fits(tree, newest)
        for line in stream:
            if torn(line):
                position.cut = len(line) + sum(map(len, stream))
                break
            last, prev = line, position.prev
            position.at += len(line)
            position.prev = _push(tree, line)
            _check_fits(tree, newest)
            # No quote inside a JSON string is bare, so this is the key and never somebody's text.
            sealed = line if b'"payload":{"cipher"' in line else sealed
            if tree.size > newest.size:
                tail.append(line)
    if header.segment != number or not header.seq <= newest.size <= tree.size:
        raise EvidenceError("audit-log", "the log does not reach its newest checkpoint")
    if last and (orjson.loads(last)["seq"], orjson.loads(last)["prev"]) != (tree.size - 1, prev):
        raise EvidenceError("audit-log", "the chain of the log is broken")
    if sealed:
        payload = orjson.loads(sealed)["payload"]
        position.sealed_at = payload["off"] + payload["len"]
    return position, tail


def _push(tree: Tree, line: bytes) -> str:
    hashed = leaf(line[:-1])
    tree.append(hashed)
    return hashed.hex()


def _check_fits(tree: Tree, newest: Checkpoint) -> None:
    if tree.size == newest.size and tree.root() != newest.root:
        raise EvidenceError("audit-log", "the log does not fit its newest checkpoint")


def _payload_intact(sealed: Path, record: dict[str, Any]) -> bool:
    payload = record["payload"]
    if payload is None or "sealed" in payload:
        return True
    with sealed.open("rb") as stream:
        stream.seek(payload["off"])
        found = sha256(stream.read(payload["len"])).hexdigest()
    return found == str(payload["cipher"])


def _ranges(numbers: Iterable[int]) -> list[str]:
    """`[3, 4, 5, 9]` as `["3-5", "9-9"]`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return [f"{first}-{last}" for first, last in runs]


def _cut(path: Path, size: int) -> None:
    """Give a file this size; bytes that a lost payload should have had become zeros."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        if os.fstat(fd).st_size != size:
            os.ftruncate(fd, size)
            sync(fd)
    finally:
        os.close(fd)
