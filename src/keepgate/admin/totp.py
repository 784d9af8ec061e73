"""One-time codes by time (RFC 6238): six digits, thirty seconds, SHA-1, as every authenticator app has them."""

from __future__ import annotations

import os
from base64 import b32encode
from typing import Final
from urllib.parse import quote

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from keepgate.protocol.seal import Sealer

STEP: Final = 30
DIGITS: Final = 6
DRIFT: Final = 1
"""Steps before and after now whose codes count: clocks differ, people type slowly."""
_FOR_EVER: Final = 2**53


def new_secret() -> bytes:
    """160 random bits."""
    return os.urandom(20)


def base32(secret: bytes) -> str:
    """As one types it into an app."""
    return b32encode(secret).decode()


def uri(secret: bytes, name: str) -> str:
    """What a QR code for apps holds."""
    return f"otpauth://totp/keepgate:{quote(name)}?secret={base32(secret)}&issuer=keepgate&digits={DIGITS}&period={STEP}"


def step_of(secret: bytes, code: str, now: float, after: int) -> int:
    """The time step that a code is of, later than step `after`; 0 for a code that is wrong, or was used already.

    Every step is looked at whatever the outcome, and each comparison takes the same time.
    """
    if len(code) != DIGITS or not (code.isascii() and code.isdigit()):
        return 0
    clock = TOTP(secret, DIGITS, SHA1(), STEP, enforce_key_length=False)  # noqa: S303 - HMAC-SHA-1, as apps have it
    current, found = int(now) // STEP, 0
    for step in range(max(current - DRIFT, 1), current + DRIFT + 1):
        try:
            clock.verify(code.encode(), step * STEP)
        except InvalidToken:
            continue
        found = step
    return found if found > after else 0


def seal(sealer: Sealer, name: str, secret: bytes) -> str:
    """The secret as kept: bound to whose it is."""
    return sealer.seal(secret.hex(), bound_to=_bound(name), expires=_FOR_EVER, nonce=os.urandom(12))


def unseal(sealer: Sealer, name: str, kept: str) -> bytes:
    """The secret. Raises RemoteError if it was sealed with another key, or for somebody else."""
    return bytes.fromhex(sealer.unseal(kept, bound_to=_bound(name), now=0))


def _bound(name: str) -> bytes:
    return b"keepgate administrator totp " + name.encode()
