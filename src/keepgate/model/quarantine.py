"""What is stopped at once, by a person or by an alert: a server, a tool, a principal, or everything."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from keepgate.model.errors import LocalError
from keepgate.model.folding import folded

KINDS = ("server", "tool", "principal", "all")


@dataclass(frozen=True, slots=True)
class Hold:
    """One thing that is stopped. `target` is `server:ID`, `tool:SERVER/NAME`, `principal:ID` or `all`."""

    target: str
    by: str
    at: float
    """Unix seconds"""
    reason: str = ""


def checked(target: str) -> str:
    """The target as it is kept. Raises LocalError for what names nothing."""
    kind, _, name = target.partition(":")
    whole = kind == "all" and not name
    tool = kind == "tool" and all(name.partition("/")[::2])
    if not (whole or tool or (kind in ("server", "principal") and name)) or len(target) > 512:
        raise LocalError(
            "quarantine", f"`{target[:80]}` names nothing: server:ID, tool:SERVER/NAME, principal:ID or all"
        )
    return target


@dataclass(frozen=True)
class Held:
    """All that is stopped, to be asked for each message."""

    holds: tuple[Hold, ...] = ()

    @cached_property
    def _targets(self) -> frozenset[str]:
        return frozenset(hold.target for hold in self.holds)

    @cached_property
    def _tools(self) -> frozenset[str]:
        return frozenset(folded(each) for each in self._targets if each.startswith("tool:"))

    @property
    def everything(self) -> bool:
        """Nothing passes."""
        return "all" in self._targets

    def server(self, name: str) -> bool:
        """Whether a server is stopped."""
        return self.everything or f"server:{name}" in self._targets

    def tool(self, server: str, name: str) -> bool:
        """Whether a tool, prompt or resource is stopped, or its server.

        Whatever a server might take for its name is: some ignore case, forms of characters, blanks.
        """
        return self.server(server) or bool(self._tools and folded(f"tool:{server}/{name}") in self._tools)

    def principal(self, name: str) -> bool:
        """Whether a principal is stopped."""
        return self.everything or f"principal:{name}" in self._targets

    def why(self, principal: str, server: str, name: str) -> str:
        """Why a call must not go on, in public words; empty if it may. `name` is empty for what names nothing."""
        if self.everything:
            return "everything is quarantined"
        if self.principal(principal):
            return "this principal is quarantined"
        if self.server(server):
            return "its server is quarantined"
        return "it is quarantined" if name and self.tool(server, name) else ""
