"""Claude Desktop: `claude_desktop_config.json`. It launches commands; remote servers are added in its own interface."""

from __future__ import annotations

from keepgate.clients.formats import Client, Machine, Place, stdio_entry

_FILE = "claude_desktop_config.json"
_KEYS = (("mcpServers",),)


def _places(machine: Machine) -> tuple[Place, ...]:
    folders = [machine.roaming / "Claude"]
    if machine.platform == "win32":
        # The packaged build (the default since 2026) sees this folder in the place of %APPDATA%\Claude.
        packages = machine.local / "Packages"
        folders[:0] = sorted(path / "LocalCache" / "Roaming" / "Claude" for path in packages.glob("Claude_*"))
    return tuple(Place(folder / _FILE, "user", _KEYS, anchor=True) for folder in folders)


CLAUDE_DESKTOP = Client("claude-desktop", "Claude Desktop", _places, stdio_entry, strict=True)
