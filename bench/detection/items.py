"""What is judged: one text or tool definition, whether it is an attack, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Item:
    """One line for `keepgate check`, with what is known about it."""

    id: str
    source: str
    """The collection; what is left out together when a model is tried on sources that it has not seen."""
    kind: str
    """As `keepgate check` names it: tool, tool_output, prompt, resource, code, text."""
    attack: bool
    text: str = ""
    tool: Mapping[str, Any] | None = None
    attack_class: str = ""
    group: str = ""
    """Near-duplicates share it."""
    server: str = ""
    session: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Other servers of the same client, with the names of their tools."""

    @property
    def artifact(self) -> dict[str, Any]:
        """The line."""
        what: dict[str, Any] = {"tool": self.tool} if self.tool is not None else {"text": self.text}
        line = {"id": self.id, "kind": self.kind, **what}
        if self.server:
            line["server"] = self.server
        if self.session:
            line["session"] = {server: list(names) for server, names in self.session.items()}
        return line

    @property
    def size(self) -> int:
        """Characters, roughly: what latency is listed by."""
        return len(self.text) if self.tool is None else len(str(self.tool))

    def with_text(self, change: Any) -> Item:
        """The same with its text changed: of a tool, the description."""
        if self.tool is None:
            return replace(self, text=change(self.text))
        return replace(self, tool={**self.tool, "description": change(str(self.tool.get("description", "")))})


def by_source(items: Iterable[Item]) -> dict[str, list[Item]]:
    """In the order of their first appearance."""
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.source, []).append(item)
    return found
