"""API keys: made, rotated, revoked and recognised. The secret is shown once and never kept.

A key is `kg_` + 8 characters of id + `_` + 43 characters of secret (256 random bits). The store keeps the id and the
SHA-256 of the whole text; a random secret of that size needs no slow hash.
"""

from __future__ import annotations

import logging
import math
import secrets
import string
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from hmac import compare_digest
from typing import Final, Protocol

from keepgate.model.access import Principal
from keepgate.model.errors import LocalError
from keepgate.model.keys import KEY_PREFIX, ApiKey

KEY_CHARS: Final = 55
RECHECK: Final = 1.0
"""Seconds between looks at the store: how long a revoked key may still work."""

_ID_CHARS: Final = string.ascii_lowercase + string.digits
_NAME_CHARS: Final = frozenset(string.ascii_letters + string.digits + "._@-")
_NOBODY: Final = bytes(32)
_log = logging.getLogger(__name__)

Keys = tuple[ApiKey, ...]


class KeyStore(Protocol):
    """Where keys are kept."""

    def read(self) -> Keys:
        """All keys, dead ones included. Raises LocalError when they cannot be read or trusted."""

    def update(self, change: Callable[[Keys], Keys]) -> None:
        """Replace the keys by `change(keys)`, atomically and alone. Raises LocalError."""

    def version(self) -> object:
        """Cheap, and unequal to the last answer once anything changed. Never raises."""


def create(store: KeyStore, name: str, *, now: float, lifetime: float | None = None) -> str:
    """Make a key for a new name and return its text, which exists nowhere else. `lifetime` in seconds, None: no end.

    Raises LocalError if the name is malformed or has a live key.
    """
    if not 0 < len(name) <= 64 or not _NAME_CHARS.issuperset(name):
        raise LocalError("key-name", "a key name has 1 to 64 letters, digits or `.`, `_`, `-`, `@`")

    def add(keys: Keys, made: ApiKey) -> Keys:
        if _live(keys, name, now):
            raise LocalError("key-exists", f"there is a key `{name}` already: rotate or revoke it")
        return (*keys, made)

    return _store_new(store, add, name, now=now, lifetime=lifetime)


def rotate(
    store: KeyStore, name: str, *, now: float, lifetime: float | None = None, overlap: float = 0.0
) -> str:
    """Make a new key for a live name and return its text. The old one ends after `overlap` seconds.

    Without `lifetime` the new key lives as long as the old one was meant to. Raises LocalError for an unknown name.
    """

    def swap(keys: Keys, made: ApiKey) -> Keys:
        old = _known(keys, name, now)
        last = max(old, key=lambda key: key.created)
        ended = (
            replace(key, expires=min(key.expires or math.inf, now + overlap)) if key in old else key
            for key in keys
        )
        if lifetime is None and last.expires is not None:
            made = replace(made, expires=now + last.expires - last.created)
        return (*ended, made)

    return _store_new(store, swap, name, now=now, lifetime=lifetime)


def revoke(store: KeyStore, name: str, *, now: float) -> None:
    """End every key of `name` at once. Raises LocalError for an unknown name."""

    def end(keys: Keys) -> Keys:
        live = _known(keys, name, now)
        return tuple(replace(key, revoked=now) if key in live else key for key in keys)

    store.update(end)


class KeyRing:
    """Recognises presented keys (ports.KeyRing). Costs about a microsecond: one hash, one comparison.

    The live keys stay in memory; the store is looked at again once a second. When it cannot be read, no key opens.
    """

    def __init__(self, store: KeyStore, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._keys: dict[str, _Live] = {}
        self._version: object = None
        self._checked = -math.inf

    def authenticate(self, presented: str) -> Principal | None:
        """The principal `key:<name>`, or None for anything unknown, expired, revoked or malformed."""
        now = self._clock()
        if abs(now - self._checked) >= RECHECK:
            self._refresh(now)
        if len(presented) != KEY_CHARS or not presented.isascii():
            return None
        key = self._keys.get(presented[3:11], _UNKNOWN)
        # Hashed and compared for an unknown id as well: the time taken must not tell which ids exist.
        same = compare_digest(sha256(presented.encode()).digest(), key.digest)
        return key.principal if same and now < key.expires else None

    def live(self, principal: Principal) -> bool:
        """Whether the principal still has a key; one that was authenticated otherwise is none of ours."""
        if principal.kind != "key":
            return True
        now = self._clock()
        if abs(now - self._checked) >= RECHECK:
            self._refresh(now)
        return any(key.principal == principal and now < key.expires for key in self._keys.values())

    def _refresh(self, now: float) -> None:
        # The version is taken before reading: a change in between is then seen at the next look.
        version = self._store.version()
        if version != self._version or not self._keys:
            try:
                live = [key for key in self._store.read() if key.live(now)]
                self._keys = {key.id: _Live.of(key) for key in live}
                self._version = version
            except LocalError as error:
                self._keys, self._version = {}, None
                _log.error("no API key is accepted: %s", error)
        self._checked = now


@dataclass(frozen=True, slots=True)
class _Live:
    digest: bytes
    expires: float
    principal: Principal | None

    @classmethod
    def of(cls, key: ApiKey) -> _Live:
        expires = math.inf if key.expires is None else key.expires
        return cls(bytes.fromhex(key.digest), expires, Principal(f"key:{key.name}", "key"))


_UNKNOWN: Final = _Live(_NOBODY, -math.inf, None)


def _store_new(
    store: KeyStore, place: Callable[[Keys, ApiKey], Keys], name: str, *, now: float, lifetime: float | None
) -> str:
    made = "".join(secrets.choice(_ID_CHARS) for _ in range(8))
    text = f"{KEY_PREFIX}{made}_{secrets.token_urlsafe(32)}"
    expires = None if lifetime is None else now + lifetime
    key = ApiKey(made, name, sha256(text.encode()).hexdigest(), now, expires)

    def change(keys: Keys) -> Keys:
        if any(each.id == made for each in keys):
            raise LocalError("key-collision", "the random id is taken: try again")
        return place(keys, key)

    store.update(change)
    return text


def _live(keys: Keys, name: str, now: float) -> frozenset[ApiKey]:
    return frozenset(key for key in keys if key.name == name and key.live(now))


def _known(keys: Keys, name: str, now: float) -> frozenset[ApiKey]:
    if not (live := _live(keys, name, now)):
        raise LocalError("key-unknown", f"there is no live key `{name}`: `keepgate keys list` shows them")
    return live
