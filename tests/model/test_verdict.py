"""Joining verdicts: most restrictive wins, nothing is forgotten."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.model.verdict import Effect, Verdict, deny, join

VERDICTS = st.builds(
    Verdict,
    st.sampled_from(Effect),
    st.text(max_size=3),
    hidden=st.booleans(),
    rules=st.lists(st.text(max_size=2), max_size=2).map(tuple),
)


@given(VERDICTS, VERDICTS)
def test_most_restrictive_wins_and_rules_add_up(first: Verdict, second: Verdict) -> None:
    joined = join(first, second)
    assert joined.effect is max(first.effect, second.effect)
    assert joined.rules == first.rules + second.rules


@given(VERDICTS, VERDICTS, VERDICTS)
def test_order_of_joining_does_not_change_the_effect(a: Verdict, b: Verdict, c: Verdict) -> None:
    assert join(join(a, b), c).effect is join(a, join(b, c)).effect


def test_hiding_does_not_depend_on_order() -> None:
    plain, hidden = deny("rate"), deny("unknown", hidden=True)
    assert join(plain, hidden).hidden
    assert join(hidden, plain).hidden


def test_retry_after_survives() -> None:
    limited = Verdict(Effect.DENY, "slow down", retry_after=2.0)
    assert join(Verdict(Effect.ALLOW), limited).retry_after == 2.0
    assert join(limited, deny("other", hidden=True)).retry_after == 2.0


@pytest.mark.parametrize("effect", list(Effect))
def test_what_was_observed_survives_whatever_else_is_found(effect):
    watched = Verdict(Effect.ALLOW, "observe mode", observed=Effect.DENY)
    other = Verdict(effect, "other", observed=Effect.ASK)
    for joined in (join(watched, other), join(other, watched)):
        assert joined.observed is Effect.DENY
        assert joined.effect is effect
