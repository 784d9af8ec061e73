"""Signed checkpoints: C2SP tlog-checkpoint in a signed note, Ed25519.

A checkpoint says: the log `origin` had `size` records with this root. Formats: https://c2sp.org/tlog-checkpoint and
https://c2sp.org/signed-note, so any tool that speaks them can witness or check a log.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from keepgate.model.errors import LocalError

_ED25519: Final = b"\x01"
"""Signature type of the signed-note format."""


class EvidenceError(LocalError):
    """Stored evidence is malformed, or does not verify."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log had recorded at one moment. `root` is the RFC 6962 tree hash of its first `size` records."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The signed text."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


class Signer:
    """Signs the checkpoints of the log `origin`. `seed` is an Ed25519 private key, 32 bytes."""

    def __init__(self, origin: str, seed: bytes) -> None:
        self.origin = origin
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = PublicKey(origin, self._key.public_key().public_bytes_raw())

    def sign(self, size: int, root: bytes) -> bytes:
        """The signed note of a checkpoint."""
        text = Checkpoint(self.origin, size, root).text()
        signature = b64encode(self.public.hash + self._key.sign(text.encode())).decode()
        return f"{text}\n— {self.origin} {signature}\n".encode()


class PublicKey:
    """Checks the checkpoints of the log it is named after. `hash` is the 4-byte key id of the signed-note format."""

    def __init__(self, origin: str, raw: bytes) -> None:
        self.origin = origin
        self.hash = sha256(origin.encode() + b"\n" + _ED25519 + raw).digest()[:4]
        self.raw = raw
        """32 bytes."""
        self._key = Ed25519PublicKey.from_public_bytes(raw)

    def vkey(self) -> str:
        """The key as verifiers take it: `<origin>+<hash>+<base64>`."""
        return f"{self.origin}+{self.hash.hex()}+{b64encode(_ED25519 + self.raw).decode()}"

    @classmethod
    def parse(cls, vkey: str) -> PublicKey:
        """The key written as `vkey`. Raises EvidenceError."""
        try:
            return cls(*parse_vkey(vkey, _ED25519))
        except ValueError as error:
            raise EvidenceError("audit-key", f"the public key is malformed: {error}") from error

    def verify(self, note: bytes) -> Checkpoint:
        """The checkpoint in a signed note. Raises EvidenceError unless this key signed it for this origin.

        Signatures by others (witnesses) may stand beside; they are not looked at.
        """
        checkpoint = parse_note(note)
        prefix = f"— {self.origin} "
        lines = note.decode().partition("\n\n")[2].split("\n")
        try:
            encoded = next(line.removeprefix(prefix) for line in lines if line.startswith(prefix))
            signature = b64decode(encoded, validate=True)
        except (StopIteration, ValueError) as error:
            raise EvidenceError("audit-checkpoint", "the checkpoint is not signed by this log") from error
        if checkpoint.origin != self.origin or signature[:4] != self.hash:
            raise EvidenceError("audit-checkpoint", "the checkpoint is of another log or key")
        try:
            self._key.verify(signature[4:], checkpoint.text().encode())
        except InvalidSignature as error:
            raise EvidenceError("audit-checkpoint", "the signature of the checkpoint is wrong") from error
        return checkpoint


def parse_vkey(vkey: str, kind: bytes) -> tuple[str, bytes]:
    """Name and raw key of a verifier key with this type of signature. Raises ValueError."""
    name, key_hash, encoded = vkey.strip().split("+", 2)
    data = b64decode(encoded, validate=True)
    if not name or data[:1] != kind or sha256(name.encode() + b"\n" + data).hexdigest()[:8] != key_hash:
        raise ValueError("it does not fit its own hash")
    return name, data[1:]


def parse_note(note: bytes) -> Checkpoint:
    """What a note claims, whoever signed it. Raises EvidenceError if it is no checkpoint in canonical form."""
    try:
        body = note.decode().partition("\n\n")[0]
        origin, size, root = body.split("\n")
        checkpoint = Checkpoint(origin, int(size), b64decode(root, validate=True))
    except ValueError as error:
        raise EvidenceError("audit-checkpoint", "not a checkpoint") from error
    if checkpoint.text() != body + "\n" or checkpoint.size < 0:
        raise EvidenceError("audit-checkpoint", "not a checkpoint")
    return checkpoint


def notes(data: bytes) -> list[bytes]:
    """The signed notes of a file that holds one after the other, each followed by a blank line.

    A last one that was not written to its end, or that a power failure left with holes of zeros, is left out.
    """
    parts = data.partition(b"\0")[0].split(b"\n\n")[:-1]
    return [b"%b\n\n%b\n" % pair for pair in zip(parts[::2], parts[1::2], strict=False)]
