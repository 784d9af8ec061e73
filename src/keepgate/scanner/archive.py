"""Archives, read member by member and never unpacked to disk: bounded in number, size and expansion."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from keepgate.model.finding import Confidence, Severity
from keepgate.scanner.rule import Rule

ESCAPES: Final = Rule(
    "archive.escapes",
    "a member of the archive would land outside of its directory",
    Severity.HIGH,
    Confidence.CONFIRMED,
    ("OWASP-MCP04", "SAFE-T1105", "CWE-22"),
    "do not unpack it",
)
RULES: Final = (ESCAPES,)
MAX_MEMBERS: Final = 20_000
MAX_MEMBER: Final = 4 * 1024 * 1024
MAX_TOTAL: Final = 200 * 1024 * 1024
"""Bytes of all members together, as they come out."""


@dataclass(slots=True)
class Archive:
    """An archive and what was left out of it. `escapes` are members that would land outside of their directory."""

    path: Path
    left_out: dict[str, int] = field(default_factory=dict)
    escapes: list[str] = field(default_factory=list)
    total: int = 0

    def members(self) -> Iterator[tuple[str, bytes]]:
        """Regular files by name and contents."""
        try:
            if self.path.name.lower().endswith((".tgz", ".tar.gz", ".tar")):
                yield from self._tar()
            else:
                yield from self._zip()
        except (
            OSError,
            TypeError,  # the standard library, over a header that is cut off
            zipfile.BadZipFile,
            tarfile.TarError,
            EOFError,
            zlib.error,
            ValueError,
            RuntimeError,
            NotImplementedError,
        ):
            self._leave("the rest cannot be read")

    def _zip(self) -> Iterator[tuple[str, bytes]]:
        with zipfile.ZipFile(self.path) as archive:
            for index, info in enumerate(archive.infolist()):
                if index >= MAX_MEMBERS:
                    self._leave(f"more than {MAX_MEMBERS} members")
                    return
                if info.is_dir() or not self._sound(info.filename):
                    continue
                if (info.external_attr >> 16) & 0o170000 == 0o120000:
                    self._leave("links")
                    continue
                with archive.open(info) as file:
                    data = self._read(file)
                if data is not None:
                    yield info.filename, data

    def _tar(self) -> Iterator[tuple[str, bytes]]:
        with tarfile.open(self.path, "r|*") as archive:
            for index, info in enumerate(archive):
                if index >= MAX_MEMBERS or self.total > MAX_TOTAL:
                    self._leave("more than it may hold")
                    return
                if not self._sound(info.name):
                    continue
                if not info.isreg():
                    if not info.isdir():
                        self._leave("links and devices")
                    continue
                self.total += (
                    0 if info.size <= MAX_MEMBER else info.size
                )  # it has to be gone through all the same
                file = archive.extractfile(info) if info.size <= MAX_MEMBER else None
                data = self._read(file) if file is not None else self._leave("files that are too large")
                if data is not None:
                    yield info.name, data

    def _read(self, file: IO[bytes]) -> bytes | None:
        if self.total > MAX_TOTAL:
            return self._leave("more than it may hold")
        data = file.read(MAX_MEMBER + 1)
        self.total += len(data)
        return data if len(data) <= MAX_MEMBER else self._leave("files that are too large")

    def _sound(self, name: str) -> bool:
        parts = name.replace("\\", "/").split("/")
        if ".." in parts or name.startswith(("/", "\\")) or name[1:2] == ":":
            self.escapes.append(name)
            return False
        return True

    def _leave(self, why: str) -> bytes | None:
        """Count what is left out; there is nothing to read of it."""
        self.left_out[why] = self.left_out.get(why, 0) + 1
        return None
