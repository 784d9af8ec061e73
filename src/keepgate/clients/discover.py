"""Find what the clients of a machine start: read every file they may have, never more than that.

Nothing is started, resolved or followed over the network. A file that cannot be read is a problem with a name, not a
reason to stop.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from keepgate.clients.formats import (
    ENTRY,
    Client,
    Machine,
    Place,
    Problem,
    UnreadableError,
    read,
    read_bytes,
    to_text,
)
from keepgate.model.upstream import LaunchEntry


@dataclass(frozen=True, slots=True)
class Found:
    """One file that is there, and what it says."""

    client: Client
    place: Place
    entries: tuple[LaunchEntry, ...] = ()
    problems: tuple[Problem, ...] = ()


def discover(machine: Machine, clients: Iterable[Client]) -> list[Found]:
    """Every configuration file that exists, in a fixed order."""
    return [
        found
        for client in clients
        for place in dict.fromkeys(client.places(machine))
        if (found := _look(client, place)) is not None
    ]


def through_keepgate(entry: LaunchEntry, url: str) -> bool:
    """True if this is our own entry: by name, and because it leads to us (a name alone proves nothing)."""
    program = entry.command.replace("\\", "/").rpartition("/")[2].removesuffix(".exe")
    launches = "stdio" in entry.args and (program == ENTRY or entry.args[:2] == ("-m", ENTRY))
    return entry.name == ENTRY and (entry.url == url or launches)


def _look(client: Client, place: Place) -> Found | None:
    try:
        data = read_bytes(place.path)
        if data is None:
            return None
        reading = read(client, place, to_text(data))
    except UnreadableError as error:
        return Found(client, place, problems=(Problem(str(place.path), str(error), broken=True),))
    return Found(client, place, reading.entries, reading.problems)
