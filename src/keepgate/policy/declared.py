"""What tools declared at a time, from the lists that were recorded: policies that read arguments need their types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from keepgate.model.access import Resource


class Declared:
    """The `inputSchema` of each tool, as last listed to anybody. `prefixes`: what stands before the names, by server.

    A list does not say which endpoint it was for. So a name without a known prefix may be of any server that was
    listed alone; it counts where no list has the tool under its prefix.
    """

    def __init__(self, prefixes: Mapping[str, str]) -> None:
        self._prefixes = dict(prefixes)
        self._schemas: dict[tuple[str, str], Any] = {}

    def learn(self, result: Any) -> None:
        """A `tools/list` result as it was sent to a client."""
        tools = result.get("tools") if isinstance(result, dict) else None
        for tool in tools if isinstance(tools, list) else ():
            name = tool.get("name") if isinstance(tool, dict) else None
            if isinstance(name, str):
                for place in (("", name), *self._places(name)):
                    self._schemas[place] = tool.get("inputSchema")

    def _places(self, name: str) -> Iterator[tuple[str, str]]:
        for server, prefix in self._prefixes.items():
            for start in {prefix, f"{server}_"} - {""}:
                if name.startswith(start):
                    yield server, name.removeprefix(start)

    def of(self, resource: Resource) -> Any:
        """None for a tool that no list has had."""
        place = resource.server, resource.name
        return self._schemas.get(place, self._schemas.get(("", resource.name)))
