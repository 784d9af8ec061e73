"""What clients' files say besides servers that bears on them: what is trusted unasked, run by itself, led elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from keepgate.clients.wide.dialects import Parsed
from keepgate.clients.wide.servers import Source
from keepgate.model.scan import ClientSetting, Location

KEYS: Final = frozenset(
    "enableAllProjectMcpServers enabledMcpjsonServers permissions hooks chat.tools.autoApprove "
    "chat.tools.global.autoApprove chat.tools.edits.autoApprove approval_policy sandbox_mode autoAccept yolo "
    "always_allow_tool_actions trustedTools allowedTools permission apiKeyHelper awsAuthRefresh "
    "skipDangerousModePermissionPrompt approvalMode".split()
)
"""At the root of a file or one level down."""
_NESTED: Final = (
    ("env",),
    ("chat", "tools", "autoApprove"),
    ("chat", "tools", "global", "autoApprove"),
    ("agent", "always_allow_tool_actions"),
    ("tools", "autoAccept"),
    ("general", "defaultApprovalMode"),
)


def settings(parsed: Parsed, source: Source) -> Iterator[ClientSetting]:
    """The settings of a file that matter, each where it stands."""
    for root in parsed.roots:
        for member in root.members:
            if member.key in KEYS:
                yield _setting(parsed, source, member.key, member.node.plain(), member.start)
        for path in _NESTED:
            node = root
            for step in path:
                found = node.get(step) if node.kind == "object" else None
                if found is None:
                    break
                node = found
            else:
                yield _setting(parsed, source, ".".join(path), node.plain(), node.start)


def _setting(parsed: Parsed, source: Source, key: str, value: object, start: int) -> ClientSetting:
    place = Location(source.file, *parsed.lines.place(start))
    return ClientSetting(source.client, source.scope, key, value, place)
