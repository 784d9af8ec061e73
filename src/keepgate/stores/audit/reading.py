"""Reading a log that may be growing, without its keys: for `verify` and the index. Takes no lock, writes nothing."""

from __future__ import annotations

import heapq
import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any

import orjson

from keepgate.audit.checkpoint import EvidenceError, notes, parse_note
from keepgate.audit.segment import torn
from keepgate.audit.verify import Evidence, Report, Segment, check_prunings, check_succession, verify_writer
from keepgate.stores.audit.files import (
    CHECKPOINTS,
    LEAVES,
    LOG,
    PUBLIC_KEY,
    SEALED,
    audit_directory,
    pruned,
    segment,
    segments,
    writers,
)


def verify(
    state: Path, *, elsewhere: Sequence[Path] = (), more: Mapping[str, Sequence[bytes]] | None = None
) -> list[Report]:
    """Verify every writer below `state`; `elsewhere` are files of checkpoints that were kept apart.

    `more` are such checkpoints by writer. One from elsewhere of a writer that is not here fails. Raises EvidenceError
    if such a file holds none, OSError.
    """
    kept = {writer: list(found) for writer, found in (more or {}).items() if found}
    for path in elsewhere:
        found = notes(path.read_bytes().rstrip(b"\n") + b"\n\n")
        if not found:
            raise EvidenceError("audit-checkpoint", f"`{path}` holds no checkpoint")
        for note in found:
            kept.setdefault(parse_note(note).origin.rpartition("/")[2], []).append(note)
    reports = []
    for directory in writers(audit_directory(state)):
        with closing(_segments(directory)) as parts:
            evidence = _evidence(directory, parts, kept.pop(directory.name, []))
            if evidence is not None:
                reports.append(verify_writer(evidence))
    gone = ["a checkpoint was kept elsewhere, and the whole log is gone"]
    check_succession(reports)
    check_prunings(reports)
    return [*reports, *(Report(writer, failed=gone) for writer in sorted(kept))]


def _evidence(directory: Path, parts: Iterator[Segment], elsewhere: list[bytes]) -> Evidence | None:
    """What a writer left; None for one that was killed before it had anything."""
    # The checkpoints first: what is written while the records are read is then only unsigned, never missing.
    checkpoints, public_key = _read(directory / CHECKPOINTS), _read(directory / PUBLIC_KEY)
    if not (checkpoints or public_key or elsewhere or segments(directory)):
        return None
    leaves = [_read(segment(directory, number, LEAVES)) for number in pruned(directory)]
    return Evidence(
        directory.name, public_key.decode("utf-8", "replace"), checkpoints, parts, elsewhere, leaves
    )


def _segments(directory: Path) -> Generator[Segment, None, None]:
    for number in segments(directory):
        sealed = segment(directory, number, SEALED)
        with (
            segment(directory, number, LOG).open("rb", buffering=1 << 20) as lines,
            (sealed if sealed.exists() else Path(os.devnull)).open("rb") as payloads,
        ):
            yield Segment(number, lines, partial(_pread, payloads.fileno()))


def _pread(fd: int, offset: int, length: int) -> bytes:
    return os.pread(fd, length, offset)


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def everything(state: Path, since: str, until: str) -> Iterator[dict[str, Any]]:
    """The records of all writers in the order of their times, from `since` on and before `until` (RFC 3339).

    A line that is no record is passed over: saying so is up to `verify`.
    """

    def of(directory: Path) -> Iterator[dict[str, Any]]:
        for stored in records(directory, 0, 0):
            try:
                record = orjson.loads(stored.data)
                if since <= record["time"] and (not until or record["time"] < until):
                    yield record
            except (KeyError, TypeError, ValueError):
                continue

    return heapq.merge(*map(of, writers(audit_directory(state))), key=lambda record: str(record["time"]))


@dataclass(frozen=True, slots=True)
class Stored:
    """A record where it lies: its line is `[at, end)` of the segment, with a newline that `data` is without."""

    segment: int
    at: int
    end: int
    data: bytes


def records(directory: Path, number: int, offset: int) -> Iterator[Stored]:
    """The complete records of a writer from an `end` on; `(0, 0)` is the start of its log."""
    for segment_number in (found for found in segments(directory) if found >= number):
        at = offset if segment_number == number else 0
        with segment(directory, segment_number, LOG).open("rb", buffering=1 << 20) as stream:
            stream.seek(at)
            for line in takewhile(lambda line: not torn(line), stream):
                end = at + len(line)
                if at:  # what starts at 0 is the header
                    yield Stored(segment_number, at, end, line[:-1])
                at = end
