"""Finds what a server left running when its reaper itself was killed: by the mark that all its processes inherit.

Without root nothing better holds on every Linux: a process that cleared its environment is not found, and only a
process namespace of the server's own would leave none. Elsewhere than on Linux nothing is found.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

MARK = "KEEPGATE_SERVER"
"""Environment variable of everything that one server starts."""
ROUNDS = 8
"""Scans: what is found may start another before it is killed."""


def marked(mark: str) -> list[int]:
    """The processes of this user whose environment has the mark."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            if wanted in entry.read_bytes().split(b"\0"):
                found.append(int(entry.parent.name))
    return found


def kill(mark: str) -> int:
    """Kill them; how many there were."""
    killed: set[int] = set()
    for _ in range(ROUNDS):
        found = [pid for pid in marked(mark) if pid != os.getpid()]
        if not found:
            break
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        killed.update(found)
    return len(killed)
