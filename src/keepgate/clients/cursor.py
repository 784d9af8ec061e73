"""Cursor: `mcp.json` in `.cursor`, in the home directory and in a project."""

from __future__ import annotations

from typing import Any

from keepgate.clients.formats import Client, Gateway, Machine, Place, http_entry

_KEYS = (("mcpServers",),)


def _places(machine: Machine) -> tuple[Place, ...]:
    user = machine.home / ".cursor" / "mcp.json"
    projects = (folder / ".cursor" / "mcp.json" for folder in machine.projects)
    return (
        Place(user, "user", _KEYS, anchor=True),
        *(Place(path, "project", _KEYS) for path in projects if path != user),
    )


def _entry(gateway: Gateway) -> dict[str, Any]:
    # Cursor tells a remote server by its `url` and documents no `type` for it.
    return {key: value for key, value in http_entry(gateway).items() if key != "type"}


CURSOR = Client("cursor", "Cursor", _places, _entry)
