"""What principals were granted at servers: their tokens there, one sealed file each, bound to principal and server.

An entry opens only as that of the principal and server it was put for: moved under another name it does not open.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from keepgate.model.errors import LocalError
from keepgate.stores.vault.keys import DataKeys, replace, unwritable

MAX_ENTRIES: Final = 100_000
MAX_BYTES: Final = 64 * 1024


class Grants:
    """`grants/` in the directory of the keys."""

    def __init__(self, keys: DataKeys) -> None:
        self.directory = keys.directory / "grants"
        self._keys = keys

    def get(self, principal: str, server: str) -> dict[str, Any] | None:
        """What was put, or None. Raises LocalError if it was changed."""
        if not self._keys.exists():
            return None
        path = self._path(principal, server)
        entry = self._read(path, _purpose(path))
        if entry is None:
            return None
        if (entry["principal"], entry["server"]) != (principal, server):
            raise LocalError("vault-damaged", f"`{path}` does not open: it is another's")
        value: dict[str, Any] = entry["value"]
        return value

    def put(self, principal: str, server: str, value: dict[str, Any]) -> None:
        """Add or replace. Raises LocalError."""
        data = orjson.dumps({"principal": principal, "server": server, "value": value})
        if len(data) > MAX_BYTES:
            raise LocalError("grant-size", "a grant is larger than 64 KiB")
        with self._keys.alone():
            try:
                self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise unwritable(self.directory, error) from error
            path = self._path(principal, server)
            if not path.exists() and sum(1 for _ in os.scandir(self.directory)) >= MAX_ENTRIES:
                raise LocalError("grants-full", f"more than {MAX_ENTRIES} grants")
            replace(path, self._keys.seal(data, _purpose(path)))

    def remove(self, principal: str, server: str) -> bool:
        """Forget it; False if there was none."""
        if not self._keys.exists():
            return False
        with self._keys.alone():
            path = self._path(principal, server)
            found = path.exists()
            path.unlink(missing_ok=True)
            return found

    def names(self) -> list[tuple[str, str]]:
        """Principal and server of every entry, sorted. Raises LocalError."""
        return sorted((entry["principal"], entry["server"]) for _, entry in self._every())

    def reseal(self) -> None:
        """Seal every entry anew, under the current key."""
        with self._keys.alone():
            for path, entry in self._every():
                replace(path, self._keys.seal(orjson.dumps(entry), _purpose(path)))

    def _every(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        if self.directory.is_dir():
            for path in sorted(self.directory.glob("*.sealed")):
                entry = self._read(path, _purpose(path))
                if entry is not None:
                    yield path, entry

    def _read(self, path: Path, purpose: str) -> dict[str, Any] | None:
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LocalError("vault-unreadable", f"cannot read `{path}`: {error.strerror}") from error
        entry: dict[str, Any] = orjson.loads(self._keys.open(data, purpose, path))
        return entry

    def _path(self, principal: str, server: str) -> Path:
        name = self._keys.name_of(orjson.dumps([principal, server]).decode())
        return self.directory / f"{name}.sealed"


def _purpose(path: Path) -> str:
    return f"grant/{path.name}"
