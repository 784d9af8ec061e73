"""Who is being served and where answers go: the downstream side of one request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from keepgate.model.access import Action, Principal, Resource
from keepgate.model.contract import Contract
from keepgate.model.exchange import Exchange
from keepgate.model.message import Direction, Message
from keepgate.protocol.eras import Era, era_of

_TO_SERVER, _TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


@dataclass(slots=True)
class Caller:
    """An authenticated client at a protocol revision. `capabilities` and `info` are self-asserted."""

    principal: Principal
    revision: str
    capabilities: dict[str, Any] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)
    client: str = ""
    """`name/version` for records"""
    headers: Mapping[str, str] | None = None
    """HTTP request headers, lower-case names; None on a pipe, where no header rule applies"""

    @property
    def era(self) -> Era:
        """The era the client speaks."""
        return era_of(self.revision)

    def sends(
        self,
        message: Message,
        action: Action | None = None,
        resource: Resource | None = None,
        contract: Contract | None = None,
    ) -> Exchange:
        """A message of this client, to be judged."""
        return Exchange(
            message,
            _TO_SERVER,
            self.principal,
            self.revision,
            "" if resource is None else resource.server,
            action,
            resource,
            self.client,
            self.capabilities,
            contract,
        )

    def answered(self, reply: Message, asked: Exchange) -> Exchange:
        """What a server answered to a judged request of this client, to be judged."""
        return Exchange(
            reply,
            _TO_CLIENT,
            self.principal,
            self.revision,
            asked.server,
            asked.action,
            asked.resource,
            self.client,
            self.capabilities,
            asked.contract,
        )

    def gets(
        self,
        message: Message,
        server: str = "",
        action: Action | None = None,
        resource: Resource | None = None,
    ) -> Exchange:
        """A message for this client, from `server` or (empty) from keepgate itself, to be judged."""
        return Exchange(
            message,
            _TO_CLIENT,
            self.principal,
            self.revision,
            server,
            action,
            resource,
            self.client,
            self.capabilities,
        )


class Outlet(Protocol):
    """Where the answer to one request goes, with everything that belongs to it."""

    def opened(self, *, streaming: bool) -> None:
        """The server answers, as an event stream or not: a hint for the form of our own answer."""

    def message(self, body: dict[str, Any]) -> bool:
        """Send a notification or server-initiated request ahead of the reply; False if it cannot be delivered."""

    def interrupted(self, retry_ms: int) -> None:
        """The server ended its stream on purpose: end ours too where the client can resume it."""

    def reply(self, body: dict[str, Any], result: bytes | None = None) -> None:
        """Send the reply. Exactly once. `result` is the body's result, if it is encoded already."""

    def abandon(self) -> None:
        """End without a reply: the client cancelled the request, or has gone."""
