"""Secrets of configured servers in one sealed file of the state directory: `{secret: "store:NAME"}`.

Names and values are sealed together with AES-256-GCM under a key derived from the master key, so that a copy of the
file says nothing, and any change of it is noticed. The key is for this purpose alone (HKDF, `keepgate/secrets`).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keepgate.model.errors import LocalError
from keepgate.protocol.seal import derive

MAX_VALUE: Final = 64 * 1024
MAX_NAMES: Final = 1000

_MAGIC: Final = b"keepgate-secrets-1\n"
_NONCE: Final = 12
_NAME_CHARS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


class MasterKey(Protocol):
    """Where the master key comes from: keyring, environment or a file."""

    def master_key(self) -> bytes:
        """At least 32 random bytes, always the same. Raises LocalError."""


class SecretStore:
    """`secrets.sealed` in `directory`. A missing file holds no secrets."""

    def __init__(self, directory: Path, key: MasterKey) -> None:
        self.path = directory / "secrets.sealed"
        self._lock = directory / "secrets.lock"
        self._key = key

    def get(self, name: str) -> str:
        """The value. Raises LocalError, naming the secret and never another one."""
        try:
            return self._read()[name]
        except KeyError:
            raise LocalError(
                "secret-unknown", f"there is no secret `{name}`: `keepgate secrets set {name}`"
            ) from None

    def names(self) -> tuple[str, ...]:
        """The names, sorted. Raises LocalError."""
        return tuple(sorted(self._read()))

    def put(self, values: Mapping[str, str]) -> None:
        """Add or replace, all or none. Raises LocalError."""
        for name, value in values.items():
            if not (0 < len(name) <= 128 and _NAME_CHARS.issuperset(name)):
                raise LocalError(
                    "secret-name", "a secret's name has 1 to 128 letters, digits or `.`, `_`, `-`"
                )
            if not value or len(value) > MAX_VALUE or "\0" in value:
                raise LocalError(
                    "secret-value", f"the value of `{name}` must have 1 to {MAX_VALUE} characters"
                )
        self._update(lambda old: {**old, **values})

    def remove(self, name: str) -> None:
        """Forget a secret. Raises LocalError if there is none of this name."""

        def without(old: dict[str, str]) -> dict[str, str]:
            if name not in old:
                raise LocalError("secret-unknown", f"there is no secret `{name}`: `keepgate secrets list`")
            return {each: value for each, value in old.items() if each != name}

        self._update(without)

    def _read(self) -> dict[str, str]:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise LocalError("secrets-unreadable", f"cannot read `{self.path}`: {error.strerror}") from error
        # A file of another version fails here as well: the first line is authenticated, not compared.
        head, rest = data[: len(_MAGIC)], data[len(_MAGIC) :]
        try:
            values: dict[str, str] = orjson.loads(self._cipher().decrypt(rest[:_NONCE], rest[_NONCE:], head))
        except (InvalidTag, ValueError):
            raise LocalError(
                "secrets-damaged", f"`{self.path}` does not open: it was changed, or the master key was"
            ) from None
        return values

    def _update(self, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._alone():
                values = change(self._read())
                if len(values) > MAX_NAMES:
                    raise LocalError("secrets-full", f"more than {MAX_NAMES} secrets")
                nonce = os.urandom(_NONCE)
                self._replace(_MAGIC + nonce + self._cipher().encrypt(nonce, orjson.dumps(values), _MAGIC))
        except OSError as error:
            raise LocalError("secrets-unwritable", f"cannot write `{self.path}`: {error.strerror}") from error

    def _cipher(self) -> AESGCM:
        return AESGCM(derive(self._key.master_key(), "secrets"))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with open(self._lock, "ab", opener=_private) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _replace(self, data: bytes) -> None:
        fresh = self.path.with_suffix(".new")
        with open(fresh, "wb", opener=_private) as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
