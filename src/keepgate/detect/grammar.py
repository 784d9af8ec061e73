"""Phrases: concepts that stand together in one sentence, and the families and weights they count with.

A phrase does not ask for words but for what they mean: somebody is to ignore something that was said before. Phrases
are data, in `detect/rules`; one phrase alone decides nothing, families are weighed together (`detect.weigh`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from keepgate.detect.lexer import ADDRESSED, Token, bit, bits, presence
from keepgate.detect.matcher import Matcher
from keepgate.model.finding import Severity

SENTENCE: Final = 60
"""Tokens after which a sentence is taken to be over."""
_LEGIBLE: Final = 4
"""Letters from which a word in disguise is no accident."""
SIGNALS: Final = 400
"""Signals of one text; more change nothing."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """One structure. `need` are slots, each one concept or several with `|` between; all within `near` bytes.

    `weights` are for definitions, content and prompts; 0 where it means nothing. `unless` are concepts that make it
    harmless in the same sentence. `ordered` asks for the slots in their order.
    """

    id: str
    title: str
    family: str
    need: tuple[str, ...]
    weights: tuple[float, float, float]
    near: int = 120
    ordered: bool = False
    clause: bool = False
    """All slots in one clause: no comma between them."""
    unless: str = ""
    taxonomy: tuple[str, ...] = ("OWASP-MCP03", "SAFE-T1001", "CWE-1427")
    severity: Severity = Severity.MEDIUM
    slots: tuple[int, ...] = field(init=False)
    never: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "slots", tuple(bits(slot.split("|")) for slot in self.need))
        object.__setattr__(self, "never", bits(self.unless.split()) if self.unless else 0)


@dataclass(frozen=True, slots=True)
class Signal:
    """A phrase at a place, in bytes of the view it was found in. `mentioned`: it is quoted or spoken about."""

    phrase: Phrase
    start: int
    end: int
    mentioned: bool = False


_STOP: Final = bit("STOP")
_QUOTE: Final = bit("QUOTE")
_COMMA: Final = bit("COMMA")
_SECURITY: Final = bit("SECURITY")
_GUIDE: Final = 4
"""Different words of the trade that make a guide."""
_MENTION: Final = bits(("MENTION", "SECURITY"))
_NAMES: Final = bits(("IDENT", "TOOLNAME"))
_ADDRESS: Final = bit("ADDRESS")
_EVERYWHERE: Final = bits(("STOP", "QUOTE", "COMMA")) | _NAMES | _ADDRESS


class Grammar:
    """Finds phrases. `potential` is the cheap question before."""

    def __init__(self, phrases: Sequence[Phrase]) -> None:
        self.phrases = tuple(phrases)
        present = presence()
        self._bits = [mask for mask, _ in present]
        self._most = lru_cache(maxsize=4096)(self._heaviest)
        self._possible = lru_cache(maxsize=16_384)(self._filled_by)
        self._hits = Matcher.of_words([pattern for _, pattern in present])

    def potential(self, text: bytes, channel: int) -> float:
        """What a folded text could weigh at most, judged by which words are in it at all; 0 for nearly every text."""
        hits = self._hits(text)
        there = _EVERYWHERE
        if b"_" not in text:
            there ^= _NAMES
        if not any(sign in text for sign in ADDRESSED):
            there ^= _ADDRESS
        for index in hits:
            there |= self._bits[index]
        return self._most(there, channel)

    def _heaviest(self, there: int, channel: int) -> float:
        families: dict[str, float] = {}
        for phrase in self.phrases:
            weight = phrase.weights[channel]
            if weight > families.get(phrase.family, 0.0) and all(slot & there for slot in phrase.slots):
                families[phrase.family] = weight
        return sum(families.values())

    def _filled_by(self, there: int) -> tuple[Phrase, ...]:
        """The phrases that a sentence with these concepts may have."""
        return tuple(
            phrase
            for phrase in self.phrases
            if not phrase.never & there and all(slot & there for slot in phrase.slots)
        )

    def signals(self, tokens: Iterable[Token]) -> Iterator[Signal]:
        """Every phrase in every sentence, at most SIGNALS."""
        left = SIGNALS
        for sentence in _sentences(tokens):
            there = 0
            for token in sentence:
                there |= token.concepts
            for phrase in self._possible(there):
                place = _closest(phrase, sentence)
                if place is None:
                    continue
                yield Signal(phrase, *place, _mentioned(sentence, there, *place))
                left -= 1
                if not left:
                    return


def about_attacks(tokens: Iterable[Token], text: bytes) -> bool:
    """Whether a text speaks about attacks at such length that it is a guide to them: what it quotes counts less."""
    return len({text[token.start : token.end] for token in tokens if token.concepts & _SECURITY}) >= _GUIDE


def disguised(signals: Sequence[Signal], tokens: Sequence[Token], raw: bytes, literal: str) -> list[Signal]:
    """The signals whose words are other ones than those that stand there: at least two, or all there are.

    `raw` is the text in UTF-8, `literal` what stands there, character by character. One pass over the tokens.
    """
    changed, meant = [0], [0]
    at = chars = 0
    for token in tokens:
        chars += len(raw[at : token.start].decode(errors="replace"))
        word = raw[token.start : token.end].decode(errors="replace")
        known = bool(token.concepts & ~_EVERYWHERE)
        other = known and len(word) >= _LEGIBLE and literal[chars : chars + len(word)] != word
        changed.append(changed[-1] + other)
        meant.append(meant[-1] + known)
        chars, at = chars + len(word), token.end
    starts, ends = [token.start for token in tokens], [token.end for token in tokens]
    out = []
    for signal in signals:
        first, last = bisect_left(starts, signal.start), bisect_right(ends, signal.end)
        if changed[last] - changed[first] >= min(2, meant[last] - meant[first]) > 0:
            out.append(signal)
    return out


def _sentences(tokens: Iterable[Token]) -> Iterator[list[Token]]:
    sentence: list[Token] = []
    for token in tokens:
        if token.concepts & _STOP:
            if sentence:
                yield sentence
                sentence = []
            if token.concepts == _STOP:
                continue
        sentence.append(token)
        if len(sentence) >= SENTENCE:
            yield sentence
            sentence = sentence[-SENTENCE // 4 :]
            if len(sentence) >= SENTENCE:
                sentence = []
    if sentence:
        yield sentence


def _closest(phrase: Phrase, sentence: list[Token]) -> tuple[int, int] | None:
    """The first place where all slots are filled near enough."""
    for number, first in enumerate(sentence):
        if phrase.ordered:
            if not phrase.slots[0] & first.concepts:
                continue
        elif not any(slot & first.concepts for slot in phrase.slots):
            continue
        end = _filled(phrase, sentence, number)
        if end is not None:
            return first.start, end
    return None


def _filled(phrase: Phrase, sentence: list[Token], number: int) -> int | None:
    """Where the slots are full, beginning with this token; None if they are not within reach."""
    open_slots = list(phrase.slots)
    start = sentence[number].start
    for token in sentence[number:]:
        if token.end - start > phrase.near or (phrase.clause and token.concepts == _COMMA):
            return None
        if phrase.ordered:
            while open_slots and open_slots[0] & token.concepts:
                open_slots.pop(0)
        else:
            open_slots = [slot for slot in open_slots if not slot & token.concepts]
        if not open_slots:
            return token.end
    return None


def _mentioned(sentence: list[Token], there: int, start: int, end: int) -> bool:
    """Whether the sentence speaks about such a phrase: it says so, or it puts the phrase into quotation marks."""
    if there & _MENTION:
        return True
    before = sum(1 for token in sentence if token.concepts & _QUOTE and token.end <= start)
    after = sum(1 for token in sentence if token.concepts & _QUOTE and token.start >= end)
    return before % 2 == 1 and after >= 1
