"""One message in its setting: everything a guard may look at besides the facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from keepgate.model.access import Action, Principal, Resource
from keepgate.model.contract import Contract
from keepgate.model.message import Direction, Message


@dataclass(slots=True)
class Exchange:
    """A message, its direction, who it is from or for, and what it asks for. Not changed once made.

    (Not frozen: making a frozen one costs three times as much, and every message makes one.)

    `server` is empty for what keepgate answers itself over all servers. `action` and `resource` are set on requests
    that name a thing. `capabilities` are what the client declared, and only that.
    """

    message: Message
    direction: Direction
    principal: Principal
    revision: str
    server: str = ""
    action: Action | None = None
    resource: Resource | None = None
    client: str = ""
    capabilities: dict[str, Any] = field(default_factory=dict)
    contract: Contract | None = None
    """The schemas of the tool that is called or answers; None for what no list names"""
    origins: Sequence[tuple[str, str]] = ()
    """Of the items of a list that keepgate made of several: their servers and names there, in their order"""
