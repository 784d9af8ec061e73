"""Calls that wait for their client: parked under one-time tickets, bounded, expiring.

A ticket is 256 random bits. The client gets it sealed as `requestState` (replies.StateSealer), which binds it to the
principal, the server, the method, the name and the arguments; here it opens once, for the same principal and bridge.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any

from keepgate.gateway.backcall import BackCall
from keepgate.gateway.calls import Unfit
from keepgate.gateway.services import Services
from keepgate.model.access import Principal
from keepgate.model.errors import RemoteError, UpstreamError
from keepgate.protocol import jsonrpc

MAX_PARKED = 512
"""In the whole process; beyond it a call that asks is ended."""
MAX_OWN = 16
"""Of these, per principal; beyond it the oldest one is ended, which only its own principal can bring about."""


@dataclass(slots=True)
class _Place:
    call: BackCall
    owner: object
    timer: asyncio.TimerHandle


class Parking:
    """The parked calls of one process. A call may wait for its client as long as a call may run at all."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._places: dict[str, _Place] = {}

    def __len__(self) -> int:
        return len(self._places)

    def park(self, call: BackCall, owner: object) -> str:
        """A ticket for the call. Raises UpstreamError if too many wait: then the call is ended."""
        own = [ticket for ticket, place in self._places.items() if place.call.principal == call.principal]
        if len(own) >= MAX_OWN:
            self._give_up(own[0], "too many calls wait for their client")
        if len(self._places) >= MAX_PARKED:
            call.end("too many calls wait for their client")
            raise UpstreamError("overloaded", "too many calls wait for their client")
        ticket = secrets.token_urlsafe(32)
        timer = asyncio.get_running_loop().call_later(
            self._services.limits.call_maximum, self._give_up, ticket, "the client did not come back"
        )
        self._places[ticket] = _Place(call, owner, timer)
        return ticket

    def take(self, ticket: Any, owner: object, principal: str, responses: Any) -> BackCall:
        """The call of a ticket, once. Raises RemoteError (-32602) for a ticket that is used, expired or not for here.

        Responses that cannot be answers are refused before the ticket is used up.
        """
        place = self._places.get(ticket) if isinstance(ticket, str) else None
        if place is None or place.owner is not owner or place.call.principal != principal:
            raise RemoteError(
                "handle", "the state handle is not valid here or has expired", rpc_code=jsonrpc.INVALID_PARAMS
            )
        place.call.check(responses)
        del self._places[ticket]
        place.timer.cancel()
        return place.call

    def give_way(self, among: Container[BackCall]) -> None:
        """End the call of these that has waited longest, if one waits."""
        oldest = next((ticket for ticket, place in self._places.items() if place.call in among), None)
        if oldest is not None:
            self._give_up(oldest, "too many calls wait for their client")

    def _give_up(self, ticket: str, why: str) -> None:
        place = self._places.pop(ticket)
        place.timer.cancel()
        self._services.enforcer.note(
            "call.abandoned", why, principal=place.call.principal, server=place.call.server
        )
        place.call.end(why)

    def close(self, owner: object) -> int:
        """End what one bridge has parked; how many there were."""
        tickets = [ticket for ticket, place in self._places.items() if place.owner is owner]
        for ticket in tickets:
            self._give_up(ticket, "the server is going away")
        return len(tickets)

    def end(self, unfit: Unfit) -> None:
        """End the calls that must not go on."""
        for ticket, place in list(self._places.items()):
            if why := unfit(place.call.principal, place.call.server, place.call.name):
                self._give_up(ticket, why)

    def end_unless(self, live: Callable[[Principal], bool]) -> None:
        """End the calls of principals that may no longer be served."""
        for ticket, place in list(self._places.items()):
            if not live(place.call.caller.principal):
                self._give_up(ticket, "the key has ended")
