"""Watches what a program that is not contained uses: files, programs, addresses. In the reaper, and its child.

Like the reaper a script's part. The kernel asks this process about each of these calls (seccomp user notification),
which notes what it is about and lets it go on: nothing is refused, and nothing here holds anything back. A plan is

    log=FD     a file to append to

What is noted is a JSON text a line: `{"use": ..., "what": ...}`, each once for each run.
"""

from __future__ import annotations

import _socket
import _thread
import contextlib
import ctypes
import json
import os
import struct

from contained import LIBC, PR_SET_NO_NEW_PRIVS, SCM_RIGHTS, call  # type: ignore[import-not-found]

NEW_LISTENER, SET_MODE_FILTER, USER_NOTIF, ALLOW = 8, 1, 0x7FC00000, 0x7FFF0000
RECEIVE, SEND, CONTINUE = 0xC0502100, 0xC0182101, 1
SECCOMP = {"x86_64": 317, "aarch64": 277}
AT_FDCWD = -100
O_DIRECTORY = {"x86_64": 0o200000, "aarch64": 0o40000}
O_PATH, O_CREAT, WRITES = 0o10000000, 0o100, 0o3
AF_INET, AF_INET6 = 2, 10
MOST = 20_000
"""Lines of one run: more cannot be proposed to anybody."""
LONGEST = 4096

# name: numbers on x86_64 and aarch64, what it is, places of (directory, path) pairs among the arguments, of the flags
CALLS = {
    "open": ((2, None), "open", ((None, 0),), 1),
    "creat": ((85, None), "create", ((None, 0),), 0),
    "openat": ((257, 56), "open", ((0, 1),), 2),
    "openat2": ((437, 437), "open2", ((0, 1),), 2),
    "execve": ((59, 221), "run", ((None, 0),), 0),
    "execveat": ((322, 281), "run", ((0, 1),), 0),
    "connect": ((42, 203), "reach", (), 0),
    "mkdir": ((83, None), "make", ((None, 0),), 0),
    "mkdirat": ((258, 34), "make", ((0, 1),), 0),
    "rmdir": ((84, None), "make", ((None, 0),), 0),
    "unlink": ((87, None), "make", ((None, 0),), 0),
    "unlinkat": ((263, 35), "make", ((0, 1),), 0),
    "rename": ((82, None), "make", ((None, 0), (None, 1)), 0),
    "renameat": ((264, 38), "make", ((0, 1), (2, 3)), 0),
    "renameat2": ((316, 276), "make", ((0, 1), (2, 3)), 0),
    "link": ((86, None), "make", ((None, 1),), 0),
    "linkat": ((265, 37), "make", ((2, 3),), 0),
    "symlink": ((88, None), "make", ((None, 1),), 0),
    "symlinkat": ((266, 36), "make", ((1, 2),), 0),
    "truncate": ((76, 45), "change", ((None, 0),), 0),
}


class Observation:
    """A plan as the reaper knows it (contained.Plan): for a program that is watched, and not contained."""

    init = 0

    def __init__(self, text: str) -> None:
        given = {name: int(value) for name, _, value in (each.partition("=") for each in text.split(","))}
        self.log = given["log"]
        self.near, self.far = _socket.socketpair()
        self.machine = os.uname().machine

    def kept(self) -> list[int]:
        """Descriptors that must outlive the cleaning up."""
        os.set_inheritable(self.log, False)  # noqa: FBT003
        return [self.log, self.near.fileno(), self.far.fileno()]

    def command(self, command: list[str]) -> list[str]:
        """The program as it is."""
        return command

    def confine(self) -> None:
        """In the child, before it turns into the program: from here on the reaper is asked. Raises OSError."""
        zero = ctypes.c_ulong(0)
        if LIBC.prctl(PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero):
            raise OSError(ctypes.get_errno(), "no_new_privs")
        code = questions(self.machine)
        held = ctypes.create_string_buffer(code, len(code))

        class Program(ctypes.Structure):
            _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))

        given = Program(len(code) // 8, ctypes.cast(held, ctypes.c_void_p))
        right = bytearray(4)
        listener = call(SECCOMP[self.machine], SET_MODE_FILTER, NEW_LISTENER, ctypes.byref(given))
        right[:] = listener.to_bytes(4, "little")
        self.far.sendmsg([b"."], [(_socket.SOL_SOCKET, SCM_RIGHTS, bytes(right))])

    def attend(self) -> None:
        """In the reaper: answer the kernel from now on, in a thread: only an ancestor may look into the program."""
        self.far.close()
        _, rights, _, _ = self.near.recvmsg(1, _socket.CMSG_SPACE(4))
        self.near.close()
        if rights:
            _thread.start_new_thread(Watch(int.from_bytes(rights[0][2][:4], "little"), self.log).run, ())

    def forget(self) -> None:
        """Nothing is left to remove."""


def questions(machine: str) -> bytes:
    """The filter: ask about these calls, let all others go on."""
    place = ("x86_64", "aarch64").index(machine)
    numbers = [found[0][place] for found in CALLS.values()]
    asked = [number for number in numbers if number is not None]
    code = [(0x20, 0, 0, 0)]
    code += [(0x15, len(asked) - at, 0, number) for at, number in enumerate(asked)]
    code += [(0x06, 0, 0, ALLOW), (0x06, 0, 0, USER_NOTIF)]
    return b"".join(struct.pack("<HBBI", *each) for each in code)


class Watch:
    """Answers the kernel's questions and notes what they are about."""

    def __init__(self, listener: int, log: int) -> None:
        machine = os.uname().machine
        place = ("x86_64", "aarch64").index(machine)
        self.listener = listener
        self.log = log
        self.directory = O_DIRECTORY[machine]
        self.calls = {found[0][place]: found[1:] for found in CALLS.values() if found[0][place] is not None}
        self.seen: set[tuple[str, str]] = set()
        self.made: set[str] = set()
        """What the program made itself since it was started: it may do with it what it likes."""

    def run(self) -> None:
        """Until nobody is left who asks."""
        import fcntl

        while True:
            question = bytearray(80)
            try:
                fcntl.ioctl(self.listener, RECEIVE, question, True)  # noqa: FBT003
            except OSError as error:
                if error.errno in (2, 4):  # whoever asked is gone; a signal
                    continue
                return
            number, pid, _, call_number = struct.unpack_from("<QIIi", question)
            try:
                self.note(pid, call_number, struct.unpack_from("<6Q", question, 32))
            except (OSError, ValueError):
                pass
            finally:
                answer = bytearray(struct.pack("<QqiI", number, 0, 0, CONTINUE))
                with contextlib.suppress(OSError):
                    fcntl.ioctl(self.listener, SEND, answer, True)  # noqa: FBT003

    def note(self, pid: int, number: int, arguments: tuple[int, ...]) -> None:
        """Write down what one call is about, if it was not seen before. Raises OSError, ValueError."""
        what, paths, flags = self.calls[number]
        if what == "reach":
            self.reach(memory(pid, arguments[1], min(arguments[2], 28)))
            return
        for directory, place in paths:
            path = named(pid, arguments[place], None if directory is None else arguments[directory])
            if what in ("open", "open2"):
                given = arguments[flags] & 0xFFFFFFFF
                if what == "open2":
                    given = int.from_bytes(memory(pid, arguments[flags], 8), "little")
                self.opened(path, given)
            elif what == "run":
                if os.path.exists(path):  # noqa: PTH110
                    self.say("run", path)
            elif what == "change":
                self.opened(path, 1)
            elif what == "create":
                self.opened(path, O_CREAT | 1)
            else:
                self.make(path)

    def opened(self, path: str, flags: int) -> None:
        """Only what exists, or is made by it: what is looked for in vain is no use of anything."""
        if flags & O_PATH or path in self.made:
            return
        if not os.path.exists(path):  # noqa: PTH110
            if flags & O_CREAT:
                self.make(path)
        elif os.path.isdir(path):  # noqa: PTH112
            self.say("list", path)
        else:
            self.say("write" if flags & WRITES else "read", path)

    def make(self, path: str) -> None:
        """Something is made, moved or removed there: the directory is what changes."""
        folder = os.path.dirname(path)  # noqa: PTH120
        self.made.add(path)
        if folder not in self.made:
            self.say("make", folder)

    def reach(self, address: bytes) -> None:
        """An address of the network, past any proxy."""
        family = int.from_bytes(address[:2], "little")
        port = int.from_bytes(address[2:4], "big")
        if family == AF_INET:
            self.say("reach", f"{_socket.inet_ntop(AF_INET, address[4:8])}:{port}")
        elif family == AF_INET6:
            self.say("reach", f"[{_socket.inet_ntop(AF_INET6, address[8:24])}]:{port}")

    def say(self, use: str, what: str) -> None:
        if (use, what) not in self.seen and len(self.seen) < MOST:
            self.seen.add((use, what))
            os.write(self.log, json.dumps({"use": use, "what": what}).encode() + b"\n")


def memory(pid: int, address: int, size: int) -> bytes:
    """What a program has at an address. Raises OSError."""
    fd = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    try:
        return os.pread(fd, size, address)
    finally:
        os.close(fd)


def named(pid: int, address: int, directory: int | None) -> str:
    """The absolute path that a call names, `..` taken out. Raises OSError, ValueError for one that names none."""
    text, page = b"", 4096
    while b"\0" not in text and len(text) < LONGEST:
        at = address + len(text)
        text += memory(pid, at, page - at % page)
    path = os.fsdecode(text.partition(b"\0")[0])
    if not path:
        raise ValueError("a descriptor and nothing else")
    if not path.startswith("/"):
        number = AT_FDCWD if directory is None else ctypes.c_int32(directory & 0xFFFFFFFF).value
        where = "cwd" if number == AT_FDCWD else f"fd/{number}"
        path = os.path.join(os.readlink(f"/proc/{pid}/{where}"), path)  # noqa: PTH115, PTH118
    return os.path.normpath(path)
