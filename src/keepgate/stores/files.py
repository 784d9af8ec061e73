"""Small files that appear whole or not at all, mode 0600 in directories of mode 0700."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def make_directory(path: Path) -> None:
    """Make a directory of our own, its parents too, on stable storage when this returns. Raises OSError."""
    if not path.parent.exists():
        make_directory(path.parent)
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
        sync_directory(path.parent)


def create(path: Path, data: bytes) -> bool:
    """Create a file with this content, on stable storage when this returns. False if it exists: it is never replaced.

    Raises OSError; then nothing is left behind.
    """
    fresh = _beside(path)
    try:
        _write(fresh, data)
        os.link(fresh, path)
    except FileExistsError:
        return False
    finally:
        with suppress(OSError):
            fresh.unlink()
    sync_directory(path.parent)
    return True


def _beside(path: Path) -> Path:
    """A name of its own: two who write at the same time must not write into each other's file."""
    return path.with_name(f".{path.name}.{os.urandom(8).hex()}")


def _write(fresh: Path, data: bytes) -> None:
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        write_at(fd, data, 0)
        sync(fd)
    finally:
        os.close(fd)


def write_at(fd: int, data: bytes, offset: int) -> None:
    """Write all of `data` at `offset`. Raises OSError; then any part of it may have been written."""
    written = os.pwrite(fd, data, offset)
    while written < len(data):
        more = os.pwrite(fd, data[written:], offset + written)
        if not more:
            raise OSError("nothing was written")
        written += more


def sync(fd: int) -> None:
    """Bring the content of a file to stable storage. Raises OSError."""
    if sys.platform == "darwin":
        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)  # fsync leaves it in the cache of the drive there
    else:
        os.fdatasync(fd)


def sync_directory(path: Path) -> None:
    """Bring the names in a directory to stable storage. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def replace(path: Path, data: bytes) -> None:
    """Put a file in the place of another: all or nothing, on stable storage when this returns. Raises OSError."""
    make_directory(path.parent)
    fresh = _beside(path)
    try:
        _write(fresh, data)
        fresh.replace(path)
    except BaseException:
        with suppress(OSError):
            fresh.unlink()
        raise
    sync_directory(path.parent)


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """While nobody else holds this lock file, in this process or another. Raises OSError if it cannot be made."""
    make_directory(lock.parent)
    fd = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def only_one(lock: Path) -> int | None:
    """An open file that nobody else holds until it is closed, or this process ends; None if somebody does.

    Raises OSError.
    """
    make_directory(lock.parent)
    fd = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    except OSError:
        os.close(fd)
        raise
    return fd
