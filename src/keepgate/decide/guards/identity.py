"""Deny whatever has no authenticated principal. The transport answers 401 first; this is the second lock."""

from __future__ import annotations

from keepgate.decide.facts import Fact, Facts
from keepgate.model.exchange import Exchange
from keepgate.model.verdict import Verdict, deny


class Identity:
    """A message without a principal, or with a nameless one, is denied."""

    id = "identity"
    needs: frozenset[Fact] = frozenset()

    def check(self, exchange: Exchange, facts: Facts) -> Verdict | None:
        """DENY without an identity, else no opinion."""
        if exchange.principal.id and exchange.principal.kind:
            return None
        return deny("authentication is required", guard=self.id)
