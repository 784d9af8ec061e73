"""Visual Studio Code and its Insiders build: `mcp.json` per profile, `.vscode/mcp.json`, and older `settings.json`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from keepgate.clients.formats import Client, Machine, Place, http_entry

_KEYS = (("servers",),)
# Both ways of writing a setting are one to VS Code.
_SETTINGS_KEYS = (("mcp", "servers"), ("mcp.servers",))


def _user_folders(machine: Machine) -> Iterator[Path]:
    portable = machine.env.get("VSCODE_PORTABLE", "")
    builds = [Path(portable) / "user-data"] if portable else []
    for build in (*builds, machine.roaming / "Code", machine.roaming / "Code - Insiders"):
        user = build / "User"
        yield from (user, *sorted((user / "profiles").glob("*")))


def _places(machine: Machine) -> tuple[Place, ...]:
    places = []
    for folder in _user_folders(machine):
        places.append(Place(folder / "mcp.json", "user", _KEYS, anchor=True))
        places.append(Place(folder / "settings.json", "user", _SETTINGS_KEYS))
    for project in machine.projects:
        places.append(Place(project / ".vscode" / "mcp.json", "project", _KEYS))
        places.append(Place(project / ".vscode" / "settings.json", "project", _SETTINGS_KEYS))
    return tuple(places)


VSCODE = Client("vscode", "VS Code", _places, http_entry)
