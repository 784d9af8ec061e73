"""A local administrator as kept: roles and credentials, of each secret no more than what recognises it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ADMIN_KEY_PREFIX: Final = "kga_"
"""What the text of every administrator's key begins with; nothing else that keepgate takes begins so."""
ADMIN_SESSION_PREFIX: Final = "kgs_"
"""The same for the token of a login that is not kept in a cookie."""


@dataclass(frozen=True, slots=True)
class AdminKey:
    """A key of an administrator. Times are Unix seconds; None means never."""

    id: str
    """Eight characters, public: the lookup prefix."""
    digest: str
    """SHA-256 of the whole text, hex."""
    created: float
    expires: float | None = None


@dataclass(frozen=True, slots=True)
class Passkey:
    """A WebAuthn credential."""

    id: str
    """base64url, as the authenticator chose it."""
    public_key: str
    """COSE key, base64url."""
    count: int
    """Signatures so far, as far as the authenticator counts."""
    name: str
    """What its owner calls it."""
    created: float


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A one-time permission to add a passkey."""

    digest: str
    """SHA-256 of the token, hex."""
    expires: float


@dataclass(frozen=True, slots=True)
class Administrator:
    """Somebody who may use the admin face."""

    name: str
    roles: tuple[str, ...]
    created: float
    keys: tuple[AdminKey, ...] = ()
    password: str = ""
    """Argon2id in PHC form; empty: none."""
    totp: str = ""
    """The shared secret, sealed; empty: none."""
    totp_step: int = 0
    """The newest time step whose code was used: it and all before open nothing any more."""
    passkeys: tuple[Passkey, ...] = ()
    enrolment: Enrolment | None = None

    @property
    def second_factor(self) -> bool:
        """Whether there is anything to show beyond a key or password."""
        return bool(self.totp or self.passkeys)
