"""Reading a log that may be growing, without its keys: for `verify` and the index. Takes no lock, writes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from keepgate.audit.checkpoint import EvidenceError, notes, parse_note
from keepgate.audit.verify import Evidence, Report, Segment, verify_writer
from keepgate.stores.audit.files import (
    CHECKPOINTS,
    LOG,
    PUBLIC_KEY,
    SEALED,
    audit_directory,
    segment,
    segments,
    writers,
)


def verify(state: Path, *, elsewhere: Sequence[Path] = ()) -> list[Report]:
    """Verify every writer below `state`; `elsewhere` are files of checkpoints that were kept apart.

    A checkpoint from elsewhere of a writer that is not here fails. Raises EvidenceError if such a file holds none,
    OSError.
    """
    kept: dict[str, list[bytes]] = {}
    for path in elsewhere:
        found = notes(path.read_bytes().rstrip(b"\n") + b"\n\n")
        if not found:
            raise EvidenceError("audit-checkpoint", f"`{path}` holds no checkpoint")
        for note in found:
            kept.setdefault(parse_note(note).origin.rpartition("/")[2], []).append(note)
    reports = []
    for directory in writers(audit_directory(state)):
        with ExitStack() as files:
            reports.append(verify_writer(_evidence(directory, kept.pop(directory.name, []), files)))
    for writer in sorted(kept):
        reports.append(Report(writer, failed=["a checkpoint was kept elsewhere, and the whole log is gone"]))
    return reports


def _evidence(directory: Path, elsewhere: list[bytes], files: ExitStack) -> Evidence:
    # The checkpoints first: what is written while the records are read is then only unsigned, never missing.
    checkpoints = _read(directory / CHECKPOINTS)
    return Evidence(
        directory.name,
        _read(directory / PUBLIC_KEY).decode("utf-8", "replace"),
        checkpoints,
        (_segment(directory, number, files) for number in segments(directory)),
        elsewhere,
    )


def _segment(directory: Path, number: int, files: ExitStack) -> Segment:
    lines = files.enter_context(segment(directory, number, LOG).open("rb", buffering=1 << 20))
    path = segment(directory, number, SEALED)
    if not path.exists():
        return Segment(number, lines, lambda offset, length: b"")
    sealed = files.enter_context(path.open("rb")).fileno()
    return Segment(number, lines, lambda offset, length: os.pread(sealed, length, offset))


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def records(directory: Path, number: int, offset: int) -> Iterator[tuple[int, bytes]]:
    """The complete records of a segment from `offset` on (0 is its start), each with where its line begins."""
    with segment(directory, number, LOG).open("rb", buffering=1 << 20) as stream:
        if not offset:
            offset = len(stream.readline())
        stream.seek(offset)
        for line in stream:
            if not line.endswith(b"\n"):
                return
            yield offset, line[:-1]
            offset += len(line)
