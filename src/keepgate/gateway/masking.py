"""What of messages is stored at all: a log that leaves out what the configuration says, before it is sealed.

It stands before the log only where something is configured, so it costs nothing anywhere else. A record is made of
every message all the same; what is left out is its payload, or members of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import orjson

from keepgate.audit.record import Entry
from keepgate.model.access import Resource, ResourceKind
from keepgate.policy.pattern import Pattern
from keepgate.ports import AuditLog

MASK: Final = "[not stored]"
"""Stands where a member's value was."""
_KINDS: Final = {
    "tools": (ResourceKind.TOOL,),
    "prompts": (ResourceKind.PROMPT,),
    "resources": (ResourceKind.RESOURCE,),
}
"""By the first part of a method; anything else may be about any kind of thing."""


class MaskedLog:
    """Implements ports.AuditLog before another. `drop` are things whose payloads are not stored.

    `mask` are names of members, in any case, whose values are not stored, at any depth of any payload.
    """

    def __init__(self, log: AuditLog, drop: Iterable[Pattern], mask: Iterable[str]) -> None:
        self._log = log
        self._drop = tuple(drop)
        self._mask = frozenset(name.casefold() for name in mask)

    def append(self, entry: Entry) -> int:
        """As the other. What policy was asked goes with the payload: a decision on other arguments would be another."""
        if entry.payload:
            payload = self._stored(entry)
            if payload is not entry.payload:
                entry = entry._replace(payload=payload, request=b"")
        return self._log.append(entry)

    async def durable(self, seq: int) -> None:
        """As the other."""
        await self._log.durable(seq)

    def close(self) -> None:
        """As the other."""
        self._log.close()

    def _stored(self, entry: Entry) -> bytes:
        if self._drop:
            kinds = _KINDS.get(entry.method.partition("/")[0], tuple(ResourceKind))
            things = [Resource(kind, entry.server, entry.name) for kind in kinds]
            if any(pattern.names(thing) for pattern in self._drop for thing in things):
                return b""
        if not self._mask:
            return entry.payload
        try:
            value = orjson.loads(entry.payload)
        except ValueError:
            return b""  # it cannot be said what is in it
        return orjson.dumps(value) if self._masked(value) else entry.payload

    def _masked(self, value: Any) -> bool:
        """Mask within a value; whether there was anything to mask. Depth is bounded: messages were parsed so."""
        found = False
        if isinstance(value, dict):
            for name, each in value.items():
                if name.casefold() in self._mask:
                    value[name] = MASK
                    found = True
                else:
                    found |= self._masked(each)
        elif isinstance(value, list):
            for each in value:
                found |= self._masked(each)
        return found
