"""Witnesses: who keeps the newest checkpoint of a log elsewhere, and signs that it only ever grew.

Formats: https://c2sp.org/tlog-cosignature and https://c2sp.org/tlog-witness.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from keepgate.audit.checkpoint import Checkpoint, EvidenceError, parse_note, parse_vkey

_COSIGNATURE: Final = b"\x04"
"""Signature type of the signed-note format."""


class WitnessKey:
    """Checks the cosignatures of one witness."""

    def __init__(self, name: str, raw: bytes) -> None:
        self.name = name
        self.hash = sha256(name.encode() + b"\n" + _COSIGNATURE + raw).digest()[:4]
        self._raw = raw
        self._key = Ed25519PublicKey.from_public_bytes(raw)

    @classmethod
    def parse(cls, vkey: str) -> WitnessKey:
        """The key as witnesses publish it: `<name>+<hash>+<base64>`. Raises EvidenceError."""
        try:
            return cls(*parse_vkey(vkey, _COSIGNATURE))
        except ValueError as error:
            raise EvidenceError("audit-witness", f"the key of a witness is malformed: {error}") from error

    def vkey(self) -> str:
        """The key as it is published."""
        return f"{self.name}+{self.hash.hex()}+{b64encode(_COSIGNATURE + self._raw).decode()}"

    def verify(self, note: bytes) -> tuple[Checkpoint, int]:
        """The checkpoint, and the Unix second at which this witness signed it. Raises EvidenceError if it did not."""
        checkpoint = parse_note(note)
        prefix = f"— {self.name} "
        for line in note.decode().partition("\n\n")[2].split("\n"):
            try:
                signature = b64decode(line.removeprefix(prefix), validate=True)
            except ValueError:
                continue
            if line.startswith(prefix) and signature[:4] == self.hash and len(signature) == 76:
                time = int.from_bytes(signature[4:12], "big")
                try:
                    self._key.verify(signature[12:], message(checkpoint, time))
                except InvalidSignature:
                    continue
                return checkpoint, time
        raise EvidenceError("audit-witness", f"the checkpoint is not signed by the witness `{self.name}`")


def message(checkpoint: Checkpoint, time: int) -> bytes:
    """What a witness signs."""
    return f"cosignature/v1\ntime {time}\n{checkpoint.text()}".encode()


def submission(old: int, path: Sequence[bytes], note: bytes) -> bytes:
    """The body of `add-checkpoint`: `note` goes on from the `old` records that the witness has seen."""
    lines = [f"old {old}", *(b64encode(each).decode() for each in path)]
    return "\n".join(lines).encode() + b"\n\n" + note


def cosigned(note: bytes, answer: bytes) -> bytes:
    """A note with the lines that a witness answered with. Raises EvidenceError for anything else."""
    lines = answer.split(b"\n")
    if lines.pop() or not lines or not all(line.startswith("— ".encode()) for line in lines):
        raise EvidenceError("audit-witness", "the witness answered with no signature")
    return note + answer
