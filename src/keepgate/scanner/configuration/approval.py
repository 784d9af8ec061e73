"""What runs without anybody being asked: approvals given in advance, trust switched on, commands of hooks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from keepgate.model.finding import Confidence, Severity
from keepgate.model.scan import ClientSetting, ConfiguredServer, Location, ScanFinding
from keepgate.scanner.launch import launch_of, target_of
from keepgate.scanner.rule import Rule

_TAGS: Final = ("OWASP-MCP02", "SAFE-T1403", "CWE-862")

ALL: Final = Rule(
    "config.approves-everything",
    "every call is approved in advance",
    Severity.HIGH,
    Confidence.CONFIRMED,
    _TAGS,
    "take the setting out, and list the reading tools that may run unasked by name",
)
SOME: Final = Rule(
    "config.approves-changes",
    "tools that change or run something are approved in advance",
    Severity.MEDIUM,
    Confidence.LIKELY,
    _TAGS,
    "keep only tools that read in the list",
)
LISTED: Final = Rule(
    "config.approves-tools",
    "tools are approved in advance",
    Severity.INFO,
    Confidence.CONFIRMED,
    _TAGS,
    "look through the list: what is in it runs unasked, whatever the server makes of it",
)
TRUSTS_PROJECTS: Final = Rule(
    "config.trusts-projects",
    "servers of every repository are started unasked",
    Severity.HIGH,
    Confidence.CONFIRMED,
    ("OWASP-MCP09", "SAFE-T1403", "CWE-829"),
    "set it to false: the client then asks once for each server",
)
HOOK: Final = Rule(
    "config.hook-runs",
    "a repository brings a command that the client runs by itself",
    Severity.MEDIUM,
    Confidence.CONFIRMED,
    ("OWASP-MCP05", "SAFE-T1111", "CWE-829"),
    "read the command; keep hooks in your own settings",
)
RULES: Final = (ALL, SOME, LISTED, TRUSTS_PROJECTS, HOOK)

_LISTS: Final = (
    "autoApprove",
    "alwaysAllow",
    "autoApproveTools",
    "auto_approve",
    "always_allow",
    "allowedTools",
    "trustedTools",
    "autoAllow",
    "auto_approved_tools",
)
_SWITCHES: Final = (
    "trust",
    "autoApprove",
    "alwaysAllow",
    "autoApproveAll",
    "auto_approve",
    "skipApproval",
    "yolo",
    "dangerouslyAutoApprove",
    "trusted",
    "requireApproval",
    "require_approval",
    "default_tools_approval_mode",
    "autoAccept",
)
_FLAGS: Final = frozenset(
    "--dangerously-skip-permissions --yolo --auto-approve --allow-all --trust-all --trust-all-tools --no-confirm --dangerously-bypass-approvals-and-sandbox --full-auto --skip-confirmation --disable-confirmation --unrestricted --unsafe --no-sandbox-approval --auto-accept --dangerously-allow-all".split()
)
_CHANGES: Final = frozenset(
    "write delete remove execute exec run shell command send post create update edit move drop push deploy kill eval install upload publish transfer pay merge sql query bash terminal patch modify insert rm".split()
)
_SHELLS: Final = (
    "Bash",
    "Bash(*)",
    "Bash(*:*)",
    "shell",
    "shell(*)",
    "run_shell_command",
    "ShellTool",
    "*",
    "mcp__*",
    "execute_bash",
    "run_in_terminal",
)


def look(server: ConfiguredServer) -> Iterator[ScanFinding]:
    """What an entry approves in advance."""
    target, raw = target_of(server), server.raw
    for key in _LISTS:
        value = raw.get(key)
        if isinstance(value, list) and value:
            yield _list(target, server.at(f"/{key}"), key, [str(item) for item in value[:200]])
    for key in _SWITCHES:
        if _switched(key, raw.get(key)):
            yield ALL.at(target, server.at(f"/{key}"), f"{key}: {raw[key]}")
    launch = launch_of(server)
    for word in launch.words if launch is not None else ():
        if word.text.partition("=")[0] in _FLAGS and launch is not None and launch.program != "deno":
            yield ALL.at(target, launch.at(word), word.text)


def _switched(key: str, value: Any) -> bool:
    if key in ("requireApproval", "require_approval"):
        return value in (False, "never")
    if key == "default_tools_approval_mode":
        return value in ("auto", "approve")
    return value is True or value in ("always", "all", "*", "true")


def _list(target: str, place: Location, key: str, names: list[str]) -> ScanFinding:
    if any(name in ("*", "all", "**") or name.endswith("(*)") for name in names):
        return ALL.at(target, place, f"{key}: {', '.join(names)}")
    changing = [name for name in names if _words(name) & _CHANGES]
    if changing:
        return SOME.at(target, place, f"{key}: {', '.join(changing)}")
    return LISTED.at(target, place, f"{key}: {', '.join(names)}")


def _words(name: str) -> set[str]:
    split = "".join(f" {c}" if c.isupper() else c if c.isalnum() else " " for c in name)
    return set(split.lower().split())


def look_at_setting(setting: ClientSetting) -> Iterator[ScanFinding]:
    """What a client approves, trusts or runs by itself."""
    target, key, value = f"client:{setting.client}", setting.key, setting.value
    if key == "enableAllProjectMcpServers" and value is True:
        yield TRUSTS_PROJECTS.at(target, setting.location, f"{key}: true")
    elif key == "permissions" and isinstance(value, dict):
        yield from _permissions(target, setting, value)
    elif key == "hooks" and isinstance(value, dict) and setting.scope == "project":
        for command in _commands(value):
            yield HOOK.at(target, setting.location, command)
    elif key in ("apiKeyHelper", "awsAuthRefresh") and isinstance(value, str) and setting.scope == "project":
        yield HOOK.at(target, setting.location, f"{key}: {value}")
    elif _open(key, value):
        yield ALL.at(target, setting.location, f"{key}: {value}")


def _open(key: str, value: Any) -> bool:
    if key in ("approval_policy", "sandbox_mode", "approvalMode", "general.defaultApprovalMode"):
        return value in ("never", "danger-full-access", "yolo")
    if key == "permission":
        return value == "allow" or (isinstance(value, dict) and value.get("bash") == "allow")
    if key in ("trustedTools", "allowedTools"):
        return isinstance(value, list) and any(item in _SHELLS for item in value)
    return value is True and key not in ("enabledMcpjsonServers", "env", "hooks")


def _permissions(target: str, setting: ClientSetting, value: dict[str, Any]) -> Iterator[ScanFinding]:
    if value.get("defaultMode") == "bypassPermissions":
        yield ALL.at(target, setting.location, "permissions.defaultMode: bypassPermissions")
    allowed = value.get("allow")
    wide = [str(item) for item in allowed if item in _SHELLS] if isinstance(allowed, list) else []
    if wide:
        yield ALL.at(target, setting.location, f"permissions.allow: {', '.join(wide)}")


def _commands(value: Any, depth: int = 0) -> Iterator[str]:
    if depth > 6:
        return
    if isinstance(value, dict):
        if isinstance(value.get("command"), str):
            yield value["command"]
        for item in value.values():
            yield from _commands(item, depth + 1)
    elif isinstance(value, list):
        for item in value[:100]:
            yield from _commands(item, depth + 1)
