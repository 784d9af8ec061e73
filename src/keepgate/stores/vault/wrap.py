"""Wrapping of data keys: by a key of our own, or (transit.py) by a key that never leaves a key management service."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keepgate.model.errors import LocalError
from keepgate.protocol.seal import derive

_NONCE: Final = 12


class Wrap(Protocol):
    """Wraps and unwraps data keys."""

    @property
    def id(self) -> str:
        """Which key it is; says nothing of the key. What was wrapped by it names it."""

    def wrap(self, key: bytes) -> str:
        """Raises LocalError."""

    def unwrap(self, wrapped: str) -> bytes:
        """Raises LocalError."""


class LocalWrap:
    """AES-256-GCM under a key derived, for this purpose alone, from 32 random bytes. Implements Wrap."""

    def __init__(self, master: bytes) -> None:
        self.id = f"local:{derive(master, 'vault-id')[:8].hex()}"
        self._cipher = AESGCM(derive(master, "vault"))

    def wrap(self, key: bytes) -> str:
        """Base64 of nonce and sealed key."""
        nonce = os.urandom(_NONCE)
        return b64encode(nonce + self._cipher.encrypt(nonce, key, self.id.encode())).decode()

    def unwrap(self, wrapped: str) -> bytes:
        """Raises LocalError if it was changed."""
        try:
            data = b64decode(wrapped, validate=True)
            return self._cipher.decrypt(data[:_NONCE], data[_NONCE:], self.id.encode())
        except (InvalidTag, ValueError):
            raise LocalError(
                "vault-damaged", "a data key of the vault does not open: it was changed"
            ) from None
