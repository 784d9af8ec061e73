"""What a file is to the scanner, by its name and its first look."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What is done with a file."""

    CONFIGURATION = "configuration"
    LISTING = "listing"
    """Tools, prompts and resources of servers, as JSON."""
    MANIFEST = "manifest"
    SOURCE = "source"
    INSTRUCTIONS = "instructions"
    ARCHIVE = "archive"
    OTHER = "other"


MANIFESTS: Final = frozenset(
    (
        "package.json",
        "package-lock.json",
        "npm-shrinkwrap.json",
        "pyproject.toml",
        "uv.lock",
        "poetry.lock",
        "pnpm-lock.yaml",
        "yarn.lock",
        "pipfile.lock",
    )
)
LANGUAGES: Final = {
    ".py": "python", ".pyw": "python", ".js": "javascript", ".mjs": "javascript", ".cjs": "javascript", ".jsx": "javascript",
    ".ts": "typescript", ".mts": "typescript", ".cts": "typescript", ".tsx": "tsx", ".go": "go", ".rs": "rust",
    ".java": "java", ".cs": "csharp", ".rb": "ruby", ".php": "php",
}  # fmt: skip
_TEXTS: Final = frozenset(
    (
        "agents.md",
        "claude.md",
        "claude.local.md",
        "gemini.md",
        "skill.md",
        "copilot-instructions.md",
        ".cursorrules",
        ".windsurfrules",
        ".clinerules",
        "rules.md",
        "instructions.md",
        "system_prompt.md",
        "prompt.md",
    )
)
_ARCHIVES: Final = (".mcpb", ".dxt", ".zip", ".whl", ".tgz", ".tar.gz", ".tar", ".vsix")
_STRUCTURED: Final = (".json", ".jsonc", ".json5", ".toml", ".yaml", ".yml", ".code-workspace", ".jsonl")
_SERVERS: Final = (
    b"mcpServers",
    b"mcp_servers",
    b"context_servers",
    b"mcp-servers",
    b'"servers"',
    b"servers:",
    b"mcp_config",
    b'"mcp"',
    b"extensions:",
    b"mcp.servers",
    b"mcpservers",
    b"McpServers",
    b"MCPServers",
    b"mcpServer",
    b"enableAllProjectMcpServers",
    b"autoApprove",
    b'"hooks"',
    b'"permissions"',
)
_CONTAINERS: Final = (b"mcp", b"MCP")


def kind_of(name: str, head: bytes = b"", *, named: bool = False) -> Kind:
    """The kind of a file; `named` if somebody asked for this very file."""
    lowered = name.lower().replace("\\", "/")
    base = lowered.rpartition("/")[2]
    if base in MANIFESTS or (base.startswith("requirements") and base.endswith((".txt", ".in"))):
        return Kind.MANIFEST
    if base.endswith(_ARCHIVES):
        return Kind.ARCHIVE
    if language_of(base):
        return Kind.SOURCE
    if (
        base in _TEXTS
        or base.endswith(".mdc")
        or ("/skills/" in lowered and base.endswith(".md"))
        or ("/rules/" in lowered and base.endswith(".md"))
    ):
        return Kind.INSTRUCTIONS
    if base.endswith(_STRUCTURED) or base == ".mcp.json":
        return _structured(base, head, named=named)
    if named and base.endswith((".md", ".txt")):
        return Kind.INSTRUCTIONS
    return Kind.CONFIGURATION if named and head.lstrip()[:1] in (b"{", b"[") else Kind.OTHER


def language_of(name: str) -> str:
    """The language of a source file; "" for what is none."""
    dot = name.rfind(".")
    return LANGUAGES.get(name[dot:].lower(), "") if dot >= 0 else ""


def _structured(base: str, head: bytes, *, named: bool) -> Kind:
    yaml = base.endswith((".yaml", ".yml"))
    servers = any(mark in head for mark in _SERVERS)
    if not yaml and not base.endswith(".toml") and not servers and looks_like_listing(head):
        return Kind.LISTING
    if (
        servers
        or named
        or (
            yaml and any(mark in head for mark in _CONTAINERS) and (b"image:" in head or b"services:" in head)
        )
    ):
        return Kind.CONFIGURATION
    return Kind.OTHER


def looks_like_listing(head: bytes) -> bool:
    """Definitions of tools, prompts or resources stand in it."""
    about = any(
        mark in head
        for mark in (b'"inputSchema"', b'"input_schema"', b'"tools"', b'"prompts"', b'"instructions"')
    )
    return about and b'"name"' in head and b'"description"' in head
