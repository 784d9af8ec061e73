"""What one server may see, touch and reach, with every path absolute."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

Mode = Literal["off", "observe", "dev", "strict"]

CREDENTIALS: Final = (
    ".ssh", ".gnupg", ".aws", ".azure", ".config/gcloud", ".config/gh", ".kube", ".docker", ".netrc", ".npmrc",
    ".pypirc", ".git-credentials", ".config/git/credentials", ".password-store", ".mozilla", ".config/google-chrome",
    ".config/chromium", ".local/share/keyrings", ".bash_history", ".zsh_history", ".claude.json", ".claude", ".cursor",
)  # fmt: skip
"""Below the home directory: hidden even where a listed path holds them, unless they are listed themselves."""


def real(path: Path | str) -> Path:
    """Where a path leads. Unlike `Path.resolve` it raises nothing for links that lead in circles."""
    return Path(os.path.realpath(path))


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of the processes of one server."""

    memory: int = 4 << 30
    """Bytes of data, for each process."""
    processes: int = 512
    """Processes and threads, together."""
    files: int = 4096
    """Open descriptors, for each process."""
    cpu: int = 0
    """Seconds of processor time, for each process; 0: no bound."""
    scratch: int = 512 << 20
    """Bytes in /tmp, and in the home directory that it sees."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How a server is contained."""

    server: str
    mode: Mode = "off"
    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    network: str | tuple[str, ...] = "none"
    """`none`, `host`, or what it may reach: a tuple holds `host:port` entries that `egress.Allowed` takes."""
    bounds: Bounds = Bounds()
    home: Path = Path("/nonexistent")
    """Of the user; the server sees an empty directory there."""
    hidden: tuple[Path, ...] = field(default=())
    """Never seen, whatever is listed: keepgate's own."""
    state: Path = Path("/nonexistent")
    """keepgate's directory: what is resolved and remembered lies below it."""
