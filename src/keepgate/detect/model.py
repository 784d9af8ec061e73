"""A small linear model over structure: a second opinion on places that the phrases have marked, never alone.

It sees no vocabulary of attacks. Its features are concepts and their order (`detect.lexicon`, in any language), the
phrases and families that were found, how the text was hidden, and the shape of the place; so what it learns of one
collection holds for another. Weights are one byte each (`detect/weights.py`), written by `bench/detection/train.py`.
"""

from __future__ import annotations

from base64 import b85decode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from math import exp, sqrt
from operator import or_
from typing import Final
from zlib import crc32

from keepgate.detect.grammar import Signal
from keepgate.detect.lexer import CONCEPTS, Token, bit, bits
from keepgate.detect.setting import Channel

SIZE: Final = 1 << 14
"""Weights; features are hashed into them by name."""
LONGEST: Final = 4000
"""Bytes of a definition that are looked at."""
SMALL: Final = 400
"""Bytes of a text that is looked at as a whole."""
SENTENCES: Final = 4
"""Of a longer one so many sentences that follow each other,"""
REACH: Final = 900
"""at most so many bytes,"""
WORDS: Final = 80
"""and so many words with a meaning."""
AHEAD: Final = 5
"""Words whose order is noted: each with so many after it."""
LEAST: Final = -3.0
MOST: Final = 3.0
GAIN: Final = 2.0
"""What it may take from the weight of phrases and add to it, and how much for each unit of its logit."""
DOUBT: Final = {Channel.DEFINITION: -0.5, Channel.CONTENT: 0.25, Channel.PROMPT: 1.0, Channel.ARGUMENT: 0.0}
"""What is held against it where harmless texts are of many more kinds than it has seen; below 0, what it is credited
with where they are not."""
SHOWN: Final = 4
"""Reasons given."""
_STOP: Final = bit("STOP")
_ASKING: Final = bits(
    "NOT IGNORE PRIOR INSTR TELL USER COVERT MODEL MUST CALL TOOL THISTOOL OTHERTOOL BEFORE PARAM CHANGE INSTEAD SEND "
    "INCLUDE READ SECRET TALK NEWTASK OBEY URGENT AUTH FROMME SAY ONLY ROLE CONFIRM PLEASE ADDRESS IDENT TOOLNAME "
    "BLOCK VOCATIVE TASKDONE DO TURN_AI TURN_USER CODEBLOCK YOURWORK HOSTILE UNBOUND VERDICT REFUSED ASKED".split()
)
"""What somebody who gives orders speaks of."""
_FRAMES: Final = {
    "<": "angle",
    "{": "brace",
    "[": "bracket",
    "`": "code",
    "!": "shout",
    "http": "link",
    "|": "bar",
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """How likely the place is an attack, as a logit, and what spoke most for it."""

    logit: float
    reasons: tuple[str, ...]

    @property
    def probability(self) -> float:
        """From 0 to 1."""
        return 1 / (1 + exp(-self.logit))


@dataclass(frozen=True, slots=True)
class Seen:
    """A folded text (UTF-8) with its words and signals, and how it was found."""

    text: bytes
    words: Sequence[Token]
    signals: Sequence[Signal]
    channel: Channel
    hidden: bool = False

    def window(self) -> tuple[int, int]:
        """Where to look: of a definition its beginning, elsewhere the sentences in which most is asked of somebody."""
        if self.channel is Channel.DEFINITION or len(self.text) <= SMALL:
            return 0, min(len(self.text), LONGEST)
        best, start, end = -1, 0, 0
        starts = [
            (0, 0),
            *((number + 1, word.end) for number, word in enumerate(self.words) if word.concepts & _STOP),
        ]
        said = _said(self.words, starts)
        for first, (at, begin) in enumerate(starts):
            if (reduce(or_, said[first : first + SENTENCES]) & _ASKING).bit_count() <= best:
                continue  # not even if all of it were within reach
            last = starts[first + SENTENCES][0] if first + SENTENCES < len(starts) else len(self.words)
            there = 0
            finish = begin
            for word in self.words[at : min(last, at + WORDS)]:
                if word.end - begin > REACH:
                    break
                there |= word.concepts
                finish = word.end
            asked = (there & _ASKING).bit_count()
            if asked > best:
                best, start, end = asked, begin, finish
        return start, end


def _said(words: Sequence[Token], starts: Sequence[tuple[int, int]]) -> list[int]:
    """The concepts of each sentence."""
    ends = [*(at for at, _ in starts[1:]), len(words)]
    return [
        reduce(or_, (word.concepts for word in words[at:end]), 0)
        for (at, _), end in zip(starts, ends, strict=True)
    ]


def place(name: str) -> int:
    """Where the weight of a feature is."""
    return crc32(name.encode()) % SIZE


@lru_cache(maxsize=4096)
def _concepts(mask: int) -> tuple[str, ...]:
    return tuple(name for number, name in enumerate(CONCEPTS) if mask >> number & 1)


@lru_cache(maxsize=65536)
def _pairs(first: int, second: int) -> tuple[str, ...]:
    return tuple(f"{a}>{b}" for a in _concepts(first) for b in _concepts(second))


def features(seen: Seen) -> set[str]:
    """The names of everything that is there."""
    start, end = seen.window()
    names: set[str] = {f"in:{seen.channel}", f"hidden:{seen.hidden}"}
    names.update(_order([word for word in seen.words if start <= word.start and word.end <= end]))
    names.update(_phrases(seen, start, end))
    names.update(_shape(seen.text[start:end], len(seen.text)))
    return names


def _order(words: Sequence[Token]) -> Iterator[str]:
    for number, word in enumerate(words):
        yield from _concepts(word.concepts)
        for after in words[number + 1 : number + 1 + AHEAD]:
            if after.concepts & _STOP:
                break
            yield from _pairs(word.concepts, after.concepts)


def _phrases(seen: Seen, start: int, end: int) -> Iterator[str]:
    inside = [signal for signal in seen.signals if start <= signal.start and signal.end <= end]
    families = sorted({signal.phrase.family for signal in inside})
    for signal in inside:
        yield f"{signal.phrase.id}/{'mentioned' if signal.mentioned else 'said'}"
    for number, family in enumerate(families):
        yield f"{seen.channel}:{family}"
        yield from (f"{family}+{other}" for other in families[number + 1 :])
    yield f"families:{len(families)}"


def _shape(window: bytes, whole: int) -> Iterator[str]:
    yield f"length:{whole.bit_length()}"
    for sign, name in _FRAMES.items():
        count = window.count(sign.encode())
        if count:
            yield f"{name}:{count.bit_length()}"


class Model:
    """Weights, and how their sum becomes a probability."""

    def __init__(self, weights: bytes, scale: float, bias: float) -> None:
        """`weights` are SIZE signed bytes in units of `scale`. Raises ValueError for another number of them."""
        if len(weights) != SIZE:
            raise ValueError(f"a model has {SIZE} weights, not {len(weights)}")
        self.weights = weights
        self.scale = scale
        self.bias = bias
        self._signed = memoryview(weights).cast("b")

    @classmethod
    def of(cls, text: str, scale: float, bias: float) -> Model:
        """From base 85."""
        return cls(b85decode(text), scale, bias)

    def logit(self, names: Iterable[str]) -> float:
        """Before the curve: above 0 rather an attack."""
        places = {place(name) for name in names}
        return self.bias + self.scale * sum(self._signed[each] for each in places) / sqrt(len(places) or 1)

    def judge(self, seen: Seen) -> Judgement:
        """One marked place."""
        names = features(seen)
        logit = max(-30.0, min(30.0, self.logit(names)))
        first = sorted(names, key=lambda name: (-self._signed[place(name)], name))[:SHOWN]
        reasons = tuple(name for name in first if self._signed[place(name)] > 0)
        return Judgement(logit, reasons)


def nudge(logit: float, channel: Channel) -> float:
    """What the model adds to the weight of phrases, or takes from it: bounded, so that it never decides alone."""
    return max(LEAST, min(MOST, GAIN * logit - DOUBT[channel]))
