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
        resource = exchange.resource
        server = exchange.server or (resource.server if resource is not None else "")
        why = self._held.why(exchange.principal.id, server, resource.name if resource is not None else "")
        return deny(why, guard=self.id, rules=(RULE,)) if why else None
