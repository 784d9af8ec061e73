"""What a client is to us: where its files are, where servers stand in them, and how an entry of ours is written.

A client is data and two small functions, so that one file per client says all there is to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ENTRY = "keepgate"
"""The name of our entry in every client."""
KEY_ENV = "KEEPGATE_API_KEY"
"""The variable a client that launches `keepgate stdio` hands its key in; `KEEPGATE_KEY` is the master key."""

KeyPath = tuple[str, ...]
"""Keys from the root of a file to an object of servers; `*` stands for every key of an object."""

MAX_ANCESTORS = 32


@dataclass(frozen=True, slots=True)
class Machine:
    """Whose files are looked at. Given, not read from the process, so that any platform can be tested on any other."""

    home: Path
    platform: str
    """as sys.platform says: darwin, linux or win32"""
    cwd: Path
    env: Mapping[str, str]

    @property
    def roaming(self) -> Path:
        """Where desktop applications keep their settings."""
        if self.platform == "darwin":
            return self.home / "Library" / "Application Support"
        if self.platform == "win32":
            return self._from_env("APPDATA") or self.home / "AppData" / "Roaming"
        return self._from_env("XDG_CONFIG_HOME") or self.home / ".config"

    @property
    def local(self) -> Path:
        """Windows: where packaged applications keep theirs."""
        return self._from_env("LOCALAPPDATA") or self.home / "AppData" / "Local"

    @property
    def projects(self) -> tuple[Path, ...]:
        """The working directory and those above it up to the root of the repository, if it is in one."""
        up = (self.cwd, *self.cwd.parents)[:MAX_ANCESTORS]
        root = next((index for index, folder in enumerate(up) if (folder / ".git").exists()), 0)
        return up[: root + 1]

    def _from_env(self, name: str) -> Path | None:
        value = self.env.get(name, "")
        return Path(value) if value else None


@dataclass(frozen=True, slots=True)
class Place:
    """One file that may configure servers. `keys` says where in it; the first of them is where our entry would go."""

    path: Path
    scope: str
    """user or project"""
    keys: tuple[KeyPath, ...]
    anchor: bool = False
    """Our entry may be written here. Files that are shared through a repository never hold a key."""
    flat: bool = False
    """The servers may also stand at the root of the file."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """How a client reaches keepgate: by URL and key, or by a command that takes the key from its environment."""

    url: str
    key: str
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Client:
    """One program that reads server configurations."""

    id: str
    title: str
    places: Callable[[Machine], tuple[Place, ...]]
    entry: Callable[[Gateway], dict[str, Any]]
    strict: bool = False
    """It reads plain JSON only: comments and trailing commas make it refuse the file."""

    def anchor(self, machine: Machine) -> Place:
        """Where our entry goes first: the file that is there, else the one the client would make."""
        anchors = [place for place in self.places(machine) if place.anchor]
        return next((place for place in anchors if place.path.exists()), anchors[0])


def http_entry(gateway: Gateway) -> dict[str, Any]:
    """An entry for a client that reaches remote servers and sends headers."""
    return {"type": "http", "url": gateway.url, "headers": {"Authorization": f"Bearer {gateway.key}"}}


def stdio_entry(gateway: Gateway) -> dict[str, Any]:
    """An entry for a client that only launches commands. The key is in the environment: arguments are public."""
    return {"command": gateway.argv[0], "args": list(gateway.argv[1:]), "env": {KEY_ENV: gateway.key}}
