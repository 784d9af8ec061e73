"""Where to look on a machine: the rows of the table as paths, with every pattern bounded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from keepgate.clients.formats import Machine
from keepgate.clients.wide.table import IN_PROJECT, INSTRUCTIONS, ROWS, SKILLS, Row

MAX_MATCHES: Final = 500
"""Files that one pattern may stand for."""
MAX_VISITED: Final = 20_000
MAX_DEPTH: Final = 8
"""Directories below the one in which `**` stands."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A file that a client reads."""

    client: str
    scope: str
    path: Path


def configurations(machine: Machine, rows: Iterable[Row] = ROWS) -> Iterator[Spot]:
    """Every file that is there, each once."""
    seen: set[Path] = set()
    for row in rows:
        for scope, path in _of(row, machine):
            if path not in seen and path.is_file():
                seen.add(path)
                yield Spot(row.id, scope, path)


def instructions(machine: Machine) -> Iterator[Spot]:
    """Skills and instruction files of the user and of the project."""
    seen: set[Path] = set()
    patterns = [(machine.home, each.removeprefix("~/"), "user") for each in (*SKILLS, *INSTRUCTIONS)]
    patterns += [(folder, each, "project") for folder in machine.projects for each in IN_PROJECT]
    for base, pattern, scope in patterns:
        for path in matches(base, pattern):
            if path not in seen:
                seen.add(path)
                yield Spot("agents", scope, path)


def _of(row: Row, machine: Machine) -> Iterator[tuple[str, Path]]:
    for scope, patterns in (("user", row.user), ("managed", row.managed), ("plugin", row.plugin)):
        for pattern in patterns:
            for base, rest in _rooted(pattern, machine, row.moved):
                yield from ((scope, path) for path in matches(base, rest))
    for folder in machine.projects:
        if folder != machine.home:
            yield from (("project", path) for pattern in row.project for path in matches(folder, pattern))


def _rooted(pattern: str, machine: Machine, moved: tuple[str, str]) -> Iterator[tuple[Path, str]]:
    """The directory a pattern starts from and what is left of it."""
    platform, mark, rest = pattern.partition(":")
    if mark and platform in ("darwin", "linux", "win32"):
        if platform != machine.platform:
            return
        pattern = rest
    variable, stands_for = moved
    elsewhere = machine.env.get(variable, "") if variable else ""
    if elsewhere and pattern.startswith(stands_for + "/"):
        yield Path(elsewhere), pattern[len(stands_for) + 1 :]
        if variable == "VSCODE_PORTABLE":
            yield Path(elsewhere) / "user-data", pattern[len(stands_for) + 1 :]
    for name, base in (("~/", machine.home), ("{data}/", machine.roaming), ("{local}/", machine.local)):
        if pattern.startswith(name):
            yield base, pattern[len(name) :]
            return
    yield (
        Path(pattern[:3] if pattern[1:3] == ":/" else "/"),
        pattern.lstrip("/") if pattern[0] == "/" else pattern[3:],
    )


def matches(base: Path, pattern: str) -> list[Path]:
    """The files below `base` that a pattern stands for, in order."""
    if "*" not in pattern:
        path = base / pattern
        try:
            return [path] if path.is_file() else []
        except OSError:
            return []
    return list(islice(_match(base, pattern.split("/")), MAX_MATCHES))


def _match(folder: Path, steps: list[str]) -> Iterator[Path]:
    step, rest = steps[0], steps[1:]
    if step == "**":
        for deeper in walk(folder):
            yield from _match(deeper, rest)
        return
    if "*" not in step:
        names = [folder / step]
    else:
        head, _, tail = step.partition("*")
        names = [p for p in children(folder) if p.name.startswith(head) and p.name.endswith(tail)]
    for path in names:
        try:
            fits = path.is_dir() if rest else path.is_file()
        except OSError:
            continue
        if fits:
            yield from (_match(path, rest) if rest else (path,))


def walk(folder: Path) -> Iterator[Path]:
    """A directory and those below it, never through a link, bounded in depth and number."""
    waiting, visited = [(folder, 0)], 0
    while waiting and visited < MAX_VISITED:
        here, depth = waiting.pop()
        visited += 1
        yield here
        if depth < MAX_DEPTH:
            inner = [path for path in children(here) if not path.is_symlink() and path.is_dir()]
            waiting += [
                (path, depth + 1) for path in reversed(inner) if path.name not in (".git", "node_modules")
            ]


def children(folder: Path) -> list[Path]:
    """What is in a directory, sorted; nothing where it cannot be read."""
    try:
        return sorted(islice(folder.iterdir(), MAX_VISITED))
    except OSError:
        return []
