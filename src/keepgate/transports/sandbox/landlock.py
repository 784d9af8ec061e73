"""Landlock rules for a profile: the fallback where bubblewrap does not work. Looks at files, changes nothing.

It holds files, TCP, signals and abstract sockets; the seccomp filter holds what it does not know (UDP, other sockets,
shared memory). What it cannot do at all: hide names (a path outside can be tested for existence), bound how many
processes there are, give the server a network with exceptions, cover something below a directory that is listed.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from keepgate.model.errors import UpstreamError
from keepgate.transports.sandbox.bubblewrap import hidden_below, listed
from keepgate.transports.sandbox.needs import SETTINGS, SYSTEM
from keepgate.transports.sandbox.profile import Profile

ENOUGH: Final = 6
"""The ABI (Linux 6.12) that also keeps signals and abstract sockets inside."""
_VERSION: Final = 1
_EXECUTE, _WRITE, _READ, _LIST, _TRUNCATE, _IOCTL = 1, 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
ALL: Final = (1 << 16) - 1
"""Every access to files that ABI 6 knows."""
_FILE: Final = _EXECUTE | _WRITE | _READ | _TRUNCATE | _IOCTL
"""Those that make sense for what is no directory."""
_DEVICE_NODES: Final = 1 << 6 | 1 << 11
"""Making one is a way around all paths for who may: never granted."""
_TCP: Final = 3
_SCOPES: Final = 3
_LOOK: Final = _EXECUTE | _READ | _LIST
_DEVICES: Final = ("null", "zero", "full", "random", "urandom")
_PROC: Final = (
    "self",
    "cpuinfo",
    "filesystems",
    "loadavg",
    "meminfo",
    "stat",
    "uptime",
    "version",
    "sys/vm",
    "sys/fs",
)


@cache
def abi() -> int:
    """What this kernel offers; 0 where there is no Landlock."""
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"):
        return 0
    found = ctypes.CDLL(None, use_errno=True).syscall(444, None, ctypes.c_size_t(0), _VERSION)
    return max(int(found), 0)


def rules(profile: Profile, code: Iterable[Path], scratch: Path) -> bytes:
    """The rules as `below/contained.py` reads them. Raises UpstreamError for what Landlock cannot hold."""
    code = tuple(code)
    shown = listed(profile, code)
    if covered := hidden_below(profile, shown):
        text = f"here only Landlock works, which cannot hide `{covered[0]}` below what its sandbox lists"
        raise UpstreamError("unreachable", f"{text}: install bubblewrap, or list less", retryable=True)
    granted = {Path(each): _LOOK for each in (*SYSTEM, *SETTINGS)}
    granted |= {Path("/proc", each): _LOOK for each in _PROC}
    granted |= {Path("/dev", each): _READ | _WRITE for each in _DEVICES}
    granted |= dict.fromkeys(code, _LOOK) | dict.fromkeys(profile.read, _LOOK)
    granted |= dict.fromkeys((*profile.write, scratch), ALL & ~(_EXECUTE | _DEVICE_NODES))
    words = [str(ALL).encode(), str(_TCP).encode(), str(_SCOPES).encode()]
    for path, access in granted.items():
        words += [str(access if path.is_dir() else access & _FILE).encode(), os.fsencode(path)]
    return b"\0".join(words)
