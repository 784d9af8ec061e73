"""Local administrators: added, removed, given keys and roles; who a presented key is for.

A key is `kga_` + 8 characters of id + `_` + 43 characters of secret (256 random bits), kept as its SHA-256 like the
keys of clients, and shown once.
"""

from __future__ import annotations

import logging
import math
import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from hmac import compare_digest
from typing import Final, Protocol

from keepgate.admin.access import Role
from keepgate.model.administrator import ADMIN_KEY_PREFIX, Administrator, AdminKey
from keepgate.model.errors import LocalError

KEY_CHARS: Final = len(ADMIN_KEY_PREFIX) + 8 + 1 + 43
RECHECK: Final = 1.0
"""Seconds between looks at the store: how long a removed administrator may still get in."""
MAX_ADMINISTRATORS: Final = 1000
MAX_KEYS: Final = 10
_ID: Final = string.ascii_lowercase + string.digits
_NAME: Final = frozenset(string.ascii_letters + string.digits + "._@-")
_log = logging.getLogger("keepgate")

Everybody = tuple[Administrator, ...]


class AdminStore(Protocol):
    """Where administrators are kept."""

    def read(self) -> Everybody:
        """All. Raises LocalError when they cannot be read or trusted."""

    def update(self, change: Callable[[Everybody], Everybody]) -> None:
        """Replace them by `change(them)`, atomically and alone. Raises LocalError."""

    def version(self) -> object:
        """Cheap, and unequal to the last answer once anything changed. Never raises."""


def check_roles(roles: tuple[str, ...]) -> None:
    """Raises LocalError for an unknown role, or none."""
    known = {role.value for role in Role}
    if not roles or not known.issuperset(roles):
        raise LocalError("role", f"roles are {', '.join(f'`{role}`' for role in Role)}: give at least one")


def add(store: AdminStore, name: str, roles: tuple[str, ...], *, now: float) -> None:
    """A new administrator, who has no credentials yet. Raises LocalError."""
    if not 0 < len(name) <= 64 or not _NAME.issuperset(name):
        raise LocalError("name", "a name has 1 to 64 letters, digits or `.`, `_`, `-`, `@`")
    check_roles(roles)

    def change(everybody: Everybody) -> Everybody:
        if any(each.name == name for each in everybody):
            raise LocalError("administrator-exists", f"there is an administrator `{name}` already")
        if len(everybody) >= MAX_ADMINISTRATORS:
            raise LocalError("administrators-full", f"more than {MAX_ADMINISTRATORS} administrators")
        return (*everybody, Administrator(name, tuple(dict.fromkeys(roles)), now))

    store.update(change)


def remove(store: AdminStore, name: str) -> None:
    """Forget an administrator with all credentials. Raises LocalError."""

    def change(everybody: Everybody) -> Everybody:
        find(everybody, name)
        return tuple(each for each in everybody if each.name != name)

    store.update(change)


def edit(store: AdminStore, name: str, change: Callable[[Administrator], Administrator]) -> None:
    """Change one administrator. Raises LocalError for an unknown name, and what `change` raises."""

    def swap(everybody: Everybody) -> Everybody:
        find(everybody, name)
        return tuple(change(each) if each.name == name else each for each in everybody)

    store.update(swap)


def set_roles(store: AdminStore, name: str, roles: tuple[str, ...]) -> None:
    """Other roles, from the next request on. Raises LocalError."""
    check_roles(roles)
    edit(store, name, lambda each: replace(each, roles=tuple(dict.fromkeys(roles))))


def make_key(store: AdminStore, name: str, *, now: float, lifetime: float | None = None) -> str:
    """A further key and its text, which exists nowhere else. Raises LocalError."""
    made = "".join(secrets.choice(_ID) for _ in range(8))
    text = f"{ADMIN_KEY_PREFIX}{made}_{secrets.token_urlsafe(32)}"
    key = AdminKey(made, digest(text), now, None if lifetime is None else now + lifetime)

    def give(each: Administrator) -> Administrator:
        live = tuple(old for old in each.keys if old.expires is None or old.expires > now)
        if len(live) >= MAX_KEYS:
            raise LocalError("keys-full", f"`{name}` has {MAX_KEYS} keys: revoke one first")
        return replace(each, keys=(*live, key))

    edit(store, name, give)
    return text


def revoke_keys(store: AdminStore, name: str) -> None:
    """End all keys of an administrator. Raises LocalError."""
    edit(store, name, lambda each: replace(each, keys=()))


def find(everybody: Everybody, name: str) -> Administrator:
    """Raises LocalError for an unknown name."""
    for each in everybody:
        if each.name == name:
            return each
    raise LocalError("administrator-unknown", f"there is no administrator `{name}`")


def digest(text: str) -> str:
    """How a random secret of 256 bits is kept."""
    return sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Live:
    digest: bytes
    expires: float
    name: str


_UNKNOWN: Final = _Live(bytes(32), -math.inf, "")


class Roll:
    """The administrators as they are now. When they cannot be read, nobody gets in."""

    def __init__(self, store: AdminStore, clock: Callable[[], float]) -> None:
        self.store = store
        self._clock = clock
        self._by_name: dict[str, Administrator] = {}
        self._keys: dict[str, _Live] = {}
        self._version: object = None
        self._checked = -math.inf

    def get(self, name: str) -> Administrator | None:
        """Somebody by name."""
        self._look()
        return self._by_name.get(name)

    def all(self) -> list[Administrator]:
        """Everybody."""
        self._look()
        return list(self._by_name.values())

    def by_key(self, presented: str) -> Administrator | None:
        """Whose key it is; None for anything unknown, expired or malformed, in the same time."""
        self._look()
        if len(presented) != KEY_CHARS or not presented.isascii():
            return None
        start = len(ADMIN_KEY_PREFIX)
        key = self._keys.get(presented[start : start + 8], _UNKNOWN)
        same = compare_digest(sha256(presented.encode()).digest(), key.digest)
        return self._by_name.get(key.name) if same and self._clock() < key.expires else None

    def look_again(self) -> None:
        """After a change of our own."""
        self._checked = -math.inf

    def _look(self) -> None:
        now = self._clock()
        if abs(now - self._checked) < RECHECK:
            return
        self._checked = now
        version = self.store.version()  # before reading: a change in between is seen at the next look
        if version == self._version and self._by_name:
            return
        try:
            everybody = self.store.read()
        except LocalError as error:
            self._by_name, self._keys, self._version = {}, {}, None
            _log.error("no administrator is let in: %s", error)
            return
        self._by_name = {each.name: each for each in everybody}
        self._keys = {
            key.id: _Live(
                bytes.fromhex(key.digest), math.inf if key.expires is None else key.expires, each.name
            )
            for each in everybody
            for key in each.keys
        }
        self._version = version
