"""The chain: every message passes every guard; most restrictive wins; closed until `authorize` says ALLOW.

Rules (each a property test, and `tests/spec/chain_spec.py` is the page-sized reference):
1. Without an ALLOW from the authorizing guard the verdict is DENY.
2. The most restrictive verdict wins; ties keep the first guard's reason.
3. A guard that raises, or misses a fact, denies.
4. Adding any guard but the authorizing one never loosens.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from keepgate.decide.facts import Fact, Facts
from keepgate.model.exchange import Exchange
from keepgate.model.verdict import Effect, Verdict, deny, join

AUTHORIZER = "authorize"


class Guard(Protocol):
    """Message and facts in, verdict or no opinion (None) out. Decides, never fetches, never waits."""

    id: str
    needs: frozenset[Fact]

    def check(self, exchange: Exchange, facts: Facts) -> Verdict | None: ...


_DENY = Effect.DENY
_CLOSED = deny("not allowed", guard="chain", private="no guard allowed it", hidden=True)


def decide(guards: Iterable[Guard], exchange: Exchange, facts: Facts) -> Verdict:
    """The joined verdict of all guards. Never raises."""
    joined: Verdict | None = None
    authorized = False
    for guard in guards:
        try:
            verdict = guard.check(exchange, facts)
            if verdict is None:
                continue
            if guard.id == AUTHORIZER:
                authorized = verdict.effect is not _DENY
            joined = verdict if joined is None else join(joined, verdict)
        except Exception as error:  # noqa: BLE001 - rule 3: whatever a guard raises is a denial
            failed = deny(
                "keepgate could not decide", guard=guard.id, private=f"{type(error).__name__}: {error}"[:200]
            )
            joined = failed if joined is None else join(joined, failed)
    if not authorized:
        return _CLOSED if joined is None else join(joined, _CLOSED) if joined.effect is not _DENY else joined
    return joined if joined is not None else _CLOSED
