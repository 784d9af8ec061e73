"""What the administrator says of servers and their tools, for policies. What a server says of itself is not asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from keepgate.policy.conditions import Data, Trust
from keepgate.policy.pattern import Glob


@dataclass(frozen=True, slots=True)
class Effects:
    """What calling a tool does. Where nothing is known of it the worst is assumed."""

    read_only: bool = False
    """It changes nothing."""
    destructive: bool = True
    """It can remove or overwrite."""
    open_world: bool = True
    """It reaches beyond its own data: the web, other people."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server, as configured."""

    trust: Trust = "untrusted"
    owner: str = ""
    data: Data = "restricted"
    tools: Mapping[str, Effects] = field(default_factory=dict)
    """By name or pattern; of several that match the one with the longest literal text counts."""

    def attributes(self) -> dict[str, Any]:
        """Of the `Server` entity."""
        return {"trust": self.trust, "owner": self.owner, "data": self.data}

    def effects_of(self, tool: str, read: Effects | None = None) -> dict[str, bool]:
        """Of the `Tool` entity: as configured; else, of a server that is trusted to say what its tools do, as `read`
        (`policy.assess`) from that; else the worst."""
        assumed = Effects() if read is None or self.trust == "untrusted" else read
        found = [(pattern, said) for pattern, said in self.tools.items() if Glob.parse(pattern).matches(tool)]
        said = max(found, key=lambda each: (len(each[0].replace("*", "")), each[0]))[1] if found else assumed
        return {
            "read_only": said.read_only,
            "destructive": said.destructive,
            "open_world": said.open_world,
        }

    def told(self) -> dict[str, Any]:
        """Everything, for the policy hash."""
        tools = {
            name: [said.read_only, said.destructive, said.open_world] for name, said in self.tools.items()
        }
        return {**self.attributes(), "tools": tools}


NOTHING_SAID = Server()
