"""An independent check of keepgate's evidence, on one page: the standard library, and `cryptography` for the signature.

    python verify_audit.py proof FILE KEY    # what `keepgate audit prove` wrote
    python verify_audit.py log DIRECTORY KEY # a writer's directory, state/audit/<writer>: records, tree, checkpoints

KEY is the verifier key of the log (`audit/<writer>/public.key`) from a place that you trust. Written from RFC 6962, the
C2SP formats (signed-note, tlog-checkpoint, tlog-proof) and docs/audit.md; it shares no code with keepgate. Exit code 0:
it holds. 1: it does not.
"""

import json
import sys
from base64 import b64decode
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def need(truth, what):
    if not truth:
        raise SystemExit(f"does not hold: {what}")


def checkpoint(note: str, vkey: str) -> tuple[str, int, bytes]:
    """Origin, size and root of a signed note."""
    origin, key_id, encoded = vkey.strip().split("+", 2)
    raw = b64decode(encoded)
    need(raw[0] == 1 and sha256(origin.encode() + b"\n" + raw).hexdigest()[:8] == key_id, "the key")
    text, _, signatures = note.partition("\n\n")
    ours = [line.split(" ")[2] for line in signatures.split("\n") if line.startswith(f"— {origin} ")]
    need(ours, "the checkpoint is not signed by this log")
    signature = b64decode(ours[0])
    need(signature[:4].hex() == key_id, "the checkpoint is signed by another key")
    try:
        Ed25519PublicKey.from_public_bytes(raw[1:]).verify(signature[4:], f"{text}\n".encode())
    except InvalidSignature:
        need(False, "the signature")
    named, size, root = text.split("\n")
    need(named == origin, "the checkpoint is of another log")
    return origin, int(size), b64decode(root)


def leaf(record: bytes) -> bytes:
    return sha256(b"\0" + record).digest()


def root_by_path(node: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """RFC 6962, 2.1.1: the path is read from the root down, which the shape of the tree tells."""
    if size == 1:
        need(not path, "the length of the proof")
        return node
    need(path, "the length of the proof")
    split = 1 << (size - 1).bit_length() - 1
    if index < split:
        return sha256(b"\1" + root_by_path(node, index, split, path[:-1]) + path[-1]).digest()
    return sha256(b"\1" + path[-1] + root_by_path(node, index - split, size - split, path[:-1])).digest()


def verify_proof(file: str, vkey: str) -> None:
    given = json.loads(Path(file).read_text())
    need(given["format"] == "keepgate-proof/1" and given["records"], "the format")
    for each in given["records"]:
        head, _, note = each["proof"].partition("\n\n")
        name, index, *path = head.split("\n")
        need(name == "c2sp.org/tlog-proof@v1", "the format")
        seq = int(index.removeprefix("index "))
        origin, size, root = checkpoint(note, vkey)
        record = json.loads(each["record"])
        need(
            0 <= seq < size and (record["writer"], record["seq"]) == (origin.split("/")[-1], seq), "the place"
        )
        found = root_by_path(leaf(each["record"].encode()), seq, size, [b64decode(line) for line in path])
        need(found == root, f"record {seq}")
        # Others chose the method: as ASCII it is nothing to a terminal.
        said = ascii(f"{record['time']} {record['method']} {record['verdict']['effect']}")
        print(f"holds: record {seq} of {origin}: {said[1:-1]}")


def verify_log(directory: str, vkey: str) -> None:
    """Every record, payload and checkpoint of a log of which nothing was removed by retention."""
    parts = (Path(directory) / "checkpoints").read_text().split("\n\n")
    notes = ["\n\n".join(parts[at : at + 2]) for at in range(0, len(parts) - 1, 2)]
    signed = [checkpoint(note, vkey)[1:] for note in notes]
    roots, previous, seq = {}, "0" * 64, 0
    peaks: list[tuple[int, bytes]] = []  # full subtrees, largest first: (leaves, hash)
    for file in sorted(Path(directory).glob("*.log")):
        sealed, end = file.with_suffix(".sealed").read_bytes(), 0
        for line in file.read_bytes().split(b"\n")[1:-1]:
            record = json.loads(line)
            need(
                (record["seq"], record["prev"]) == (seq, previous),
                f"record {seq} follows from the one before",
            )
            if record["payload"] and "cipher" in record["payload"]:
                start, end = end, end + record["payload"]["len"]
                need(
                    sha256(sealed[start:end]).hexdigest() == record["payload"]["cipher"],
                    f"payload of record {seq}",
                )
            count, node = 1, leaf(line)
            previous, seq = node.hex(), seq + 1
            while peaks and peaks[-1][0] == count:
                count, node = count * 2, sha256(b"\1" + peaks.pop()[1] + node).digest()
            peaks.append((count, node))
            root = peaks[-1][1]
            for _, peak in reversed(peaks[:-1]):
                root = sha256(b"\1" + peak + root).digest()
            roots[seq] = root
    for size, root in signed:
        need(roots.get(size) == root, f"the first {size} records are those that were signed")
    need(signed, "nothing is signed")
    print(
        f"holds: {seq} records, {signed[-1][0]} of them signed; whether more were there nobody here can say"
    )


if __name__ == "__main__":
    {"proof": verify_proof, "log": verify_log}[sys.argv[1]](sys.argv[2], Path(sys.argv[3]).read_text())
