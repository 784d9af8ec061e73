"""What is quarantined, in one small file that every keepgate of a state directory follows.

A file that cannot be read stops everything: a kill switch must not be undone by damage.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import orjson
from pydantic import TypeAdapter, ValidationError

from keepgate.model.errors import LocalError
from keepgate.model.quarantine import Held, Hold, checked
from keepgate.stores.files import alone, replace

MOST = 10_000


@dataclass(frozen=True, slots=True)
class _File:
    version: Literal[1]
    holds: tuple[Hold, ...]


class QuarantineFile:
    """`quarantine.json` in the state directory; none is nothing quarantined."""

    def __init__(self, state: Path) -> None:
        self._path = state / "quarantine.json"

    def read(self) -> Held:
        """What is stopped. Raises LocalError if that cannot be told."""
        try:
            return Held(TypeAdapter(_File).validate_json(self._path.read_bytes(), strict=True).holds)
        except FileNotFoundError:
            return Held()
        except (OSError, ValidationError) as error:
            text = f"`{self._path}` cannot be read: restore it, or remove it to end every quarantine"
            raise LocalError("quarantine", text, str(error)) from error

    def version(self) -> object:
        """What changes with the content; None while there is no file."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def add(self, hold: Hold) -> bool:
        """Stop something; False if it was stopped before. Raises LocalError."""
        checked(hold.target)
        with self._alone() as held:
            if any(hold.target == one.target for one in held.holds):
                return False
            if len(held.holds) >= MOST:
                raise LocalError("quarantine", f"more than {MOST} entries: stop a server, or `all`")
            self._write((*held.holds, hold))
            return True

    def remove(self, target: str) -> bool:
        """Let something go on; False if it was not stopped. Raises LocalError."""
        with self._alone() as held:
            left = tuple(one for one in held.holds if one.target != target)
            if len(left) == len(held.holds):
                return False
            self._write(left)
            return True

    def _write(self, holds: tuple[Hold, ...]) -> None:
        replace(self._path, orjson.dumps(_File(1, holds), option=orjson.OPT_INDENT_2) + b"\n")

    @contextmanager
    def _alone(self) -> Iterator[Held]:
        try:
            with alone(self._path.with_suffix(".lock")):
                yield self.read()
        except OSError as error:
            raise LocalError("quarantine", f"cannot write `{self._path}`: {error.strerror}") from error
