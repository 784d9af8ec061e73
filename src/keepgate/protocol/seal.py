"""Sealed handles: state that a client carries for us and cannot read, change, share or keep.

Used for `requestState` (stateless era) and list cursors. A handle is bound to a purpose, a principal and what it was
issued for by the additional data of AES-256-GCM, and expires. Keys come from outside, one per purpose.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keepgate.model.errors import RemoteError
from keepgate.protocol import jsonrpc

MAX_CHARS = 64 * 1024


def derive(master: bytes, purpose: str) -> bytes:
    """A 32-byte key for one purpose: keys of different purposes say nothing about each other (RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"keepgate/{purpose}".encode()).derive(master)


class Sealer:
    """Seals JSON values under a 32-byte key. `now` in seconds and 12 random bytes come from the caller."""

    __slots__ = ("_aead",)

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, value: Any, *, bound_to: bytes, expires: int, nonce: bytes) -> str:
        """A URL-safe handle for `value` that opens only with the same `bound_to`, before `expires` (Unix seconds)."""
        plain = jsonrpc.encode([expires, value])
        return (
            base64.urlsafe_b64encode(nonce + self._aead.encrypt(nonce, plain, bound_to)).decode().rstrip("=")
        )

    def unseal(self, handle: object, *, bound_to: bytes, now: int) -> Any:
        """The value. Raises RemoteError (-32602) if the handle is altered, foreign, expired or not ours."""
        refused = RemoteError(
            "handle", "the state handle is not valid here or has expired", rpc_code=jsonrpc.INVALID_PARAMS
        )
        if not isinstance(handle, str) or len(handle) > MAX_CHARS or not handle.isascii():
            raise refused
        try:
            raw = base64.urlsafe_b64decode(handle + "=" * (-len(handle) % 4))
            if base64.urlsafe_b64encode(raw).decode().rstrip("=") != handle:
                raise refused  # one value has one spelling
            expires, value = jsonrpc.parse(self._aead.decrypt(raw[:12], raw[12:], bound_to))
        except (binascii.Error, InvalidTag, ValueError):
            raise refused from None
        if now >= expires:
            raise refused
        return value
