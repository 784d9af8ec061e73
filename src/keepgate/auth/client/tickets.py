"""Logins that somebody still has to make: handed out as a URL, bound to a principal, short-lived, used once."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hmac import compare_digest
from typing import Final

from keepgate.auth.client.login import Begun
from keepgate.auth.oidc import Pending
from keepgate.model.access import Principal

SECONDS: Final = 600.0
MOST: Final = 10_000
MOST_OWN: Final = 32


@dataclass(slots=True, eq=False)
class Ticket:
    """One login to be made."""

    id: str
    principal: Principal
    server: str
    challenge: Mapping[str, str]
    scopes: tuple[str, ...]
    until: float
    browser: str = ""
    """What the browser that proved whose it is carries, once it has."""
    begun: Begun | None = None
    proof: tuple[str, Pending] | None = None
    """The `state` of the login by which a browser shows whose it is, and what its end has to fit."""


class Tickets:
    """The open logins of one process."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._tickets: OrderedDict[str, Ticket] = OrderedDict()
        self._states: dict[str, Ticket] = {}
        self._proofs: dict[str, Ticket] = {}

    def need(
        self, principal: Principal, server: str, challenge: Mapping[str, str], scopes: tuple[str, ...]
    ) -> Ticket:
        """The login that this principal has to make at this server; the same until it is used or expires."""
        self._sweep()
        own = [each for each in self._tickets.values() if each.principal.id == principal.id]
        for ticket in own:
            if ticket.server == server and set(scopes) <= set(ticket.scopes):
                return ticket
        for ticket in [each for each in own if each.server == server] + own[
            : max(len(own) - MOST_OWN + 1, 0)
        ]:
            self.drop(ticket)
        while len(self._tickets) >= MOST:
            self.drop(next(iter(self._tickets.values())))
        made = Ticket(
            secrets.token_urlsafe(32), principal, server, dict(challenge), scopes, self._monotonic() + SECONDS
        )
        self._tickets[made.id] = made
        return made

    def pending(self, principal: str, server: str) -> Ticket | None:
        """The open login of a principal at a server."""
        self._sweep()
        for ticket in self._tickets.values():
            if ticket.principal.id == principal and ticket.server == server:
                return ticket
        return None

    def find(self, ticket: str) -> Ticket | None:
        """By the id in its URL."""
        self._sweep()
        return self._tickets.get(ticket)

    def begin(self, ticket: Ticket, begun: Begun) -> None:
        """Its browser is sent to log in; an earlier attempt of the same ticket counts no more."""
        self._forget_state(ticket)
        ticket.begun = begun
        self._states[begun.state] = ticket

    def begin_proof(self, ticket: Ticket, state: str, pending: Pending) -> None:
        """Its browser is sent to show whose it is; an earlier attempt counts no more."""
        self._forget_proof(ticket)
        ticket.proof = state, pending
        self._proofs[state] = ticket

    def proven(self, state: str, browser: str) -> tuple[Ticket, Pending] | None:
        """The ticket that an answer is about, brought by the browser that was sent. Only once."""
        self._sweep()
        ticket = self._proofs.get(state)
        if ticket is None or ticket.proof is None or not _same(ticket.browser, browser):
            return None
        pending = ticket.proof[1]
        self._forget_proof(ticket)
        return ticket, pending

    def take(self, state: str, browser: str) -> Ticket | None:
        """The login that an answer belongs to, brought by the browser that began it. Only once."""
        self._sweep()
        ticket = self._states.get(state)
        if ticket is None or not _same(ticket.browser, browser):
            return None
        self.drop(ticket)
        return ticket

    def drop(self, ticket: Ticket) -> None:
        """It leads nowhere any more."""
        self._tickets.pop(ticket.id, None)
        self._forget_state(ticket)
        self._forget_proof(ticket)

    def _forget_state(self, ticket: Ticket) -> None:
        if ticket.begun is not None:
            self._states.pop(ticket.begun.state, None)

    def _forget_proof(self, ticket: Ticket) -> None:
        if ticket.proof is not None:
            self._proofs.pop(ticket.proof[0], None)
            ticket.proof = None

    def _sweep(self) -> None:
        now = self._monotonic()
        while self._tickets and next(iter(self._tickets.values())).until <= now:
            self.drop(next(iter(self._tickets.values())))


def _same(expected: str, browser: str) -> bool:
    return bool(expected) and compare_digest(expected.encode(), browser.encode())
