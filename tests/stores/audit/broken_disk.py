"""A disk that fails, a process that is killed, a power cut: at the n-th system call that changes a file."""

import errno
import os
import shutil
import threading
from contextlib import suppress
from pathlib import Path
from random import Random

CALLS = ("pwrite", "fdatasync", "fsync", "link", "ftruncate", "open", "mkdir")


class BrokenDisk:
    """Wraps the calls of `os` in this process; `strike(call, arguments)` decides what the n-th does.

    Reads and the opening of existing files pass. `synced` and `named` know what a power cut must leave.
    """

    def __init__(self, at: int):
        self.at = at
        self.count = 0
        self.lock = threading.RLock()
        self.real = {name: getattr(os, name) for name in CALLS}
        self.synced: dict[str, int] = {}
        self.unnamed: set[str] = set()

    def install(self):
        for name in CALLS:
            setattr(os, name, self._wrapped(name))

    def _wrapped(self, name):
        def call(*args, **kwargs):
            with self.lock:
                if name == "open" and (not args[1] & os.O_CREAT or os.path.exists(args[0])):
                    return self.real[name](*args, **kwargs)
                self.count += 1
                if self.struck(self.count):
                    self.strike(name, args)
                result = self.real[name](*args, **kwargs)
                self._remember(name, args)
                return result

        return call

    def struck(self, count: int) -> bool:
        return count == self.at

    def strike(self, name, args):
        raise NotImplementedError

    def half(self, name, args):
        """What may be done of a write that does not come to its end."""
        if name == "pwrite":
            self.real[name](args[0], args[1][: len(args[1]) // 2], args[2])

    def _remember(self, name, args):
        if name in ("fdatasync", "fsync"):
            path = os.readlink(f"/proc/self/fd/{args[0]}")
            if os.path.isdir(path):
                self.unnamed = {p for p in self.unnamed if os.path.dirname(p) != path}
            else:
                self.synced[path] = os.path.getsize(path)
        elif name in ("open", "link", "mkdir"):
            path = str(args[1] if name == "link" else args[0])
            self.unnamed.add(path)
            if name == "link":
                self.synced[path] = self.synced.get(str(args[0]), 0)


class FailingDisk(BrokenDisk):
    """Calls `at` up to `at + length` fail; of a write a part is done."""

    def __init__(self, at: int, length: int):
        super().__init__(at)
        self.end = at + length

    def struck(self, count):
        return self.at <= count < self.end

    def strike(self, name, args):
        self.half(name, args)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class KilledProcess(BrokenDisk):
    """The process dies inside the call."""

    def strike(self, name, args):
        self.half(name, args)
        os._exit(9)


class PowerCut(BrokenDisk):
    """The machine stops: of what was not synced, any part is left, with holes of zeros; of names likewise."""

    def __init__(self, at: int, root: Path):
        super().__init__(at)
        self.root = root
        self.random = Random(at)

    def strike(self, name, args):
        try:
            self.half(name, args)
            self._lose()
        except BaseException:
            os._exit(3)
        os._exit(9)

    def _lose(self):
        for path in sorted(str(path) for path in self.root.rglob("*") if path.is_file()):
            # The other thread runs on and may have removed it.
            with suppress(FileNotFoundError), open(path, "r+b", buffering=0) as stream:
                size = os.path.getsize(path)
                kept, hole = sorted(self.random.randint(self.synced.get(path, 0), size) for _ in range(2))
                self.real["pwrite"](stream.fileno(), bytes(hole - kept), kept)
                self.real["ftruncate"](stream.fileno(), self.random.choice([kept, hole, size]))
        for path in sorted(self.unnamed, reverse=True):
            if self.random.random() < 0.5:
                if os.path.isdir(path):
                    shutil.rmtree(path)
                elif os.path.exists(path):
                    os.unlink(path)
