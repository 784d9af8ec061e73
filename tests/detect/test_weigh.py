"""Families add up, repetition does not; what is only spoken about counts less, what was hidden more."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from keepgate.detect.grammar import Phrase, Signal
from keepgate.detect.rules import PHRASES
from keepgate.detect.setting import Channel
from keepgate.detect.weigh import ANCHORS, HIDDEN, QUOTED, REACH, THRESHOLD, UNANCHORED, weigh


def signal(family="a", weight=1.0, at=0, mentioned=False):
    return Signal(
        Phrase("attack.override", "t", family, ("IGNORE",), (weight, weight, 0)), at, at + 10, mentioned
    )


def score(*signals, **options):
    found = weigh(signals, Channel.CONTENT, **options)
    return found.score if found else None


def test_families_add_up_and_repetition_does_not():
    assert score(signal("a", 1), signal("b", 2)) == 3
    assert score(signal("a", 1), signal("a", 2), signal("a", 1)) == 2


def test_only_what_stands_close_together_adds_up():
    assert score(signal("a", 1), signal("b", 2, at=REACH + 1)) == 2
    assert score(signal("a", 1), signal("b", 2, at=REACH + 1), reach=1 << 30) == 3


def test_spoken_about_counts_less_and_hidden_more():
    assert score(signal(weight=3, mentioned=True)) == 3 * QUOTED
    assert score(signal(weight=3, mentioned=True), hidden=True) == 3 + HIDDEN


def test_without_an_anchor_a_result_is_never_an_attack():
    weak = Phrase("attack.strictly", "t", "x", ("IGNORE",), (9, 9, 9))
    assert score(Signal(weak, 0, 5)) == UNANCHORED < THRESHOLD[Channel.CONTENT]
    assert weigh([Signal(weak, 0, 5)], Channel.DEFINITION).score == 9
    assert all(any(phrase.id == anchor for phrase in PHRASES) for anchor in ANCHORS)


def test_nothing_counts_where_it_has_no_weight():
    assert weigh([signal()], Channel.PROMPT) is None
    assert weigh([], Channel.CONTENT) is None


STRONG = {"attack.override", "attack.argument", "attack.preference"}


def test_no_single_weak_signal_is_enough():
    for phrase in PHRASES:
        for channel, weight in zip(
            (Channel.DEFINITION, Channel.CONTENT, Channel.PROMPT), phrase.weights, strict=True
        ):
            assert weight < THRESHOLD[channel] or phrase.id in STRONG


@given(
    st.lists(
        st.tuples(st.sampled_from(PHRASES[:9]), st.integers(0, 4000), st.booleans()), min_size=1, max_size=25
    ),
    st.booleans(),
)
def test_no_group_is_heavier_than_the_one_that_is_told(drawn, hidden):
    """Groups are only added up where a signal of a new kind comes near: against all of them."""
    signals = [Signal(phrase, at, at + 10, mentioned) for phrase, at, mentioned in drawn]
    counted = [each for each in signals if each.phrase.weights[1] > 0]
    groups = [
        [each for each in counted if last.start - REACH <= each.start <= last.start] for last in counted
    ]
    whole = {"hidden": hidden, "reach": 1 << 30}
    alone = [weigh([replace(each) for each in group], Channel.CONTENT, **whole) for group in groups]
    found = weigh(signals, Channel.CONTENT, hidden=hidden)
    assert (found.score if found else None) == max((each.score for each in alone if each), default=None)
