"""Which clients there are, and where each keeps the servers it starts: data, one row a client.

In a path `~` is the home directory, `{data}` where desktop applications keep settings (`~/Library/Application Support`,
`%APPDATA%`, `$XDG_CONFIG_HOME`), `{local}` is `%LOCALAPPDATA%`, `{system}` the administrator's directory. `*` stands for
one name, `**` for any depth. A `darwin:`, `linux:` or `win32:` in front says the only platform it is for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Row:
    """One client. `moved` names a variable that leads to another directory, and the path it stands for."""

    id: str
    title: str
    user: tuple[str, ...] = ()
    project: tuple[str, ...] = ()
    managed: tuple[str, ...] = ()
    plugin: tuple[str, ...] = ()
    moved: tuple[str, str] = ("", "")


_HOSTS: Final = ("Code", "Code - Insiders", "VSCodium", "Cursor", "Windsurf", "Trae")


def _in_code(extension: str, file: str) -> tuple[str, ...]:
    return tuple(f"{{data}}/{host}/User/globalStorage/{extension}/settings/{file}" for host in _HOSTS)


ROWS: Final = (
    Row(
        "claude-desktop",
        "Claude Desktop",
        ("{data}/Claude/claude_desktop_config.json", "{local}/Packages/Claude_*/LocalCache/Roaming/Claude/claude_desktop_config.json"),
        plugin=("{data}/Claude/Claude Extensions/*/manifest.json",),
    ),
    Row(
        "claude-code",
        "Claude Code",
        ("~/.claude.json", "~/.claude/.claude.json", "~/.claude/settings.json", "~/.claude/mcp.json"),
        (".mcp.json", ".claude/settings.json", ".claude/settings.local.json"),
        (
            "darwin:/Library/Application Support/ClaudeCode/managed-mcp.json",
            "darwin:/Library/Application Support/ClaudeCode/managed-settings.json",
            "linux:/etc/claude-code/managed-mcp.json",
            "linux:/etc/claude-code/managed-settings.json",
            "win32:C:/Program Files/ClaudeCode/managed-mcp.json",
        ),
        (
            "~/.claude/plugins/cache/**/.mcp.json",
            "~/.claude/plugins/repos/**/.mcp.json",
            "~/.claude/plugins/cache/**/.claude-plugin/plugin.json",
            "~/.claude/plugins/repos/**/.claude-plugin/plugin.json",
        ),
        ("CLAUDE_CONFIG_DIR", "~/.claude"),
    ),
    Row(
        "cursor",
        "Cursor",
        ("~/.cursor/mcp.json",),
        (".cursor/mcp.json",),
        plugin=(
            "~/.cursor/plugins/cache/**/mcp.json",
            "~/.cursor/plugins/cache/**/.mcp.json",
            "~/.cursor/plugins/local/**/mcp.json",
            "~/.cursor/plugins/local/**/.mcp.json",
        ),
    ),
    Row(
        "vscode",
        "VS Code",
        (
            "{data}/Code/User/mcp.json", "{data}/Code/User/settings.json", "{data}/Code/User/profiles/*/mcp.json",
            "{data}/Code - Insiders/User/mcp.json", "{data}/Code - Insiders/User/settings.json",
            "{data}/Code - Insiders/User/profiles/*/mcp.json", "{data}/VSCodium/User/mcp.json",
            "{data}/VSCodium/User/settings.json",
        ),
        (".vscode/mcp.json", ".vscode/settings.json", "*.code-workspace", ".devcontainer/devcontainer.json", ".devcontainer.json"),
        moved=("VSCODE_PORTABLE", "{data}/Code"),
    ),
    Row("copilot", "GitHub Copilot", ("~/.copilot/mcp-config.json",), (".github/mcp.json", ".copilot/mcp-config.json")),
    Row(
        "copilot-jetbrains",
        "Copilot for JetBrains",
        ("~/.config/github-copilot/intellij/mcp.json", "{local}/github-copilot/intellij/mcp.json"),
    ),
    Row("visual-studio", "Visual Studio", ("win32:~/.mcp.json",), (".vs/mcp.json",)),
    Row(
        "windsurf",
        "Windsurf",
        ("~/.codeium/windsurf/mcp_config.json", "~/.codeium/mcp_config.json", "~/.codeium/windsurf-next/mcp_config.json"),
        (".windsurf/mcp.json",),
    ),
    Row("zed", "Zed", ("~/.config/zed/settings.json", "{data}/Zed/settings.json"), (".zed/settings.json",)),
    Row(
        "gemini-cli",
        "Gemini CLI",
        ("~/.gemini/settings.json",),
        (".gemini/settings.json", "gemini-extension.json"),
        (
            "darwin:/Library/Application Support/GeminiCli/settings.json",
            "linux:/etc/gemini-cli/settings.json",
            "win32:C:/ProgramData/gemini-cli/settings.json",
        ),
        ("~/.gemini/extensions/*/gemini-extension.json",),
    ),
    Row(
        "qwen-code",
        "Qwen Code",
        ("~/.qwen/settings.json",),
        (".qwen/settings.json", "qwen-extension.json"),
        plugin=("~/.qwen/extensions/*/qwen-extension.json",),
    ),
    Row(
        "antigravity",
        "Antigravity",
        ("~/.gemini/antigravity/mcp_config.json", "~/.gemini/config/mcp_config.json"),
        (".agents/mcp_config.json",),
    ),
    Row(
        "codex",
        "Codex CLI",
        ("~/.codex/config.toml", "~/.codex/*.config.toml"),
        (".codex/config.toml",),
        ("linux:/etc/codex/config.toml", "darwin:/etc/codex/config.toml", "win32:C:/ProgramData/OpenAI/Codex/config.toml"),
        ("~/.codex/plugins/**/.mcp.json",),
        ("CODEX_HOME", "~/.codex"),
    ),
    Row(
        "amazon-q",
        "Amazon Q Developer",
        ("~/.aws/amazonq/mcp.json", "~/.aws/amazonq/default.json", "~/.aws/amazonq/agents/*.json", "~/.aws/amazonq/cli-agents/*.json"),
        (".amazonq/mcp.json", ".amazonq/default.json", ".amazonq/agents/*.json", ".amazonq/cli-agents/*.json"),
    ),
    Row(
        "kiro",
        "Kiro",
        ("~/.kiro/settings/mcp.json", "~/.kiro/agents/*.json"),
        (".kiro/settings/mcp.json", ".kiro/agents/*.json"),
        plugin=("~/.kiro/powers/installed/*/mcp.json",),
    ),
    Row(
        "cline",
        "Cline",
        (
            *_in_code("saoudrizwan.claude-dev", "cline_mcp_settings.json"),
            "~/.cline/mcp_settings.json", "~/.cline/data/settings/cline_mcp_settings.json", "~/.cline/cline_mcp_settings.json",
        ),
    ),
    Row("roo-code", "Roo Code", _in_code("rooveterinaryinc.roo-cline", "mcp_settings.json"), (".roo/mcp.json",)),
    Row(
        "kilo-code",
        "Kilo Code",
        _in_code("kilocode.kilo-code", "mcp_settings.json"),
        (".kilocode/mcp.json", ".kilo/mcp.json", "kilo.json", "kilo.jsonc"),
    ),
    Row(
        "continue",
        "Continue",
        ("~/.continue/config.yaml", "~/.continue/config.json", "~/.continue/mcpServers/*.yaml", "~/.continue/mcpServers/*.json"),
        (".continue/mcpServers/*.yaml", ".continue/mcpServers/*.yml", ".continue/mcpServers/*.json", ".continue/config.yaml"),
    ),
    Row("lm-studio", "LM Studio", ("~/.lmstudio/mcp.json", "~/.cache/lm-studio/mcp.json")),
    Row(
        "jetbrains",
        "JetBrains AI Assistant",
        ("{data}/JetBrains/*/mcp.json", "{data}/JetBrains/*/options/mcp.json"),
        (".idea/mcp.json",),
    ),
    Row("junie", "Junie", ("~/.junie/mcp/mcp.json", "~/.junie/mcp.json"), (".junie/mcp/mcp.json", ".junie/mcp.json")),
    Row("warp", "Warp", ("~/.warp/.mcp.json", "~/.warp/mcp.json"), (".warp/.mcp.json",)),
    Row(
        "goose",
        "goose",
        ("~/.config/goose/config.yaml", "win32:{data}/Block/goose/config/config.yaml"),
        ("recipe.yaml", "recipe.yml", "recipe.json"),
    ),
    Row(
        "opencode",
        "opencode",
        ("~/.config/opencode/opencode.json", "~/.config/opencode/opencode.jsonc", "~/.config/opencode/config.json"),
        ("opencode.json", "opencode.jsonc", ".opencode/opencode.json", ".opencode/opencode.jsonc"),
        (
            "darwin:/Library/Application Support/opencode/opencode.json",
            "linux:/etc/opencode/opencode.json",
            "win32:C:/ProgramData/opencode/opencode.json",
        ),
        moved=("OPENCODE_CONFIG_DIR", "~/.config/opencode"),
    ),
    Row("amp", "Amp", ("~/.config/amp/settings.json",), (".amp/settings.json",), plugin=("~/.config/amp/skills/*/mcp.json",)),
    Row("crush", "Crush", ("~/.config/crush/crush.json",), ("crush.json", ".crush.json")),
    Row("factory", "Factory Droid", ("~/.factory/mcp.json",), (".factory/mcp.json", ".factory-plugin/mcp.json")),
    Row(
        "trae",
        "Trae",
        ("~/.trae/mcp.json", "{data}/Trae/User/mcp.json", "{data}/Trae CN/User/mcp.json"),
        (".trae/mcp.json",),
    ),
    Row("qoder", "Qoder", ("~/.qoder/settings.json",), (".qoder/settings.json", ".qoder/settings.local.json")),
    Row("augment", "Augment", ("~/.augment/settings.json",)),
    Row("abacus", "Abacus", ("~/.abacusai/mcp.json",), (".abacusai/mcp.json",)),
    Row(
        "openclaw",
        "OpenClaw",
        ("~/.openclaw/openclaw.json", "~/.clawdbot/openclaw.json", "~/.clawdbot/clawdbot.json"),
        (".openclaw/openclaw.json",),
    ),
    Row("cortex", "Snowflake Cortex", ("~/.snowflake/cortex/mcp.json",)),
    Row(
        "docker-mcp",
        "Docker MCP Toolkit",
        ("~/.docker/mcp/registry.yaml", "~/.docker/mcp/config.yaml", "~/.docker/mcp/tools.yaml", "~/.docker/mcp/catalogs/*.yaml"),
    ),
    Row("tabnine", "Tabnine", ("~/.tabnine/mcp_servers.json",), (".tabnine/mcp_servers.json",)),
    Row("cody", "Cody", ("~/.cody/mcp.json",)),
    Row("void", "Void", ("~/.void/mcp.json",)),
    Row("aide", "Aide", ("~/.aide/mcp.json",)),
    Row("pieces", "Pieces", ("~/.pieces/mcp.json",)),
    Row("mcp-cli", "mcp-cli", ("~/.mcp/config.json",)),
    Row("anythingllm", "AnythingLLM", ("{data}/anythingllm-desktop/storage/plugins/anythingllm_mcp_servers.json",)),
    Row("jan", "Jan", ("{data}/Jan/data/mcp_config.json", "~/jan/mcp_config.json")),
    Row("librechat", "LibreChat", (), ("librechat.yaml", "librechat.yml")),
    Row("agents", "other agents", ("~/.agents/.mcp.json", "~/.agents/mcp.json"), (".agents/.mcp.json", "mcp.json", "mcp_config.json")),
)  # fmt: skip

TITLES: Final = {row.id: row.title for row in ROWS}

SKILLS: Final = tuple(
    f"~/{folder}/*/SKILL.md"
    for folder in (
        ".claude/skills", ".agents/skills", ".codex/skills", ".cursor/skills", ".cursor/skills-cursor",
        ".gemini/skills", ".copilot/skills", ".kiro/skills", ".codeium/windsurf/skills", ".openclaw/skills",
    )
)  # fmt: skip
"""Instructions that a user's agents load by themselves."""
INSTRUCTIONS: Final = (
    "~/.claude/CLAUDE.md", "~/.codex/AGENTS.md", "~/.gemini/GEMINI.md", "~/.codeium/windsurf/memories/global_rules.md",
    "~/.claude/commands/*.md", "~/.claude/agents/*.md",
)  # fmt: skip
IN_PROJECT: Final = (
    "AGENTS.md", "CLAUDE.md", "CLAUDE.local.md", "GEMINI.md", ".cursorrules", ".windsurfrules", ".clinerules",
    ".github/copilot-instructions.md", ".cursor/rules/*.mdc", ".windsurf/rules/*.md", ".claude/commands/*.md",
    ".claude/agents/*.md", ".claude/skills/*/SKILL.md", ".agents/skills/*/SKILL.md", ".github/skills/*/SKILL.md",
    ".cursor/skills/*/SKILL.md", ".kiro/steering/*.md", ".roo/rules/*.md",
)  # fmt: skip
"""The same in a repository."""
