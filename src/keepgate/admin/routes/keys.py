"""API keys of clients: made, listed, rotated, revoked. The secret is answered once, to who made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

from pydantic import Field, StringConstraints

from keepgate.admin.access import Permission
from keepgate.admin.route import route, shape

KeyName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._@-]{1,64}$")]
Lifetime = Annotated[float, Field(gt=0, le=315_360_000)]


@shape
@dataclass(frozen=True, slots=True)
class Key:
    """One key: never its secret. Times are Unix seconds."""

    id: str
    name: str
    created: float
    expires: float | None
    state: Literal["live", "expired", "revoked"]


@shape
@dataclass(frozen=True, slots=True)
class KeyList:
    """The keys that live, or all."""

    keys: tuple[Key, ...]


@shape
@dataclass(frozen=True, slots=True)
class KeyQuery:
    """Which keys."""

    all: bool = False
    """Expired and revoked ones as well."""


@shape
@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be made."""

    name: KeyName
    """Grants name it `key:NAME`."""
    lifetime: Lifetime | None = None
    """Seconds; without it the key does not end by itself."""


@shape
@dataclass(frozen=True, slots=True)
class KeyRotation:
    """How a key is replaced."""

    overlap: Annotated[float, Field(ge=0, le=2_592_000)] = 0.0
    """Seconds that the old one still works."""
    lifetime: Lifetime | None = None
    """Seconds; without it as long as the old one was meant to."""


@shape
@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key as it was made. It is shown this once."""

    name: str
    key: str


class Keys(Protocol):
    """The keys of clients. All raise LocalError."""

    async def all(self) -> tuple[Key, ...]:
        """Dead ones included."""

    async def create(self, name: str, lifetime: float | None) -> str:
        """The text of a new key."""

    async def rotate(self, name: str, overlap: float, lifetime: float | None) -> str:
        """The text of the new key."""

    async def revoke(self, name: str) -> None:
        """End a key at once."""


@route("GET", "/keys", Permission.KEYS_READ, problems=(409,))
async def list_keys(keys: Keys, query: KeyQuery) -> KeyList:
    """The keys of clients, without their secrets."""
    return KeyList(tuple(key for key in await keys.all() if query.all or key.state == "live"))


@route("POST", "/keys", Permission.KEYS_WRITE, status=201, problems=(409,))
async def create_key(keys: Keys, body: NewKey) -> MadeKey:
    """Make a key. Its text is in this answer and nowhere else."""
    return MadeKey(body.name, await keys.create(body.name, body.lifetime))


@route("POST", "/keys/{name}/rotate", Permission.KEYS_WRITE, status=201, problems=(409,))
async def rotate_key(keys: Keys, name: KeyName, body: KeyRotation) -> MadeKey:
    """Replace a key by a new one. Its text is in this answer and nowhere else."""
    return MadeKey(name, await keys.rotate(name, body.overlap, body.lifetime))


@route("DELETE", "/keys/{name}", Permission.KEYS_WRITE, status=204, problems=(409,))
async def revoke_key(keys: Keys, name: KeyName) -> None:
    """End a key: within a second it opens nothing any more, and what it opened ends."""
    await keys.revoke(name)
