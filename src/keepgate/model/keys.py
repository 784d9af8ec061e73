"""One API key as it is kept: never the secret, only its hash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FRONT_PREFIX: Final = "kgt_"
"""What access tokens of the login front begin with."""
KEY_PREFIX: Final = "kg_"
"""What the text of every key begins with, and of no access token that would be accepted."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A credential of the principal `key:<name>`. Times are Unix seconds; None means never.

    Two keys share a name only while a rotated one runs out.
    """

    id: str
    """Eight characters, public: the lookup prefix, safe to print."""
    name: str
    digest: str
    """SHA-256 of the whole presented key, hex. Enough for a 256-bit random secret, which cannot be guessed offline."""
    created: float
    expires: float | None = None
    revoked: float | None = None

    def live(self, now: float) -> bool:
        """True while the key still opens anything."""
        return self.revoked is None and (self.expires is None or now < self.expires)
