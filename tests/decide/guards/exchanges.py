"""A message in its setting, for the tables of guards."""

from dataclasses import replace
from typing import Any

from keepgate.model.access import ANONYMOUS
from keepgate.model.exchange import Exchange
from keepgate.model.message import Direction, Kind, Message


def exchange(
    kind: Kind = Kind.REQUEST, method: str = "tools/call", params: Any = None, **changes: Any
) -> Exchange:
    body: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params or {}}
    made = Exchange(Message(kind, body), Direction.TO_SERVER, ANONYMOUS, "2025-11-25")
    return replace(made, **changes)
