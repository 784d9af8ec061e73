"""The names that `keepgate policy` compares: from a file, or asked of the servers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from keepgate.model.access import Resource, ResourceKind
from keepgate.model.errors import ConfigError, KeepgateError

if TYPE_CHECKING:
    from keepgate.config import Settings
    from keepgate.gateway.inventory import Inventory


def read_names(file: Path) -> list[str]:
    """The lines of `file` without empty ones and those that begin with `#`. Raises ConfigError."""
    try:
        lines = file.read_text("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read `{file}`") from error
    return [name for line in lines if (name := line.strip()) and not name.startswith("#")]


def listed_by(*configurations: Settings) -> set[Resource]:
    """What all servers of these configurations list. Raises ConfigError if one cannot be asked: the rest is not all."""
    from keepgate.compose import list_servers

    found: set[Resource] = set()
    for settings in configurations:
        for server, answer in list_servers(settings).items():
            if isinstance(answer, KeepgateError):
                raise ConfigError(f"server {server} cannot be listed: {answer}")
            found |= resources(server, answer)
    return found


def resources(server: str, inventory: Inventory) -> set[Resource]:
    """Everything in an inventory; a URI template stands for itself."""
    kinds = (
        (ResourceKind.TOOL, inventory.tools),
        (ResourceKind.PROMPT, inventory.prompts),
        (ResourceKind.RESOURCE, inventory.resources),
    )
    return {Resource(kind, server, name) for kind, names in kinds for name in names}
