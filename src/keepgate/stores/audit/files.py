"""The files of the log below the state directory."""

from __future__ import annotations

import os
from pathlib import Path

from keepgate.stores.files import create

LOG = ".log"
SEALED = ".sealed"
LEAVES = ".leaves"
"""What is kept of a segment that is past its time: the leaf hashes of its records, so that the tree stays whole."""
CHECKPOINTS = "checkpoints"
PUBLIC_KEY = "public.key"
SIGNING_KEY = "signing.key"
KEYS = "keys"
ENDED = "ended"
"""In the directory of a writer that nobody goes on with: its signing key is gone."""


def audit_directory(state: Path) -> Path:
    """Where the log is kept below the state directory."""
    return state / "audit"


def create_segment(writer: Path, number: int, header: bytes) -> None:
    """Create the files of a segment. The names of all are on stable storage when this returns. Raises OSError."""
    for path in (segment(writer, number, SEALED), writer / CHECKPOINTS):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    create(segment(writer, number, LOG), header)


def writers(audit: Path) -> list[Path]:
    """The directories of all writers, oldest name first; none before the first start."""
    return sorted(path for path in audit.glob("*") if len(path.name) == 16 and path.is_dir())


def segments(writer: Path) -> list[int]:
    """The numbers of a writer's segments, ascending."""
    return sorted(int(path.stem) for path in writer.glob(f"*{LOG}") if path.stem.isdecimal())


def pruned(writer: Path) -> list[int]:
    """The numbers of the segments of which only the leaf hashes are left, ascending."""
    kept = {int(path.stem) for path in writer.glob(f"*{LEAVES}") if path.stem.isdecimal()}
    return sorted(kept - set(segments(writer)))


def segment(writer: Path, number: int, suffix: str) -> Path:
    """The file of a segment: `LOG` for its records, `SEALED` for its payloads."""
    return writer / f"{number:08d}{suffix}"
