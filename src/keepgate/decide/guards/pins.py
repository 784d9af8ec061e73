"""What is not as it was approved is not used: the lock has said so of the definition that a request names.

The comparison was made when the list was fetched (`keepgate.gateway.pins`); here is only the consequence.
"""

from __future__ import annotations

from keepgate.decide.facts import Fact, Facts
from keepgate.model.exchange import Exchange
from keepgate.model.message import Direction
from keepgate.model.verdict import Verdict, deny

RULE = "lock"


class Pins:
    """Denies requests for what is withheld; no opinion on anything else."""

    id = "pins"
    needs: frozenset[Fact] = frozenset()

    def check(self, exchange: Exchange, facts: Facts) -> Verdict | None:
        """DENY with the reason, or no opinion."""
        contract = exchange.contract
        if contract is None or not contract.withheld or exchange.direction is not Direction.TO_SERVER:
            return None
        return deny(f"withheld: {contract.withheld}", guard=self.id, rules=(RULE,))
