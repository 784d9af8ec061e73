"""Replace another program's file without ever leaving half of one, and only where it may be replaced."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from keepgate.clients.formats import UnreadableError, read_bytes


class RefusedError(Exception):
    """A file that is left as it is. The text says why and, where there is one, the way out."""


def target(path: Path, roots: tuple[Path, ...]) -> Path:
    """The file that `path` leads to: symlinks are followed, but not out of `roots`. Raises RefusedError."""
    try:
        real = path.resolve()
    except (OSError, RuntimeError):
        raise RefusedError("a symlink that leads nowhere") from None
    linked = path.is_symlink() or path.parent.resolve() != path.parent
    if linked and not any(real.is_relative_to(root.resolve()) for root in roots):
        raise RefusedError(
            "a symlink that leads out of the home directory: change the file it leads to by hand"
        )
    return real


def current(path: Path) -> bytes | None:
    """The contents, None if there is no file. Raises RefusedError."""
    try:
        return read_bytes(path)
    except UnreadableError as error:
        raise RefusedError(str(error)) from None


def replace(path: Path, data: bytes, expected: bytes | None, mode: int = 0o600) -> None:
    """Put `data` in the place of `expected`, keeping mode and owner; a new file gets `mode`. Raises RefusedError."""
    before = _status(path)
    if before and not before.st_mode & stat.S_IWUSR:
        raise RefusedError("read-only: make it writable first")
    if before is None:
        path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        _write(draft, data, before, mode)
        # The client may have written meanwhile: its change must not be lost.
        if current(path) != expected:
            raise RefusedError("changed while it was being rewritten: close the client and try again")
        draft.replace(path)
        sync(path.parent)
    except OSError as error:
        raise RefusedError(f"cannot be written: {(error.strerror or 'error').lower()}") from None
    finally:
        draft.unlink(missing_ok=True)


def remove(path: Path, expected: bytes) -> None:
    """Delete a file that is still what it was expected to be. Raises RefusedError."""
    if current(path) != expected:
        raise RefusedError("changed while it was being removed: close the client and try again")
    path.unlink()
    sync(path.parent)


def sync(folder: Path) -> None:
    """Make the names in a directory survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _write(draft: Path, data: bytes, before: os.stat_result | None, mode: int) -> None:
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        if before and (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(file.fileno(), before.st_uid, before.st_gid)
        os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode) if before else mode)
        file.flush()
        os.fsync(file.fileno())
