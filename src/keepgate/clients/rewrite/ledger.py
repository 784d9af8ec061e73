"""What was changed in which file, and the bytes that stood there before: kept in the state directory, mode 0600.

One record per rewrite of a file. Several rewrites of one file make a stack: they are undone newest first.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from keepgate.clients.rewrite.disk import RefusedError, sync

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Record:
    """One rewrite. Hashes are SHA-256 in hex; `before` is empty if there was no file."""

    client: str
    path: str
    """As the client names it."""
    target: str
    """Where it leads to through symlinks."""
    before: str
    after: str
    backup: str
    """Name of the file that holds the bytes from before; empty if there were none."""
    containers: tuple[tuple[str, ...], ...]
    """Keys to each object of servers that was emptied."""
    mark: dict[str, str]
    """What our entry leads to (`url` or `command`), to know it again; never the key."""


class Ledger:
    """The records and backups under one directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def records(self) -> list[Record]:
        """Oldest first. Raises RefusedError if the manifest cannot be understood."""
        try:
            raw = json.loads((self.folder / "manifest.json").read_bytes())
            if raw["version"] != _VERSION:
                raise RefusedError("written by another version of keepgate")
            return [_record(item) for item in raw["records"]]
        except FileNotFoundError:
            return []
        except (ValueError, KeyError, TypeError):
            raise RefusedError("damaged: the backups beside it are still whole") from None

    def add(self, record: Record, before: bytes | None) -> Record:
        """Keep the bytes and the record, on stable storage, before anything is changed."""
        if before is not None:
            name = f"{secrets.token_hex(4)}-{Path(record.path).name.lstrip('.')}"
            record = replace(record, backup=name)
            self._write(record.backup, before)
        self._save([*self.records(), record])
        return record

    def drop(self, record: Record, *, keep_backup: bool = False) -> None:
        """Forget a record, and its backup unless it still holds something that is nowhere else."""
        self._save([each for each in self.records() if each != record])
        if record.backup and not keep_backup:
            (self.folder / record.backup).unlink(missing_ok=True)

    def backup(self, record: Record) -> bytes:
        """The bytes from before, checked against the record. Raises RefusedError."""
        if not record.backup:
            return b""
        try:
            data = (self.folder / record.backup).read_bytes()
        except OSError:
            raise RefusedError(f"its backup `{record.backup}` cannot be read") from None
        if digest(data) != record.before:
            raise RefusedError(f"its backup `{record.backup}` was changed")
        return data

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One writer at a time."""
        for folder in (self.folder.parent, self.folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _save(self, records: list[Record]) -> None:
        document = {"version": _VERSION, "records": [asdict(record) for record in records]}
        self._write("manifest.json", json.dumps(document, indent=1).encode())

    def _write(self, name: str, data: bytes) -> None:
        draft = self.folder / f".{name}.{secrets.token_hex(4)}"
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.folder / name)
            sync(self.folder)
        except OSError as error:
            raise RefusedError(
                f"its backup cannot be written: {(error.strerror or 'error').lower()}"
            ) from None
        finally:
            draft.unlink(missing_ok=True)


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return sha256(data).hexdigest()


def _record(item: dict[str, Any]) -> Record:
    return Record(**{**item, "containers": tuple(map(tuple, item["containers"]))})
