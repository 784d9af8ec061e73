"""A log made from the pure parts alone, in memory, to be taken apart by tests."""

from dataclasses import dataclass, field, replace
from hashlib import sha256

from keepgate.audit.checkpoint import Signer
from keepgate.audit.record import GENESIS, Entry, encode, envelope, leaf
from keepgate.audit.seal import DataKey, binding
from keepgate.audit.segment import Header
from keepgate.audit.tree import Tree
from keepgate.audit.verify import Evidence, Segment

WRITER = "00112233445566ff"
ENTRY = Entry(
    time_ns=1_795_250_000_123_456_789,
    trace="d-1",
    direction="to_server",
    kind="request",
    method="tools/call",
    principal="key:cursor",
    client="cursor/1.0",
    server="files",
    name="read_file",
    effect="allow",
    rules=("policy0",),
    size=40,
    payload=b'{"path":"/etc/hosts"}',
)


def entry(**changes) -> Entry:
    return replace(ENTRY, **changes)


@dataclass
class Part:
    """One segment: its lines and its sealed payloads."""

    lines: list[bytes]
    sealed: bytes = b""


@dataclass
class MadeLog:
    """`add` records, `rotate`, `checkpoint`; then change `parts` or `notes` and look at `evidence`."""

    signer: Signer = field(default_factory=lambda: Signer(f"test/{WRITER}", b"s" * 32))
    key: DataKey = field(default_factory=lambda: DataKey(b"k" * 32, "key:cursor", "2026-11"))
    tree: Tree = field(default_factory=Tree)
    prev: str = GENESIS
    parts: list[Part] = field(default_factory=list)
    notes: list[bytes] = field(default_factory=list)

    def __post_init__(self):
        self.rotate()

    def rotate(self):
        number = len(self.parts) + 1
        header = Header(WRITER, number, self.tree.size, self.prev, tuple(self.tree.peaks))
        self.parts.append(Part([header.line()]))

    def add(self, made: Entry = ENTRY):
        part, seq = self.parts[-1], self.tree.size
        plain = envelope(made, made.name)
        payload = None
        if plain:
            sealed = self.key.seal(seq.to_bytes(12, "big"), plain, binding(WRITER, seq))
            payload = {
                "cipher": sha256(sealed).hexdigest(),
                "digest": self.key.digest(plain),
                "len": len(sealed),
                "off": len(part.sealed),
            }
            part.sealed += sealed
        record = encode(made, (WRITER, seq, self.prev), (self.key.id, made.name), payload)
        part.lines.append(record + b"\n")
        self.tree.append(leaf(record))
        self.prev = leaf(record).hex()

    def checkpoint(self):
        self.notes.append(self.signer.sign(self.tree.size, self.tree.root()))

    def evidence(self, **changes) -> Evidence:
        found = Evidence(
            WRITER,
            self.signer.public.vkey(),
            b"".join(note + b"\n" for note in self.notes),
            [segment(number, part) for number, part in enumerate(self.parts, 1)],
        )
        return replace(found, **changes)


def segment(number: int, part: Part) -> Segment:
    return Segment(number, part.lines, lambda offset, length: part.sealed[offset : offset + length])


def made_log(records: int = 6, *, signed: int = 4, rotated: int = 3) -> MadeLog:
    """A log of `records`, rotated after `rotated`, with checkpoints there and at `signed`."""
    log = MadeLog()
    for number in range(records):
        if number == rotated:
            log.checkpoint()
            log.rotate()
        log.add(entry(payload=b'{"n":%d}' % number if number % 3 else b""))
        if number + 1 == signed:
            log.checkpoint()
    return log
