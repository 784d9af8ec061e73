"""Archives, read member by member and never unpacked to disk: bounded in number, size and expansion."""

from __future__ import annotations

import gzip
import struct
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
MAX_FILE: Final = 256 * 1024 * 1024
"""Bytes of the archive itself."""
MAX_HEADER: Final = 1024 * 1024
"""Bytes of a header that is as long as it says: the standard library reads it as a whole."""

MAX_DIRECTORY: Final = 16 * 1024 * 1024
"""Bytes of a zip's list of members, which the standard library makes objects of before the first can be asked for."""

_DIRECTORY_SIZE: Final = 5
_LONG: Final = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_PLAIN: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Others take as much memory as their member asks for."""
_BROKEN: Final = (
    OSError,
    TypeError,  # the standard library, over a header that is cut off
    struct.error,
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    zlib.error,
    ValueError,
    RuntimeError,
    NotImplementedError,
)


class _Header(tarfile.TarInfo):
    """A header whose own length is bounded; `_proc_member` is where the standard library leaves room for that."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _LONG and self.size > MAX_HEADER:
            raise tarfile.ReadError("a header that is too long")
        return super()._proc_member(archive)  # type: ignore[misc,no-any-return] # not in its stubs


class _Bounded:
    """What comes out of an archive, up to a limit: going past a member that is passed over costs as much as reading it."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file, self._left = file, limit

    def read(self, size: int) -> bytes:
        """The next bytes. Raises tarfile.ReadError where it is more than may come out."""
        data = self._file.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise tarfile.ReadError("more than it may hold")
        return data


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
            if self.path.stat().st_size > MAX_FILE:
                self._leave(f"larger than {MAX_FILE // 1024 // 1024} MiB")
            elif self.path.name.lower().endswith((".tgz", ".tar.gz", ".tar")):
                yield from self._tar()
            else:
                yield from self._zip()
        except _BROKEN:
            self._leave("the rest cannot be read")

    def _zip(self) -> Iterator[tuple[str, bytes]]:
        with self.path.open("rb") as raw:
            end = zipfile._EndRecData(raw)  # type: ignore[attr-defined] # noqa: SLF001 # asked before it is read as a whole
        if end and end[_DIRECTORY_SIZE] > MAX_DIRECTORY:
            self._leave(f"more than {MAX_MEMBERS} members")
            return
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
                data = self._zipped(archive, info)
                if data is not None:
                    yield info.filename, data

    def _zipped(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes | None:
        """One member; one that is broken or locked hides no other."""
        if info.flag_bits & 1:
            return self._leave("encrypted files")
        if info.compress_type not in _PLAIN:
            return self._leave("files in a compression that is not read")
        try:
            with archive.open(info) as file:
                return self._read(file)
        except _BROKEN:
            return self._leave("files that cannot be read")

    def _tar(self) -> Iterator[tuple[str, bytes]]:
        with self.path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            stream = _Bounded(gzip.GzipFile(fileobj=raw) if packed else raw, MAX_TOTAL)  # type: ignore[arg-type] # as good
            with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header) as archive:  # type: ignore[call-overload] # it reads only
                yield from self._entries(archive)

    def _entries(self, archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
        for index, info in enumerate(archive):
            if index >= MAX_MEMBERS:
                self._leave(f"more than {MAX_MEMBERS} members")
                return
            if not self._sound(info.name):
                continue
            if not info.isreg():
                if not info.isdir():
                    self._leave("links and devices")
                continue
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
