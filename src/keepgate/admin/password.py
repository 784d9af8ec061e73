"""Passwords of administrators: Argon2id (RFC 9106), slow on purpose, the same work whether or not somebody is known."""

from __future__ import annotations

import os
from typing import Final

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from keepgate.model.errors import LocalError

SHORTEST: Final = 12
LONGEST: Final = 1024
_MEMORY: Final = 64 << 10
"""KiB for each try."""
_NOBODY: Final = (
    "$argon2id$v=19$m=65536,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)
"""What no password has: for names that are not known, and people without a password."""


def hashed(password: str) -> str:
    """The PHC text to keep. Raises LocalError for one that is too short, or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise LocalError("password", f"a password has {SHORTEST} to {LONGEST} characters")
    kdf = Argon2id(salt=os.urandom(16), length=32, iterations=3, lanes=1, memory_cost=_MEMORY)
    return kdf.derive_phc_encoded(password.encode())


def matches(password: str, kept: str) -> bool:
    """Whether it is the password. Takes some 0.1 s of a core, also where `kept` is empty."""
    try:
        Argon2id.verify_phc_encoded(password.encode(), kept or _NOBODY)
    except InvalidKey:
        return False
    return bool(kept)
