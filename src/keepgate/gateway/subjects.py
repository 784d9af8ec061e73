"""The newest access token of each caller, where a server is reached with one that is exchanged for it.

It goes to the authorization server that the administrator named, and to no MCP server.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from keepgate.gateway.access import Gatekeeper
from keepgate.model.access import Principal
from keepgate.model.keys import FRONT_PREFIX
from keepgate.ports import HttpRequest

MOST: Final = 10_000


class Subjects:
    """Tokens by principal, in memory only."""

    def __init__(self) -> None:
        self._tokens: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def note(self, principal: Principal, token: str) -> None:
        """The principal has shown this one, and it was accepted."""
        auth = principal.auth
        if auth is None:
            return
        known = self._tokens.get(principal.id)
        if known is None or auth.until >= known[1]:
            self._tokens[principal.id] = token, auth.until
        self._tokens.move_to_end(principal.id)
        if len(self._tokens) > MOST:
            self._tokens.popitem(last=False)

    def token(self, principal: str) -> str:
        """The token, or empty."""
        return self._tokens.get(principal, ("", 0.0))[0]

    def until(self, principal: str) -> float:
        """When it ends, Unix seconds."""
        return self._tokens.get(principal, ("", 0.0))[1]


class NotingGatekeeper(Gatekeeper):
    """As Gatekeeper, and notes the tokens of whom it admits."""

    subjects: Subjects

    def authenticate(self, request: HttpRequest) -> Principal | None:
        """As there."""
        principal = super().authenticate(request)
        return principal if principal is None else self._noted(principal, request)

    async def ask(self, request: HttpRequest) -> Principal:
        """As there."""
        return self._noted(await super().ask(request), request)

    def _noted(self, principal: Principal, request: HttpRequest) -> Principal:
        if principal.auth is not None:
            token = request.headers["authorization"].partition(" ")[2].strip()
            if not token.startswith(FRONT_PREFIX):  # nobody else knows what to make of it
                self.subjects.note(principal, token)
        return principal
