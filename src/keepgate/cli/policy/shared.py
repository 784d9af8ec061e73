"""What the commands of `keepgate policy` share: reading what they are given, and printing it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keepgate.cli.audit import Format
from keepgate.cli.screen import fail, safe
from keepgate.model.errors import ConfigError

if TYPE_CHECKING:
    from keepgate.config import Settings
    from keepgate.config.tree import Tree
    from keepgate.model.access import Principal

Format_ = Annotated[Format, typer.Option("--format", help="A table, or JSON.")]


@contextmanager
def usage() -> Iterator[None]:
    """What is wrong with the words or files that were given ends the command with exit code 2."""
    try:
        yield
    except (ConfigError, ValueError) as error:
        fail(safe(str(error)), 2)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration and where everything in it stands."""

    settings: Settings
    tree: Tree

    @classmethod
    def of(cls, path: Path | None) -> Loaded:
        """Raises ConfigError."""
        from keepgate import config

        settings = config.load(path, env=os.environ)
        return cls(settings, config.read_tree(settings.file))

    def where(self, *path: str | int) -> str:
        """`file:line:column`."""
        return self.tree.where(path)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Print cells in columns, each cut to a length that one can read."""
    cells = [head, *([safe(cell.replace("\n", "\\n"), 200) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def say(lines: Iterable[str]) -> None:
    """Print lines, each kept to one line whatever is in it."""
    for line in lines:
        typer.echo(safe(line.replace("\n", "\\n")))


def carried(principal: Principal) -> Iterator[str]:
    """Its first name, then all others in one text: to be joined with ` with `."""
    first, *rest = principal.grantees
    yield first
    if rest:
        yield ", ".join(rest)
