"""The chain against its page-sized spec, and its four laws."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from keepgate.decide.chain import decide
from keepgate.decide.facts import Fact, Facts
from keepgate.model.access import ANONYMOUS
from keepgate.model.exchange import Exchange
from keepgate.model.message import Direction, Kind, Message
from keepgate.model.verdict import Effect, Verdict
from tests.spec.chain_spec import ERROR, Answer, spec

EXCHANGE = Exchange(
    Message(Kind.REQUEST, {"jsonrpc": "2.0", "id": 1, "method": "ping"}),
    Direction.TO_SERVER,
    ANONYMOUS,
    "2025-11-25",
)


@dataclass
class Fixed:
    """A guard with a fixed answer."""

    id: str
    answer: Answer
    needs: frozenset[Fact] = field(default_factory=frozenset)

    def check(self, exchange: Exchange, facts: Facts) -> Verdict | None:
        if self.answer == ERROR:
            facts[Fact.RATE]
        return None if self.answer is None else Verdict(Effect(self.answer), f"from {self.id}", self.id)


ANSWERS = st.sampled_from([None, ERROR, Effect.ALLOW, Effect.REDACT, Effect.ASK, Effect.DENY])
CHAINS = st.lists(
    st.tuples(st.sampled_from(["identity", "limits", "authorize", "content"]), ANSWERS), max_size=6
)


def run(answers: list[tuple[str, Answer]]) -> Verdict:
    return decide([Fixed(name, answer) for name, answer in answers], EXCHANGE, {})


@given(CHAINS)
def test_equals_the_spec(answers: list[tuple[str, Answer]]) -> None:
    unique = list({name: (name, answer) for name, answer in answers}.values())
    assert run(unique).effect is spec(unique)


@given(CHAINS, st.sampled_from(["limits", "content"]), ANSWERS, st.integers(0, 6))
def test_another_guard_never_loosens(
    answers: list[tuple[str, Answer]], name: str, answer: Answer, at: int
) -> None:
    longer = [*answers[:at], (name, answer), *answers[at:]]
    assert run(longer).effect >= run(answers).effect


def test_no_guard_no_way() -> None:
    assert run([]).effect is Effect.DENY
    assert run([("content", Effect.ALLOW)]).effect is Effect.DENY
    assert run([("authorize", Effect.ALLOW)]).effect is Effect.ALLOW


def test_a_raising_guard_denies_and_keeps_its_cause_private() -> None:
    verdict = run([("authorize", Effect.ALLOW), ("content", ERROR)])
    assert verdict.effect is Effect.DENY
    assert verdict.reason == "keepgate could not decide"
    assert "KeyError" in verdict.private


def test_hidden_wins_over_a_plain_denial() -> None:
    hidden = Verdict(Effect.DENY, "hidden", "authorize", hidden=True)

    class Hides(Fixed):
        def check(self, exchange: Exchange, facts: Facts) -> Verdict | None:
            return hidden

    assert decide([Fixed("limits", Effect.DENY), Hides("authorize", None)], EXCHANGE, {}).hidden
