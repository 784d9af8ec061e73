"""Proofs from the log on disk: the index says where a record lies and holds the tree, a checkpoint signs it.

The index is not trusted: what it gives is held against the signed root before it leaves here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson

from keepgate.audit.checkpoint import Checkpoint, EvidenceError, PublicKey, notes
from keepgate.audit.proof import check_consistency, check_inclusion, consistency, inclusion, tree_hash
from keepgate.audit.receipt import Receipt
from keepgate.audit.record import leaf
from keepgate.stores.audit.files import CHECKPOINTS, PUBLIC_KEY, audit_directory, segments
from keepgate.stores.audit.index import Filter, Index
from keepgate.stores.audit.reading import records

_MOST = 1000
"""Records of one decision."""


class Prover:
    """Makes proofs from the log below `state`, with an index that was brought up to date."""

    def __init__(self, state: Path, index: Index) -> None:
        self._audit = audit_directory(state)
        self._index = index

    def decision(self, trace: str) -> list[Receipt]:
        """All records of a decision, or the one at `<writer>/<seq>`. Raises EvidenceError, LocalError, OSError."""
        writer, slash, seq = trace.partition("/")
        if slash and seq.isdecimal():
            found = [self._at(writer, int(seq))]
        else:
            found = [record for _, record in self._index.stored(Filter(trace=trace), limit=_MOST)]
        if not found:
            raise EvidenceError("audit-proof", f"nothing is recorded under `{trace}`")
        by_writer: dict[str, list[tuple[int, bytes]]] = {}
        for record in found:
            said = orjson.loads(record)
            by_writer.setdefault(said["writer"], []).append((said["seq"], record))
        return [made for writer, some in by_writer.items() for made in self._receipts(writer, some)]

    def newest(self, writer: str) -> tuple[bytes, Checkpoint, PublicKey]:
        """The newest checkpoint of a writer, as signed and as read. Raises EvidenceError, OSError."""
        directory = self._audit / writer
        try:
            key = PublicKey.parse((directory / PUBLIC_KEY).read_text())
            signed = notes((directory / CHECKPOINTS).read_bytes())
        except FileNotFoundError as error:
            raise EvidenceError("audit-proof", f"there is no log of a writer `{writer}`") from error
        if not signed:
            raise EvidenceError("audit-proof", f"nothing of the log of `{writer}` is signed yet")
        return signed[-1], key.verify(signed[-1]), key

    def extension(self, writer: str, old: int, checkpoint: Checkpoint) -> list[bytes]:
        """The proof that a signed tree goes on from its first `old` records. Raises EvidenceError, LocalError."""
        with self._index.tree(writer) as (nodes, _):
            path = consistency(nodes, old, checkpoint.size)
            earlier = tree_hash(nodes, 0, old)
        check_consistency((old, earlier), (checkpoint.size, checkpoint.root), path)
        return path

    def _receipts(self, writer: str, some: list[tuple[int, bytes]]) -> Iterator[Receipt]:
        note, checkpoint, key = self.newest(writer)
        with self._index.tree(writer) as (nodes, _):
            for seq, record in some:
                if seq >= checkpoint.size:
                    text = f"record {seq} of `{writer}` is not signed yet: try again in some seconds"
                    raise EvidenceError("audit-unsigned", text)
                path = inclusion(nodes, seq, checkpoint.size)
                try:
                    check_inclusion(leaf(record), seq, checkpoint.size, checkpoint.root, path)
                except EvidenceError as error:
                    text = f"record {seq} of `{writer}` cannot be proven: `keepgate audit verify` says why"
                    raise EvidenceError("audit-proof", text) from error
                yield Receipt(record, seq, path, note, key.vkey())

    def _at(self, writer: str, seq: int) -> bytes:
        """The record with this number. Raises EvidenceError."""
        directory = self._audit / writer
        numbers = segments(directory) if writer.isalnum() else []
        for number in reversed(numbers):
            found = next(records(directory, number, 0), None)
            if found is not None and (first := orjson.loads(found.data)["seq"]) <= seq:
                for skipped, stored in enumerate(records(directory, number, 0)):
                    if first + skipped == seq:
                        return stored.data
        raise EvidenceError("audit-proof", f"there is no record {seq} of a writer `{writer}`")
