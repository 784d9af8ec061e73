"""The data keys of the vault: `vault.key` holds them wrapped, each with a number that what is sealed names.

There is more than one only while keys are being changed. One lock serves all writers of the vault.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import digest
from pathlib import Path
from typing import Final, Literal

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import TypeAdapter, ValidationError

from keepgate.model.errors import LocalError
from keepgate.stores import files
from keepgate.stores.vault.wrap import Wrap

_MAGIC: Final = b"kgv1"
_HEAD: Final = len(_MAGIC) + 4
_NONCE: Final = 12
_KEY: Final = 32


@dataclass(frozen=True, slots=True)
class _Wrapped:
    by: str
    wrapped: str


@dataclass(frozen=True, slots=True)
class _File:
    version: Literal[1]
    current: int
    keys: dict[int, _Wrapped] = field(default_factory=dict)


class DataKeys:
    """Seals and opens under data keys in `directory`, made at first use. The first of `wraps` wraps, all unwrap."""

    def __init__(self, directory: Path, wraps: Sequence[Wrap]) -> None:
        self.directory = directory
        self.path = directory / "vault.key"
        self._wraps = tuple(wraps)
        self._opened: dict[str, bytes] = {}
        """Unwrapped keys by what they were wrapped as: the service that unwraps is asked once."""
        self._mutex = threading.RLock()
        self._depth = 0

    def seal(self, plain: bytes, purpose: str) -> bytes:
        """Sealed bytes that open only for the same purpose. Raises LocalError. Only while `alone`."""
        file = self._read() or self._begin(_File(1, 0))
        head = _MAGIC + file.current.to_bytes(4, "big")
        nonce = os.urandom(_NONCE)
        cipher = AESGCM(self._key(file, file.current)[:_KEY])
        return head + nonce + cipher.encrypt(nonce, plain, head + purpose.encode())

    def open(self, data: bytes, purpose: str, where: Path) -> bytes:
        """What was sealed. Raises LocalError, naming the file: changed, or the key it was sealed under is gone."""
        file = self._read()
        number = int.from_bytes(data[len(_MAGIC) : _HEAD], "big")
        damaged = LocalError("vault-damaged", f"`{where}` does not open: it was changed, or its key was")
        if file is None or data[: len(_MAGIC)] != _MAGIC or number not in file.keys:
            raise damaged
        cipher = AESGCM(self._key(file, number)[:_KEY])
        nonce, sealed = data[_HEAD : _HEAD + _NONCE], data[_HEAD + _NONCE :]
        try:
            return cipher.decrypt(nonce, sealed, data[:_HEAD] + purpose.encode())
        except (InvalidTag, ValueError):
            raise damaged from None

    def name_of(self, text: str) -> str:
        """A file name for an entry that says nothing of it without the key; the same after keys change. As `seal`."""
        file = self._read() or self._begin(_File(1, 0))
        return digest(self._key(file, file.current)[_KEY:], text.encode(), sha256).hex()[:40]

    def exists(self) -> bool:
        """Whether anything was ever sealed here."""
        return self._read() is not None

    def rotate(self, reseal: Callable[[], None]) -> None:
        """A new data key, wrapped by the first of the wraps; `reseal` brings everything under it; the old ones go.

        Raises LocalError. Broken off, all opens as before, and the next rotation completes it.
        """
        with self.alone():
            self._begin(self._read() or _File(1, 0))
            reseal()
            file = self._read()
            assert file is not None
            self._write(_File(1, file.current, {file.current: file.keys[file.current]}))
            self._opened.clear()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While nobody else writes, in this process or another. Raises LocalError."""
        with self._mutex:
            if self._depth:
                yield
                return
            with ExitStack() as held:
                try:
                    held.enter_context(files.alone(self.directory / "vault.lock"))
                except OSError as error:
                    raise unwritable(self.directory, error) from error
                self._depth += 1
                try:
                    yield
                finally:
                    self._depth -= 1

    def _begin(self, file: _File) -> _File:
        """Add a key and make it the current one. The second half names files, and stays as it is."""
        names = self._key(file, file.current)[_KEY:] if file.keys else os.urandom(_KEY)
        wrap, number = self._wraps[0], file.current + 1
        wrapped = _Wrapped(wrap.id, wrap.wrap(os.urandom(_KEY) + names))
        made = _File(1, number, {**file.keys, number: wrapped})
        self._write(made)
        return made

    def _key(self, file: _File, number: int) -> bytes:
        entry = file.keys[number]
        found = self._opened.get(entry.wrapped)
        if found is None:
            wrap = next((each for each in self._wraps if each.id == entry.by), None)
            if wrap is None:
                text = (
                    f"the vault's key was wrapped by another key (`{entry.by}`): put that one back, or name it "
                    "under `vault.previous` and run `keepgate secrets rotate`"
                )
                raise LocalError("vault-key", text)
            found = wrap.unwrap(entry.wrapped)
            if len(found) != 2 * _KEY:
                raise LocalError("vault-damaged", f"`{self.path}` holds no key of this vault")
            self._opened[entry.wrapped] = found
        return found

    def _read(self) -> _File | None:
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LocalError("vault-unreadable", f"cannot read `{self.path}`: {error.strerror}") from error
        try:
            file = TypeAdapter(_File).validate_json(text)
        except ValidationError:
            raise LocalError("vault-damaged", f"`{self.path}` is damaged: restore it") from None
        if file.current not in file.keys:
            raise LocalError("vault-damaged", f"`{self.path}` is damaged: restore it")
        return file

    def _write(self, file: _File) -> None:
        replace(self.path, orjson.dumps(file, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_INDENT_2) + b"\n")


def replace(path: Path, data: bytes) -> None:
    """Put a whole file in place of another, on stable storage when this returns. Raises LocalError."""
    try:
        files.replace(path, data)
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> LocalError:
    """The error for what could not be written."""
    return LocalError("vault-unwritable", f"cannot write `{path}`: {error.strerror}")
