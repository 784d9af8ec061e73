"""`keepgate.lock` on disk: read strictly, believed only with a signature that counts, replaced atomically.

The key that signs is made at the first approval and lies sealed in the state directory of who approves; whoever else
enforces the same lock names its public half under `lock.keys`.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Final

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from keepgate.audit.seal import KEY, NONCE, unwrap, wrap
from keepgate.lock.document import Lock, LockError, lock_of
from keepgate.model.errors import LocalError, RemoteError
from keepgate.protocol import jsonrpc
from keepgate.stores.files import create, make_directory
from keepgate.stores.files import replace as replace_file

MAX_BYTES: Final = 64 * 1024 * 1024
NAME: Final = "keepgate.lock"
KEY_FILE: Final = "approver.key"
_PURPOSE: Final = "lock-approver"
_LIMITS: Final = jsonrpc.JsonLimits(size=MAX_BYTES, depth=16, members=5_000_000)


class Approver:
    """The key by which this state directory approves."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = b64encode(self._key.public_key().public_bytes_raw()).decode()

    @classmethod
    def of(cls, state: Path, kek: bytes) -> Approver:
        """The key of a state directory, made if there is none. Raises LocalError for another `kek` or a bad disk."""
        path = state / KEY_FILE
        try:
            if not path.exists():
                make_directory(state)
                create(path, wrap(kek, _PURPOSE, os.urandom(NONCE), os.urandom(KEY)))
            return cls(unwrap(kek, _PURPOSE, path.read_bytes()))
        except OSError as error:
            raise LocalError("approver", f"cannot use `{path}`: {error.strerror}") from error

    def sign(self, lock: Lock) -> Lock:
        """The lock with this key's signature."""
        return replace(lock, key=self.public, signature=b64encode(self._key.sign(lock.signed())).decode())


def read(path: Path) -> Lock:
    """The lock in a file, whoever signed it. Raises LockError; FileNotFoundError if there is none."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
        return lock_of(jsonrpc.parse(raw, _LIMITS))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise LockError(f"cannot read `{path}`: {error.strerror}") from error
    except RemoteError as error:
        raise LockError(f"`{path}` is no JSON that can be trusted: {error.public}") from error
    except LockError as error:
        raise LockError(f"`{path}` cannot be used: {error.public}") from error


def verify(lock: Lock, trusted: Collection[str]) -> None:
    """Raises LockError unless one of the trusted public keys (base64) signed the lock as it is."""
    if not lock.signature:
        raise LockError("it is signed by nobody: `keepgate lock approve` signs it")
    if lock.key not in trusted:
        raise LockError("it is signed by a key that is not trusted here: `lock.keys` names those that are")
    try:
        key = Ed25519PublicKey.from_public_bytes(b64decode(lock.key, validate=True))
        key.verify(b64decode(lock.signature, validate=True), lock.signed())
    except (InvalidSignature, ValueError):
        raise LockError(
            "it was changed after it was signed: `keepgate lock diff` shows what would be approved, "
            "`keepgate lock approve` signs it anew"
        ) from None


def write(path: Path, lock: Lock) -> None:
    """Replace the file: all or nothing. Raises LockError."""
    text = orjson.dumps(lock.value(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
    try:
        replace_file(path, text)
    except OSError as error:
        raise LockError(f"cannot write `{path}`: {error.strerror}") from error
