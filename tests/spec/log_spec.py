"""The log on one page: what `keepgate.audit.tree` and `keepgate.audit.verify` must equal. Executable, compared by
hypothesis. Written from RFC 6962 section 2.1 and docs/audit.md, for clarity and not for speed.
"""

import json
from base64 import b64decode
from contextlib import suppress
from hashlib import sha256


def leaf_hash(record: bytes) -> bytes:
    return sha256(b"\x00" + record).digest()


def tree_hash(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, over leaf hashes."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + tree_hash(leaves[:split]) + tree_hash(leaves[split:])).digest()


def holds(writer: str, records: list[bytes], sealed: bytes, checkpoints: list[tuple[int, bytes]]) -> bool:
    """Whether a log of one segment is the one that was written, as far as this can be known without another copy."""
    leaves = [leaf_hash(record) for record in records]
    signed = max((size for size, _ in checkpoints), default=0)
    return (
        all(follows(writer, number, record, leaves) for number, record in enumerate(records))
        and payloads_lie_as_told(records, sealed, signed)
        and all(size <= len(leaves) and tree_hash(leaves[:size]) == root for size, root in checkpoints)
    )


def follows(writer: str, number: int, record: bytes, leaves: list[bytes]) -> bool:
    prev = leaves[number - 1].hex() if number else "0" * 64
    given = parsed(record)
    chained = [given.get(key) for key in ("v", "writer", "seq", "prev")] == [2, writer, number, prev]
    return chained and {"kind", "payload"} <= given.keys() and has_a_form(given["payload"])


def has_a_form(payload: object) -> bool:
    """Nothing, sealed within the record, or beside it."""
    match payload:
        case None:
            return True
        case {"nonce": _, "sealed": str(sealed), **rest} if not rest:
            with suppress(ValueError):
                b64decode(sealed, validate=True)
                return True
            return False
        case {"nonce": _, "cipher": _, "off": _, "len": int(length), **rest}:
            return length > 0 and not rest
        case _:
            return False


def payloads_lie_as_told(records: list[bytes], sealed: bytes, signed: int) -> bool:
    """Those beside their records one after the other; of what is not signed, a power failure may have taken some."""
    end = 0
    for number, payload in enumerate(parsed(record)["payload"] for record in records):
        if payload is not None and "sealed" not in payload:
            start, end = end, end + payload["len"]
            intact = sha256(sealed[start:end]).hexdigest() == payload["cipher"]
            if payload["off"] != start or (number < signed and not intact):
                return False
    return True


def parsed(record: bytes) -> dict:
    try:
        given = json.loads(record)
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}
