"""A list of records in one JSON file of the state directory: mode 0600, replaced atomically, one writer at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from keepgate.model.errors import LocalError
from keepgate.stores.files import alone, replace

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Words:
    """How errors name the file: codes begin with `code`; the texts say what to do."""

    code: str
    when_open: str
    when_damaged: str


class JsonFile(Generic[T]):
    """`<name>.json` in `directory`, which is made (0700) with the first record. A missing file holds none."""

    def __init__(self, directory: Path, name: str, kind: type[T], words: Words) -> None:
        self.path = directory / f"{name}.json"
        self._name = name
        self._kind = kind
        self._words = words
        self._lock = directory / f"{name}.lock"

    def read(self) -> tuple[T, ...]:
        """All records. Raises LocalError if the file is damaged, unreadable or open to other users."""
        words = self._words
        try:
            with self.path.open("rb") as stream:
                mode = os.fstat(stream.fileno()).st_mode
                text = stream.read()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise LocalError(
                f"{words.code}-unreadable", f"cannot read `{self.path}`: {error.strerror}"
            ) from error
        if mode & 0o077:
            raise LocalError(f"{words.code}-open", f"`{self.path}` is open to other users: {words.when_open}")
        try:
            document: dict[str, Any] = orjson.loads(text)
            (_, version), (name, records) = document.items()
            found = self._adapter.validate_json(orjson.dumps(records), strict=True)
        except (ValidationError, ValueError, AttributeError) as error:
            raise LocalError(
                f"{words.code}-damaged", f"`{self.path}` is damaged: {words.when_damaged}"
            ) from error
        if (name, version) != (self._name, 1):
            raise LocalError(
                f"{words.code}-damaged",
                f"`{self.path}` is damaged, or of another version: {words.when_damaged}",
            )
        return found

    def update(self, change: Callable[[tuple[T, ...]], tuple[T, ...]]) -> None:
        """Replace the records by `change(records)`: all or nothing, on stable storage when this returns."""
        try:
            with alone(self._lock):
                document = {"version": 1, self._name: change(self.read())}
                replace(self.path, orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
        except OSError as error:
            raise LocalError(
                f"{self._words.code}-unwritable", f"cannot write `{self.path}`: {error.strerror}"
            ) from error

    def version(self) -> object:
        """Inode, size, time and mode of the file; None while there is none."""
        try:
            stat = self.path.stat()
        except OSError:
            return None
        return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_mode

    @cached_property
    def _adapter(self) -> TypeAdapter[tuple[T, ...]]:
        return TypeAdapter(tuple[self._kind, ...])  # type: ignore[name-defined]
