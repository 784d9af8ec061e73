"""Proof files: records with all that is needed to check, without the log, that it holds them (docs/audit.md).

A file is a JSON object `{"format", "records": [{"key", "proof", "record"}]}`. `proof` is a C2SP tlog-proof
(https://c2sp.org/tlog-proof): index, path and signed checkpoint, for any tool that speaks it; `record` is the stored
line, `key` the verifier key of its log. Whoever makes a file can put a key of his own there: a proof proves something
about the log whose key its reader has from elsewhere.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from keepgate.audit.checkpoint import Checkpoint, EvidenceError, PublicKey
from keepgate.audit.proof import LONGEST, check_inclusion
from keepgate.audit.record import leaf

FORMAT: Final = "keepgate-proof/1"
_TLOG_PROOF: Final = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class Receipt:
    """One record in a proof file."""

    record: bytes
    index: int
    path: Sequence[bytes]
    note: bytes
    """The signed checkpoint."""
    key: str
    """The log's verifier key."""


@dataclass(frozen=True, slots=True)
class Proven:
    """A record that is in its log, if `key` is the key of that log. `pinned`: its reader knew that key before."""

    record: dict[str, Any]
    checkpoint: Checkpoint
    key: str
    pinned: bool


def document(receipts: Iterable[Receipt]) -> bytes:
    """The proof file."""
    records = [
        {"key": each.key, "proof": _tlog_proof(each), "record": each.record.decode()} for each in receipts
    ]
    return orjson.dumps({"format": FORMAT, "records": records}, option=orjson.OPT_INDENT_2) + b"\n"


def verify_document(data: bytes, known: Iterable[str] = ()) -> list[Proven]:
    """What a proof file proves; `known` are verifier keys from elsewhere. Raises EvidenceError.

    1. the checkpoint of each record is signed by the key beside it;
    2. if any keys are known, it is one of these;
    3. the record is at its index in the tree that was signed;
    4. and says the same of itself.
    """
    try:
        given = orjson.loads(data)
        if given["format"] != FORMAT:
            raise EvidenceError("audit-proof", f"not a proof file of format `{FORMAT}`")
        entries = [(each["key"] + "", each["proof"], each["record"].encode()) for each in given["records"]]
        receipts = [_receipt(key, proof, record) for key, proof, record in entries]
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise EvidenceError("audit-proof", "not a proof file") from error
    if not receipts:
        raise EvidenceError("audit-proof", "the file proves nothing: it holds no record")
    keys = {PublicKey.parse(key).vkey() for key in known}
    return [_verify(receipt, keys) for receipt in receipts]


def _verify(receipt: Receipt, known: set[str]) -> Proven:
    key = PublicKey.parse(receipt.key)
    checkpoint = key.verify(receipt.note)  # step 1
    if known and key.vkey() not in known:  # step 2
        raise EvidenceError("audit-proof", f"the log `{key.origin}` was signed by a key that is not known")
    check_inclusion(
        leaf(receipt.record), receipt.index, checkpoint.size, checkpoint.root, receipt.path
    )  # step 3
    try:
        record = orjson.loads(receipt.record)
        said = record["writer"], record["seq"]
    except (KeyError, TypeError, ValueError) as error:
        raise EvidenceError("audit-proof", "what was signed is no record") from error
    if said != (key.origin.rpartition("/")[2], receipt.index):  # step 4
        raise EvidenceError("audit-proof", "what was signed is the record of another place")
    return Proven(record, checkpoint, key.vkey(), pinned=bool(known))


def _tlog_proof(receipt: Receipt) -> str:
    lines = [_TLOG_PROOF, f"index {receipt.index}", *(b64encode(each).decode() for each in receipt.path)]
    return "\n".join(lines) + "\n\n" + receipt.note.decode()


def _receipt(key: str, proof: str, record: bytes) -> Receipt:
    """Raises ValueError or EvidenceError."""
    head, _, note = proof.partition("\n\n")
    lines = head.split("\n")
    if lines[1].startswith("extra "):
        del lines[1]
    index = lines[1].removeprefix("index ")
    if lines[0] != _TLOG_PROOF or not index.isdecimal() or len(index) > 19 or len(lines) > LONGEST + 2:
        raise EvidenceError("audit-proof", "not a proof in the format of C2SP tlog-proof")
    return Receipt(record, int(index), [_hash(line) for line in lines[2:]], note.encode(), key)


def _hash(line: str) -> bytes:
    found = b64decode(line, validate=True)
    if len(found) != 32:
        raise EvidenceError("audit-proof", "not a proof in the format of C2SP tlog-proof")
    return found
