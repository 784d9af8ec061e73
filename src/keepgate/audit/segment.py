"""Segment files: their first line, which says where in the log they start, and their torn end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import orjson

from keepgate.audit.checkpoint import EvidenceError
from keepgate.audit.tree import Tree

FORMAT: Final = "keepgate-audit/2"


@dataclass(frozen=True, slots=True)
class Header:
    """State of the log before the first record of a segment: `seq` records, the last with leaf hash `prev` (hex).

    `peaks` is the tree of those records (see `Tree`).
    """

    writer: str
    segment: int
    seq: int
    prev: str
    peaks: tuple[bytes, ...] = ()

    def line(self) -> bytes:
        """The header as stored, with its newline."""
        return orjson.dumps(
            {
                "format": FORMAT,
                "peaks": [peak.hex() for peak in self.peaks],
                "prev": self.prev,
                "segment": self.segment,
                "seq": self.seq,
                "writer": self.writer,
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )

    @classmethod
    def parse(cls, line: bytes) -> Header:
        """The header in a line. Raises EvidenceError."""
        try:
            given = orjson.loads(line)
            header = cls(
                given["writer"],
                given["segment"],
                given["seq"],
                given["prev"],
                tuple(bytes.fromhex(peak) for peak in given["peaks"]),
            )
            header.tree()
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise EvidenceError("audit-header", "the header of a segment is malformed") from error
        if header.line() != line:
            raise EvidenceError("audit-header", "the header of a segment is of another format")
        return header

    def tree(self) -> Tree:
        """The tree of the records before this segment. Raises ValueError if peaks and size disagree."""
        return Tree(self.seq, self.peaks)


def torn(line: bytes) -> bool:
    """Whether a line was not written to its end: it has no newline, or zeros where a power failure left a hole.

    It and everything after it are then no part of the log. No line that was written holds a zero byte.
    """
    return not line.endswith(b"\n") or b"\0" in line
