"""API keys in one JSON file of the state directory: mode 0600, replaced atomically, one writer at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import orjson
from pydantic import TypeAdapter, ValidationError

from keepgate.model.errors import LocalError
from keepgate.model.keys import ApiKey


@dataclass(frozen=True, slots=True)
class _File:
    version: Literal[1]
    keys: tuple[ApiKey, ...]


class JsonKeyStore:
    """`keys.json` in `directory`, which is made (0700) when the first key is. A missing file holds no keys."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "keys.json"
        self._lock = directory / "keys.lock"

    def read(self) -> tuple[ApiKey, ...]:
        """All keys. Raises LocalError if the file is damaged, unreadable or open to other users."""
        try:
            with self.path.open("rb") as stream:
                mode = os.fstat(stream.fileno()).st_mode
                text = stream.read()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise LocalError("keys-unreadable", f"cannot read `{self.path}`: {error.strerror}") from error
        if mode & 0o077:
            raise LocalError(
                "keys-open", f"`{self.path}` is open to other users: chmod 600, and rotate the keys"
            )
        try:
            return TypeAdapter(_File).validate_json(text, strict=True).keys
        except ValidationError as error:
            raise LocalError(
                "keys-damaged", f"`{self.path}` is damaged: restore it or make new keys"
            ) from error

    def update(self, change: Callable[[tuple[ApiKey, ...]], tuple[ApiKey, ...]]) -> None:
        """Replace the keys by `change(keys)`: all or nothing, on stable storage when this returns."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._alone():
                text = orjson.dumps(_File(1, change(self.read())), option=orjson.OPT_INDENT_2)
                self._replace(text + b"\n")
        except OSError as error:
            raise LocalError("keys-unwritable", f"cannot write `{self.path}`: {error.strerror}") from error

    def version(self) -> object:
        """Inode, size and time of the file; None while there is none."""
        try:
            stat = self.path.stat()
        except OSError:
            return None
        return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_mode

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with open(self._lock, "ab", opener=_private) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _replace(self, text: bytes) -> None:
        fresh = self.path.with_suffix(".new")
        with open(fresh, "wb", opener=_private) as stream:
            stream.write(text)
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
