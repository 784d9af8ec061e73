"""The kill switch: what is quarantined neither asks nor answers. In no chain while nothing is."""

from __future__ import annotations

from keepgate.decide.facts import Fact, Facts
from keepgate.model.exchange import Exchange
from keepgate.model.quarantine import Held
from keepgate.model.verdict import Verdict, deny

RULE = "quarantine"


class Quarantine:
    """Denies, in both directions, whatever comes from or goes to what is stopped."""

    id = "quarantine"
    needs: frozenset[Fact] = frozenset()

    def __init__(self, held: Held) -> None:
        self._held = held

    def check(self, exchange: Exchange, facts: Facts) -> Verdict | None:
        """DENY, or no opinion."""
        held, resource = self._held, exchange.resource
        if held.everything:
            return self._deny("everything is")
        if held.principal(exchange.principal.id):
            return self._deny("this principal is")
        server = exchange.server or (resource.server if resource is not None else "")
        if held.server(server):
            return self._deny("its server is")
        if resource is not None and held.tool(resource.server, resource.name):
            return self._deny("it is")
        return None

    def _deny(self, what: str) -> Verdict:
        return deny(f"{what} quarantined", guard=self.id, rules=(RULE,))
