"""Sealing of payloads: envelope encryption with one data key per principal and month.

The key-encryption key wraps data keys and the signing key, each under a subkey of its own. The pseudonym of a principal
comes from the data key, so destroying the key makes the payloads unreadable and the pseudonym mean nothing.
Nonces and secrets are drawn by the caller.
"""

from __future__ import annotations

import hmac
from typing import Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keepgate.audit.checkpoint import EvidenceError

KEY: Final = 32
"""Bytes of every key here."""
NONCE: Final = 12
"""Bytes, drawn at random: safe for 2^32 payloads under one key (NIST SP 800-38D), and a key lasts one month."""

_PLAIN_NAMES: Final = frozenset({"tools/call", "prompts/get"})


def subkey(key: bytes, purpose: str) -> bytes:
    """The key for one purpose, by HKDF-SHA256; knowing it says nothing about `key` or its siblings."""
    return HKDF(SHA256(), KEY, salt=None, info=b"keepgate audit v1 " + purpose.encode()).derive(key)


def wrap(kek: bytes, purpose: str, nonce: bytes, plain: bytes) -> bytes:
    """`plain` sealed under the subkey of `kek` for `purpose`."""
    return nonce + AESGCM(subkey(kek, purpose)).encrypt(nonce, plain, purpose.encode())


def unwrap(kek: bytes, purpose: str, wrapped: bytes) -> bytes:
    """What was wrapped. Raises EvidenceError if the key is another one or the bytes were changed."""
    nonce, sealed = wrapped[:NONCE], wrapped[NONCE:]
    return _decrypt(
        AESGCM(subkey(kek, purpose)), nonce, sealed, purpose.encode(), "it was sealed with another key"
    )


class DataKey:
    """The key of one principal for one month. `id` is the pseudonym in its records."""

    __slots__ = ("_cipher", "_digest_key", "_secret", "id", "period", "principal")

    def __init__(self, secret: bytes, principal: str, period: str) -> None:
        self.principal = principal
        self.period = period
        self.id = hmac.digest(subkey(secret, "pseudonym"), principal.encode(), "sha256")[:10].hex()
        self._secret = secret
        self._cipher = AESGCM(subkey(secret, "payload"))
        self._digest_key = subkey(secret, "digest")

    def wrapped(self, kek: bytes, nonce: bytes) -> bytes:
        """The key and whose it is, as stored."""
        who = {"period": self.period, "principal": self.principal, "secret": self._secret.hex()}
        return wrap(kek, "data-key", nonce, orjson.dumps(who))

    @classmethod
    def unwrapped(cls, kek: bytes, stored: bytes) -> DataKey:
        """The key that was stored. Raises EvidenceError."""
        who = orjson.loads(unwrap(kek, "data-key", stored))
        return cls(bytes.fromhex(who["secret"]), who["principal"], who["period"])

    def seal(self, nonce: bytes, plain: bytes, aad: bytes) -> bytes:
        """The sealed payload as stored: AES-256-GCM ciphertext and tag. `aad` binds it to its record."""
        return self._cipher.encrypt(nonce, plain, aad)

    def unseal(self, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
        """The plaintext. Raises EvidenceError if the payload was changed or belongs to another record."""
        return _decrypt(self._cipher, nonce, sealed, aad, "the payload was changed or belongs elsewhere")

    def digest(self, plain: bytes) -> str:
        """HMAC-SHA256 of a name, hex. Keyed: without the key a short name cannot be guessed from it."""
        return hmac.digest(self._digest_key, plain, "sha256").hex()

    def shown(self, method: str, name: str) -> str:
        """`name` as it may stand in the clear: tool and prompt names as they are, of a URI scheme, host and a digest.

        Paths and queries of resource URIs carry personal data and tokens.
        """
        scheme, colon, rest = name.partition(":")
        if not colon or method in _PLAIN_NAMES:
            return name
        host = rest[2:].partition("/")[0] if rest.startswith("//") else ""
        host = host.partition("?")[0].partition("#")[0].rpartition("@")[2]
        return f"{scheme}:{'//' + host if host else ''}#{self.digest(name.encode())[:16]}"


def binding(writer: str, seq: int) -> bytes:
    """Additional data that ties a sealed payload to its record."""
    return f"keepgate audit payload v2 {writer} {seq}".encode()


def _decrypt(cipher: AESGCM, nonce: bytes, sealed: bytes, aad: bytes, otherwise: str) -> bytes:
    try:
        return cipher.decrypt(nonce, sealed, aad)
    except (InvalidTag, ValueError) as error:
        raise EvidenceError("audit-key", otherwise) from error
