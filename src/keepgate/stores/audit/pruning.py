"""Retention: segments whose records are all past their time go, the leaf hashes of their records stay.

So the tree is whole: later records can be proven, checkpoints kept elsewhere fit, and proofs that were made stay good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import orjson

from keepgate.audit.checkpoint import EvidenceError
from keepgate.audit.record import leaf
from keepgate.audit.segment import Header
from keepgate.audit.tree import Tree
from keepgate.stores.audit.files import (
    LEAVES,
    LOG,
    SEALED,
    audit_directory,
    pruned,
    segment,
    segments,
    writers,
)
from keepgate.stores.audit.reading import records
from keepgate.stores.files import replace, sync_directory


@dataclass(frozen=True, slots=True)
class Past:
    """What of a writer is past its time: the segments `numbers`; `records` are gone then from its start."""

    writer: Path
    numbers: Sequence[int]
    records: int


def past(state: Path, before: str) -> list[Past]:
    """What is past its time, of every writer of which anything is gone then, or was before.

    A segment is, if all its records were made before this time (RFC 3339) and all segments before it are. The last
    one of a writer never is. Raises EvidenceError, OSError.
    """
    found = []
    for directory in writers(audit_directory(state)):
        gone, numbers = segments(directory), []
        count = _count(directory, gone[0]) if pruned(directory) and gone else 0
        for number, following in pairwise(gone):
            if not _is_past(directory, number, before):
                break
            numbers.append(number)
            count = _count(directory, following)
        if count:
            found.append(Past(directory, numbers, count))
    return found


def prune(given: Past) -> None:
    """Remove the segments. What says so must be recorded and signed before. Raises EvidenceError, OSError."""
    for number in given.numbers:
        header = Header.parse(_header(given.writer, number))
        leaves = [
            leaf(stored.data) for stored in records(given.writer, number, 0) if stored.segment == number
        ]
        tree = Tree(header.seq, header.peaks)
        tree.extend(leaves)
        following = Header.parse(_header(given.writer, number + 1))
        if (tree.size, tree.peaks) != (following.seq, list(following.peaks)):
            raise EvidenceError(
                "audit-log", f"segment {number} is not what was recorded: it stays, as evidence"
            )
        replace(segment(given.writer, number, LEAVES), b"".join(leaves))
        for suffix in (LOG, SEALED):
            segment(given.writer, number, suffix).unlink(missing_ok=True)
        sync_directory(given.writer)


def _is_past(directory: Path, number: int, before: str) -> bool:
    newest = ""
    for stored in records(directory, number, 0):
        if stored.segment != number:
            break
        try:
            newest = max(newest, str(orjson.loads(stored.data)["time"]))
        except (KeyError, TypeError, ValueError):
            return False  # what is no record is evidence
    return bool(newest) and newest < before


def _count(directory: Path, number: int) -> int:
    """How many records there were before a segment."""
    return Header.parse(_header(directory, number)).seq


def _header(directory: Path, number: int) -> bytes:
    with segment(directory, number, LOG).open("rb") as stream:
        return stream.readline()
