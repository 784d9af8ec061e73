"""Files of other programs, read with suspicion, and their texts made safe to print."""

from __future__ import annotations

import os
import stat
from pathlib import Path

MAX_BYTES = 16 * 1024 * 1024


class UnreadableError(Exception):
    """A file that is there and cannot be used. The text says why, without its contents."""


def read_bytes(path: Path) -> bytes | None:
    """The contents of a regular file, None if there is none. Raises UnreadableError.

    A pipe or a device in the place of a configuration must not hang or flood us.
    """
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UnreadableError("not a regular file")
            data = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UnreadableError((error.strerror or "cannot be read").lower()) from None
    if len(data) > MAX_BYTES:
        raise UnreadableError(f"larger than {MAX_BYTES // 1024 // 1024} MiB")
    return data


def to_text(data: bytes) -> str:
    """UTF-8, byte order mark and line ends kept. Raises UnreadableError."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"not UTF-8 (byte {error.start})") from None


def printable(text: str, limit: int = 0) -> str:
    """`text` with everything that could move a cursor, hide or reorder characters escaped; shortened to `limit`."""
    if 0 < limit < len(text):
        text = text[: limit - 1] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
