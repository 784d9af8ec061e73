"""A directory as a list of files: bounded in number, size and depth, and never through a link."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

MAX_FILES: Final = 50_000
MAX_DEPTH: Final = 40
MAX_BYTES: Final = 4 * 1024 * 1024
"""Of one file; no source, manifest or listing is longer."""
PASSED_OVER: Final = frozenset(
    ".hg .svn .mypy_cache .ruff_cache .pytest_cache .tox .nox .venv venv .cache .gradle target "
    ".next .nuxt .terraform .yarn .pnpm-store site-packages bower_components .eggs".split()
)
"""Said to be passed over: whoever makes a package may put its code there."""
UNSAID: Final = frozenset((".git", "__pycache__"))
"""Passed over without a word: they are everywhere, made by git and by Python itself."""


@dataclass(slots=True)
class Tree:
    """The files below a directory, and what was left out."""

    root: Path
    dependencies: bool = False
    """Look into `node_modules` as well."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Reason to number."""

    def files(self) -> Iterator[Path]:
        """Regular files, in order."""
        waiting: list[tuple[Path, int]] = [(self.root, 0)]
        count = 0
        while waiting:
            folder, depth = waiting.pop()
            inner: list[tuple[Path, int]] = []
            for entry in self._entries(folder):
                if entry.is_symlink():
                    if (led := self._led(Path(entry.path))) is not None:
                        yield led
                elif entry.is_dir(follow_symlinks=False):
                    if self._passed(entry.name):
                        continue
                    if depth < MAX_DEPTH:
                        inner.append((Path(entry.path), depth + 1))
                    else:
                        self._leave("directories nested too deep")
                elif entry.is_file(follow_symlinks=False):
                    count += 1
                    if count > MAX_FILES:
                        self._leave(f"more than {MAX_FILES} files")
                        return
                    yield Path(entry.path)
            waiting += reversed(inner)

    def _led(self, path: Path) -> Path | None:
        """A link to a file inside of the directory, which clients follow: `.mcp.json` may be one to `notes.txt`."""
        try:
            if path.is_file() and path.resolve().is_relative_to(self.root.resolve()):
                return path
        except (OSError, RuntimeError):  # a circle of links
            pass
        self._leave("links")
        return None

    def _passed(self, name: str) -> bool:
        if name == "node_modules" and not self.dependencies:
            self._leave("node_modules (packages are vetted by `keepgate vet`)")
            return True
        if name in PASSED_OVER:
            self._leave("directories that tools make (caches, builds, environments)")
        return name in PASSED_OVER or name in UNSAID

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)[: MAX_FILES + 1]
        except OSError:
            self._leave("directories that cannot be read")
            return []

    def _leave(self, why: str) -> None:
        self.left_out[why] = self.left_out.get(why, 0) + 1


def read(path: Path, limit: int = MAX_BYTES) -> bytes | None:
    """A regular file of at most so many bytes; None for anything else. A pipe never makes us wait."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode) or info.st_size > limit:
            return None
        try:
            data = file.read(limit + 1)
        except OSError:
            return None
    return data if len(data) <= limit else None


def text(data: bytes) -> str:
    """UTF-8, or UTF-16 with its mark; what is neither is read with replacements, never refused."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    return data.decode("utf-8", errors="replace")
