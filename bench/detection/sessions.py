"""What a client sees beside one tool: the tools of nine other servers, drawn from the real ones."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bench.detection.items import Item

OTHERS = 9

Servers = Mapping[str, Sequence[str]]


def servers_of(items: Iterable[Item]) -> dict[str, list[str]]:
    """Real servers with the names of their tools."""
    found: dict[str, list[str]] = {}
    for item in items:
        if item.tool is not None and not item.attack and item.server:
            found.setdefault(item.server, []).append(str(item.tool["name"]))
    return {server: sorted(set(names)) for server, names in found.items()}


def drawn(item: Item, servers: Servers, *, others: int = OTHERS) -> dict[str, list[str]]:
    """Nine others, the same for the same item in every run."""
    seed = int.from_bytes(hashlib.sha256(item.id.encode()).digest()[:8], "big")
    names = [name for name in sorted(servers) if name != item.server]
    chosen = random.Random(seed).sample(names, min(others, len(names)))
    return {name: list(servers[name]) for name in chosen}


def with_session(item: Item, servers: Servers, target: Servers | None = None) -> Item:
    """The item beside nine others. `target` is there as well: the server that an attack is aimed at."""
    session = {**drawn(item, servers), **{name: list(tools) for name, tools in (target or {}).items()}}
    return replace(item, session=session)


FILESYSTEM: Servers = {
    "filesystem": (
        "read_file", "read_text_file", "read_multiple_files", "write_file", "edit_file", "create_directory",
        "list_directory", "directory_tree", "move_file", "search_files", "get_file_info",
    )
}  # fmt: skip
"""What nearly every client has, and what most attacks are aimed at."""
