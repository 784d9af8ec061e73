"""Does a log hold together? Reads what a writer left, needs the public key only, and answers pass, fail or unknown.

What is proven against whom is in docs/audit.md. The steps are numbered here and at the code:

1. the public key is there and is of this writer;
2. each checkpoint is signed by it, and they only grow;
3. each segment goes on where the one before ended;
4. each record goes on where the one before ended;
5. each sealed payload that lies beside its record is the one it names;
6. at the size of each checkpoint, the tree has its root;
7. the log reaches its newest checkpoint;
8. and those that were kept elsewhere.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

import orjson

from keepgate.audit.checkpoint import Checkpoint, EvidenceError, PublicKey, notes
from keepgate.audit.record import GENESIS, PRUNED, RECOVERED, ROTATED, VERSION, leaf
from keepgate.audit.segment import Header, torn
from keepgate.audit.tree import Tree

MOST: Final = 20
"""Problems that are listed."""
_HASH: Final = 32
LONGEST: Final = 1 << 30
"""Bytes of a sealed payload; far above any message limit."""


class Status(StrEnum):
    """An answer to one question, or to all."""

    PASS = "pass"  # noqa: S105 - not a password
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment as it is read: its number, its lines with their newlines, and `payload(off, len)`."""

    number: int
    lines: Iterable[bytes]
    payload: Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that one writer left. `checkpoints` was read before the segments; `elsewhere` are checkpoints kept apart."""

    writer: str
    public_key: str
    checkpoints: bytes
    segments: Iterable[Segment]
    elsewhere: Sequence[bytes] = ()
    pruned: Sequence[bytes] = ()
    """Of the segments before those that are there: the leaf hashes of their records, one after the other."""


@dataclass(slots=True)
class Report:
    """What was found about one writer. `signed` is the size that checkpoints cover; the rest is the unsigned window."""

    writer: str
    records: int = 0
    pruned: int = 0
    """Records of which only the leaf hashes are left, because they were past their time."""
    signed: int = 0
    checkpoints: int = 0
    key: str = ""
    """The public key that the checkpoints were checked with."""
    failed: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    successors: list[str] = field(default_factory=list)
    """Keys that the signed records name as those that follow, `ed25519:<base64>`."""
    prunings: list[str] = field(default_factory=list)
    """What the signed records say was past its time, `writer:count`."""
    witnessed: list[str] = field(default_factory=list)
    """What others say that keep its checkpoints."""

    @property
    def unsigned(self) -> int:
        """Records after the newest checkpoint: the unsigned window."""
        return self.records - self.signed

    @property
    def status(self) -> Status:
        """FAIL if anything is wrong, UNKNOWN if nothing is signed, else PASS for the signed records."""
        if self.failed:
            return Status.FAIL
        return Status.PASS if self.signed else Status.UNKNOWN

    def fail(self, problem: str) -> None:
        """Note a problem."""
        if len(self.failed) < MOST:
            self.failed.append(problem)


def verify_writer(evidence: Evidence) -> Report:
    """Check everything that one writer left. Never raises for bad evidence: that is what the report is for."""
    report = Report(evidence.writer)
    key = _public_key(evidence, report)
    local = _checkpoints(notes(evidence.checkpoints), key, report, "checkpoint") if key else []
    elsewhere = _checkpoints(evidence.elsewhere, key, report, "checkpoint kept elsewhere") if key else []
    report.checkpoints = len(local)
    chain = _Chain(report, sorted([*local, *elsewhere], key=lambda found: found.size))
    try:
        for leaves in evidence.pruned:
            chain.pruned(leaves)
        for number, segment in enumerate(evidence.segments, len(evidence.pruned) + 1):
            chain.segment(segment, number)
    except EvidenceError as error:
        report.fail(error.public)
    chain.end()
    report.records = chain.tree.size
    if local and not report.failed:
        report.signed = local[-1].size
        report.successors = [named for seq, named in chain.successors if seq < report.signed]
        report.prunings = [told for seq, told in chain.prunings if seq < report.signed]
    _say_unknown(report, evidence)
    return report


def _public_key(evidence: Evidence, report: Report) -> PublicKey | None:
    """Step 1."""
    try:
        key = PublicKey.parse(evidence.public_key)
    except EvidenceError as error:
        report.fail(error.public)
        return None
    if key.origin.rpartition("/")[2] != evidence.writer:
        report.fail("the public key is of another writer")
        return None
    report.key = key.vkey()
    return key


def _checkpoints(found: Sequence[bytes], key: PublicKey, report: Report, what: str) -> list[Checkpoint]:
    """Step 2."""
    good: list[Checkpoint] = []
    for number, note in enumerate(found, 1):
        try:
            checkpoint = key.verify(note)
        except EvidenceError as error:
            report.fail(f"{what} {number}: {error.public}")
            continue
        if good and checkpoint.size <= good[-1].size and what == "checkpoint":
            report.fail(f"{what} {number}: is not larger than the one before")
        good.append(checkpoint)
    return good


def check_succession(reports: Sequence[Report]) -> None:
    """Note what is open about keys: one was the first, every other must be named by a log that is signed."""
    named = {successor for report in reports for successor in report.successors}
    unnamed = [report for report in reports if report.key and _shown(report.key) not in named]
    if len({_shown(report.key) for report in unnamed}) > 1:
        for report in unnamed:
            report.unknown.append(
                "whose key signed this: other logs here have another, and none names this one"
            )


def check_prunings(reports: Sequence[Report]) -> None:
    """Fail a log that lacks more of its beginning than a log signed by the same key, or one that followed it, says."""
    followers = {successor for report in reports for successor in report.successors}
    for report in reports:
        if report.pruned and report.key:
            trusted = {_shown(report.key), *followers}
            told = [
                int(count)
                for other in reports
                if other.key and not other.failed and _shown(other.key) in trusted
                for writer, _, count in (each.partition(":") for each in other.prunings)
                if writer == report.writer and count.isdecimal()
            ]
            if report.pruned > max(told, default=0):
                report.fail(
                    f"the first {report.pruned} records are gone, and no signed record says that it was their time"
                )


def _shown(vkey: str) -> str:
    """The key of a verifier key as records name it."""
    return f"ed25519:{b64encode(PublicKey.parse(vkey).raw).decode()}"


def _say_unknown(report: Report, evidence: Evidence) -> None:
    if not report.signed and not report.failed:
        report.unknown.append("no checkpoint signs these records")
    if not evidence.elsewhere:
        report.unknown.append(
            "whether records after a newer checkpoint were removed: none was kept elsewhere"
        )


class _Chain:
    """Steps 3 to 8, over records in order."""

    def __init__(self, report: Report, checkpoints: list[Checkpoint]) -> None:
        self.report = report
        self.tree = Tree()
        self.prev = GENESIS
        self.due = checkpoints[::-1]
        self.sizes = [checkpoint.size for checkpoint in checkpoints]
        self.missing: dict[int, str] = {}
        """Records whose payload is not the one they name."""
        self.successors: list[tuple[int, str]] = []
        """Keys that are to follow, each with the record that says so."""
        self.prunings: list[tuple[int, str]] = []
        """What was past its time, each with the record that says so."""
        self.sealed_at = 0
        self.torn = 0

    def pruned(self, leaves: bytes) -> None:
        """Take in what is left of a segment that was past its time. Raises EvidenceError where it does not fit."""
        if not leaves or len(leaves) % _HASH:
            raise EvidenceError("audit-log", "the hashes of records past their time are damaged")
        for at in range(0, len(leaves), _HASH):
            self.tree.append(leaves[at : at + _HASH])
            self._compare()
        self.prev = leaves[-_HASH:].hex()
        self.report.pruned = self.tree.size

    def segment(self, segment: Segment, number: int) -> None:
        """Read one segment. Raises EvidenceError where nothing after it can be trusted."""
        lines = iter(segment.lines)
        header = Header.parse(next(lines, b""))
        here = Header(self.report.writer, number, self.tree.size, self.prev, tuple(self.tree.peaks))
        if segment.number != number or header != here or self.torn:  # step 3
            raise EvidenceError("audit-log", f"segment {segment.number} does not go on where the log was")
        self._compare()
        self.sealed_at = 0
        for line in lines:
            if torn(line):
                self.torn = len(line) + sum(map(len, lines))
                break
            self._record(line[:-1], segment)

    def _record(self, stored: bytes, segment: Segment) -> None:
        seq = self.tree.size
        try:
            record = orjson.loads(stored)
            chained = (record["v"], record["writer"], record["seq"], record["prev"])
            place = _place(record["payload"])
            told = (record["method"], [*record["rules"]]) if record["kind"] == "event" else ("", ())
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise EvidenceError("audit-log", f"record {seq} is malformed") from error
        if chained != (VERSION, self.report.writer, seq, self.prev):  # step 4
            raise EvidenceError(
                "audit-log",
                f"record {seq} does not follow from the one before: one of them was changed, moved, added or removed",
            )
        if place:
            self._payload(seq, place, segment)
        if told[1]:
            self._heed(record, seq)
        hashed = leaf(stored)
        self.tree.append(hashed)
        self.prev = hashed.hex()
        self._compare()

    def _heed(self, record: dict[str, Any], seq: int) -> None:
        """What the log says of itself."""
        method, rules, verdict = record["method"], record["rules"], record.get("verdict")
        if method == RECOVERED:
            self._excuse(rules, seq)
        elif method == ROTATED:
            self.successors += [(seq, str(named)) for named in rules]
        elif method == PRUNED and isinstance(verdict, dict) and verdict.get("effect") == "allow":
            # What somebody asked for who may not is recorded as well, and allows nothing.
            self.prunings += [(seq, str(told)) for told in rules]

    def _payload(self, seq: int, place: tuple[Any, Any, Any], segment: Segment) -> None:
        """Step 5. Payloads lie one after the other, in the order of their records."""
        offset, length, cipher = place
        if offset != self.sealed_at or type(length) is not int or not 0 < length <= LONGEST:
            raise EvidenceError("audit-log", f"record {seq} names a payload where none can be")
        self.sealed_at += length
        if sha256(segment.payload(self.sealed_at - length, length)).hexdigest() != cipher:
            self.missing[seq] = f"the payload of record {seq} was changed or removed"

    def _compare(self) -> None:
        """Step 6."""
        while self.due and self.due[-1].size == self.tree.size:
            if self.due.pop().root != self.tree.root():
                raise EvidenceError(
                    "audit-log", f"the first {self.tree.size} records are not those that were signed"
                )

    def _excuse(self, lost: Sequence[Any], seq: int) -> None:
        """Payloads that a power failure took, as the recovery after it said.

        Only what no checkpoint covered then can be lost so: a checkpoint is written after the disk has everything.
        """
        covered = max((size for size in self.sizes if size <= seq), default=0)
        for first, last in _ranges(lost):
            for number in [number for number in self.missing if max(first, covered) <= number <= last]:
                del self.missing[number]
                self.report.unknown.append(f"the payload of record {number} was lost in a power failure")

    def end(self) -> None:
        """What is left to say when all was read."""
        for seq, problem in self.missing.items():
            if seq < max(self.sizes, default=0):
                self.report.fail(problem)
            else:
                self.report.unknown.append(f"{problem}, or lost in a power failure: no checkpoint covers it")
        if self.due and not self.report.failed:  # steps 7 and 8
            self.report.fail(
                f"the log ends at record {self.tree.size}; a checkpoint signs {self.due[0].size}: records were removed"
            )
        if self.torn:
            self.report.unknown.append(f"{self.torn} bytes of an unfinished record at the end")


def _place(payload: Any) -> tuple[Any, Any, Any] | None:
    """Offset, length and hash of a sealed payload; None if there is none beside the record.

    Raises KeyError, TypeError or ValueError for anything that no writer writes.
    """
    if payload is None:
        return None
    if payload.keys() == {"nonce", "sealed"}:
        b64decode(payload["sealed"], validate=True)
        return None
    if payload.keys() != {"cipher", "len", "nonce", "off"}:
        raise KeyError("payload")
    return payload["off"], payload["len"], payload["cipher"]


def _ranges(texts: Sequence[Any]) -> list[tuple[int, int]]:
    """`["3-5"]` as `[(3, 5)]`. Raises EvidenceError."""
    try:
        return [(int(first), int(last)) for first, last in (text.split("-") for text in texts)]
    except (AttributeError, TypeError, ValueError) as error:
        raise EvidenceError("audit-log", "a recovery record is malformed") from error
