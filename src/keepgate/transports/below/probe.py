"""The self-test's inner half: runs contained and tries what must fail. Prints a line each, `name` and what came of it.

    probe.py CANARY SSH PID STARTED TCP_PORT UDP_PORT ABSTRACT SOCKET OUTSIDE

`denied` is good, `open` is not; anything else is the reason why nothing can be said. What only the other side can see
(a datagram, a file that appears) is judged there.
"""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from collections.abc import Callable

CALLS = {
    "ptrace": {"x86_64": (101, 16, 1), "aarch64": (117, 16, 1)},
    "io_uring": {"x86_64": (425, 1, 0), "aarch64": (425, 1, 0)},
    "keyring": {"x86_64": (250, 0, -3), "aarch64": (219, 0, -3)},
    "mount": {"x86_64": (165, 0, 0), "aarch64": (40, 0, 0)},
}
EPERM, EACCES = 1, 13


def read(path: str) -> Callable[[], object]:
    return lambda: open(path, "rb").read(1)  # noqa: PTH123


def listing(path: str) -> Callable[[], object]:
    def attempt() -> object:
        if not os.listdir(path):  # noqa: PTH208
            raise OSError(0, "an empty directory of its own")
        return None

    return attempt


def process(pid: int, started: str) -> Callable[[], object]:
    """By the time it started: a number may be given twice, once inside and once outside."""

    def attempt() -> object:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
            if file.read().rpartition(b")")[2].split()[19].decode() != started:
                raise OSError(0, "another process")
        return None

    return attempt


def signal(pid: int) -> Callable[[], object]:
    def attempt() -> object:
        if pid < 16:
            raise OSError(0, "the number is one of those inside")
        os.kill(pid, 0)
        return None

    return attempt


def connect(family: int, kind: int, address: object) -> Callable[[], object]:
    def attempt() -> object:
        with socket.socket(family, kind) as one:
            one.settimeout(1)
            one.connect(address)  # type: ignore[arg-type]
            return one.send(b"probe")

    return attempt


def call(numbers: tuple[int, int, int]) -> Callable[[], object]:
    def attempt() -> object:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syscall(*map(ctypes.c_long, (*numbers, 0, 0, 0))) == -1 and ctypes.get_errno() in (
            EPERM,
            EACCES,
        ):
            raise OSError(ctypes.get_errno(), "refused")
        return None

    return attempt


def write(path: str) -> Callable[[], object]:
    return lambda: open(path, "wb").close()  # noqa: PTH123


def say(*words: str) -> None:
    sys.stdout.write(" ".join(words) + "\n")


def main(words: list[str]) -> None:
    canary, ssh, pid, started, tcp, udp, abstract, path, outside = words
    machine = os.uname().machine
    unix, inet = socket.AF_UNIX, socket.AF_INET
    attempts = {
        "files": read(canary),
        "ssh": listing(ssh),
        "write": write(outside),
        "processes": process(int(pid), started),
        "signals": signal(int(pid)),
        "tcp": connect(inet, socket.SOCK_STREAM, ("127.0.0.1", int(tcp))),
        "udp": connect(inet, socket.SOCK_DGRAM, ("127.0.0.1", int(udp))),
        "sockets": connect(unix, socket.SOCK_STREAM, path),
        "abstract": connect(unix, socket.SOCK_STREAM, "\0" + abstract),
    }
    attempts |= {name: call(by[machine]) for name, by in CALLS.items() if machine in by}
    for name, attempt in attempts.items():
        try:
            attempt()
            say(name, "open")
        except OSError as error:
            say(name, "denied", str(error.strerror))
    say("end")


if __name__ == "__main__":
    main(sys.argv[1:])
