"""The data keys: one file each, named `<month>-<pseudonym>`, wrapped by the key-encryption key.

One file per key needs no format, survives any crash, is safe between processes, and makes erasing a person what it
should be: the removal of files. The files are also the only way from a pseudonym to a name.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from keepgate.audit.seal import KEY, NONCE, DataKey
from keepgate.stores.files import create, make_directory, replace, sync_directory

_ERASED: Final = ".erased"
"""Changes with every erasure, so that processes that hold keys notice."""


class DataKeys:
    """The keys in `directory`, opened with the key-encryption key."""

    def __init__(self, directory: Path, kek: bytes) -> None:
        self._directory = directory
        self._kek = kek

    def of_period(self, period: str) -> dict[str, DataKey]:
        """Principal to data key for one month. Raises EvidenceError for another key-encryption key, OSError."""
        return {key.principal: key for key in map(self._open, sorted(self._directory.glob(f"{period}-*")))}

    def make(self, principal: str, period: str) -> DataKey:
        """A new key, on stable storage when this returns. Raises OSError."""
        key = DataKey(os.urandom(KEY), principal, period)
        make_directory(self._directory)
        create(self._directory / f"{period}-{key.id}", key.wrapped(self._kek, os.urandom(NONCE)))
        return key

    def all(self) -> dict[str, DataKey]:
        """Pseudonym to data key for all that are left. Raises EvidenceError, OSError."""
        return {key.id: key for key in map(self._open, sorted(self._directory.glob("????-??-*")))}

    def of(self, pseudonym: str, period: str) -> DataKey | None:
        """The key behind a pseudonym in a month; None if it was destroyed. Raises EvidenceError, OSError."""
        path = self._directory / f"{period}-{pseudonym}"
        try:
            return self._open(path) if pseudonym.isalnum() else None
        except FileNotFoundError:
            return None

    def erase(self, principal: str, *, until: str = "") -> list[str]:
        """Destroy the keys of a principal, up to a month or all; their pseudonyms. Raises EvidenceError, OSError.

        What was sealed under them, and the name, can then be read by nobody who has no copy of the files.
        """
        gone = []
        for path in sorted(self._directory.glob("????-??-*")):
            key = self._open(path)
            if key.principal == principal and (not until or key.period <= until):
                path.unlink()
                gone.append(key.id)
        if gone:
            sync_directory(self._directory)
            replace(self._directory / _ERASED, os.urandom(16).hex().encode())
        return gone

    def erasures(self) -> bytes:
        """Another value after each erasure. Raises OSError."""
        path = self._directory / _ERASED
        return path.read_bytes() if path.exists() else b""

    def _open(self, path: Path) -> DataKey:
        return DataKey.unwrapped(self._kek, path.read_bytes())
