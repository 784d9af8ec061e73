"""How a client starts or reaches one MCP server, as its configuration file says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Transport(StrEnum):
    """How messages reach the server."""

    STDIO = "stdio"
    HTTP = "http"
    SSE = "sse"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an entry was found. `pointer` is a JSON pointer into the file, `line` and `column` count from 1."""

    client: str
    scope: str
    """`user`, `project`, or `project <path>` for what a user file keeps for one project."""
    file: str
    pointer: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class LaunchEntry:
    """One configured server. Every text in it is untrusted and as written: `${...}` is not expanded."""

    name: str
    transport: Transport
    origin: Origin
    command: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    env_file: str = ""
    cwd: str = ""
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    disabled: bool = False

    @property
    def argv(self) -> tuple[str, ...]:
        """Command and arguments; empty for a remote server."""
        return (self.command, *self.args) if self.command else ()
