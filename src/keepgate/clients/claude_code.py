"""Claude Code: `~/.claude.json` for the user and for each of the user's projects, `.mcp.json` in a repository."""

from __future__ import annotations

from pathlib import Path

from keepgate.clients.formats import Client, Machine, Place, http_entry

_USER_KEYS = (("mcpServers",), ("projects", "*", "mcpServers"))
_PROJECT_KEYS = (("mcpServers",),)


def _places(machine: Machine) -> tuple[Place, ...]:
    moved = machine.env.get("CLAUDE_CONFIG_DIR", "")
    user = (Path(moved) if moved else machine.home) / ".claude.json"
    return (
        Place(user, "user", _USER_KEYS, anchor=True),
        *(Place(folder / ".mcp.json", "project", _PROJECT_KEYS, flat=True) for folder in machine.projects),
    )


CLAUDE_CODE = Client("claude-code", "Claude Code", _places, http_entry, strict=True)
