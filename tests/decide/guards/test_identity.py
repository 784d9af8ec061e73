"""No message without a principal."""

from keepgate.decide.guards.identity import Identity
from keepgate.model.access import Principal
from keepgate.model.verdict import Effect
from tests.decide.guards.exchanges import exchange


def test_identity_needs_a_name_and_a_kind() -> None:
    assert Identity().check(exchange(), {}) is None
    for nobody in (Principal("", ""), Principal("x", ""), Principal("", "key")):
        verdict = Identity().check(exchange(principal=nobody), {})
        assert verdict is not None
        assert verdict.effect is Effect.DENY
