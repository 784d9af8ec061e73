"""A home directory with the files that real clients write."""

from __future__ import annotations

from pathlib import Path

from keepgate.clients.formats import Machine

SAMPLES = Path(__file__).parent / "samples"

LAYOUT = {
    ".config/Claude/claude_desktop_config.json": "claude_desktop_config.json",
    ".claude.json": "claude.json",
    ".cursor/mcp.json": "cursor.json",
    ".config/Code/User/mcp.json": "vscode.mcp.json",
    ".config/Code/User/settings.json": "vscode.settings.json",
    "shop/.mcp.json": "project.mcp.json",
}

WINDOWS = (
    '\ufeff{\r\n\t"mcpServers": {\r\n\t\t"fetch": {\r\n\t\t\t"command": "C:\\\\Users\\\\Ada\\\\uvx.exe",\r\n'
    '\t\t\t"args": ["mcp-server-fetch"]\r\n\t\t}\r\n\t}\r\n}'
)
"""As Notepad leaves it: byte order mark, CRLF, no final line end."""


def sample(name: str) -> str:
    return (SAMPLES / name).read_text()


def furnish(home: Path) -> Machine:
    """Put every sample in its place; the working directory is a project with a file of its own."""
    for place, name in LAYOUT.items():
        (home / place).parent.mkdir(parents=True, exist_ok=True)
        (home / place).write_bytes((SAMPLES / name).read_bytes())
    (home / "shop" / ".git").mkdir()
    return Machine(home, "linux", home / "shop", {"XDG_STATE_HOME": str(home / ".local" / "state")})


def contents(home: Path) -> dict[str, bytes]:
    """Every client file, as it is now."""
    return {place: (home / place).read_bytes() for place in LAYOUT}
