"""Families add up, repetition does not; what is only spoken about counts less, what was hidden more."""

from keepgate.detect.grammar import Phrase, Signal
from keepgate.detect.setting import Channel
from keepgate.detect.weigh import HIDDEN, QUOTED, REACH, THRESHOLD, weigh


def signal(family="a", weight=1.0, at=0, mentioned=False):
    return Signal(
        Phrase(f"attack.{family}", "t", family, ("IGNORE",), (weight, weight, 0)), at, at + 10, mentioned
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


def test_nothing_counts_where_it_has_no_weight():
    assert weigh([signal()], Channel.PROMPT) is None
    assert weigh([], Channel.CONTENT) is None


STRONG = {"attack.override", "attack.argument", "attack.preference"}


def test_no_single_weak_signal_is_enough():
    from keepgate.detect.rules import PHRASES

    for phrase in PHRASES:
        for channel, weight in zip(
            (Channel.DEFINITION, Channel.CONTENT, Channel.PROMPT), phrase.weights, strict=True
        ):
            assert weight < THRESHOLD[channel] or phrase.id in STRONG
