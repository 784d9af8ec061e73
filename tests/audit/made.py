"""A log made from the pure parts alone, in memory, to be taken apart by tests."""

from binascii import hexlify
from dataclasses import dataclass, field, replace

from keepgate.audit.checkpoint import Signer
from keepgate.audit.record import GENESIS, INLINE, NONE, Entry, Form, beside, inline, leaf
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


LONG = ENTRY._replace(payload=b'"' + b"x" * INLINE + b'"')
"""Its payload lies beside its record."""
PAYLOADS = (b"", b"[%d]", b'{"beside":%d}', b'{"beside too":%d}')


def entry(**changes) -> Entry:
    return ENTRY._replace(**changes)


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
    inline: int = 30
    """Bytes of a sealed payload that stands in its record: small, so that there are both kinds."""
    parts: list[Part] = field(default_factory=list)
    notes: list[bytes] = field(default_factory=list)

    def __post_init__(self):
        self.rotate()

    def rotate(self):
        number = len(self.parts) + 1
        header = Header(WRITER, number, self.tree.size, self.prev, tuple(self.tree.peaks))
        self.parts.append(Part([header.line()]))

    def add(self, made: Entry = ENTRY, given: str = ""):
        """`given` stands in the record as its payload, whatever that should be."""
        part, seq = self.parts[-1], self.tree.size
        form = Form.of(made, WRITER, self.key.id, made.name)
        plain, payload = form.envelope(made), NONE
        if plain:
            nonce = seq.to_bytes(12, "big")
            sealed = self.key.seal(nonce, plain, binding(WRITER, seq))
            if len(sealed) <= self.inline:
                payload = inline(hexlify(nonce), sealed)
            else:
                payload = beside(hexlify(nonce), sealed, len(part.sealed))
                part.sealed += sealed
        record = form.fill(made, seq, self.prev.encode(), (given.encode(),) if given else payload)
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
        log.add(entry(payload=PAYLOADS[number % 4] % number if number % 4 else b""))
        if number + 1 == signed:
            log.checkpoint()
    return log
