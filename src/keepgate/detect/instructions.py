"""The detector of instructions to a model: views, phrases, weights, and one finding where they add up.

Definitions are weighed entity by entity, whatever string of them says it; other texts by what stands close together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from keepgate.detect.detector import Detector, Sighting, excerpt, sighting_of
from keepgate.detect.disguise import disguises
from keepgate.detect.entities import Clue, clues, own_names, references
from keepgate.detect.fold import fold
from keepgate.detect.grammar import Grammar, Phrase, Signal, about_attacks, disguised
from keepgate.detect.lexer import disowned, squeezed, tokens
from keepgate.detect.model import SMALL, Model, Seen, nudge
from keepgate.detect.setting import CONTENT, Channel, Setting
from keepgate.detect.texts import Place, places, strings
from keepgate.detect.views import BORDER, View, Views
from keepgate.detect.weigh import COLUMN, HIDDEN, SURE, THRESHOLD, Weighed, weigh
from keepgate.model.finding import Confidence, Finding, Severity
from keepgate.model.message import Json

ENTITIES: Final = ("tools", "prompts", "resources", "resourceTemplates")
"""Members of a result that hold definitions, each judged alone."""
_DEFINED: Final = frozenset((*ENTITIES, "instructions"))
SAID: Final = {Channel.DEFINITION: "attack.poisoned-definition", Channel.PROMPT: "attack.prompt"}
"""The rule under which a group of signals is reported; `attack.instructions` elsewhere."""
INSTRUCTIONS: Final = "attack.instructions"
_TITLES: Final = {
    "attack.poisoned-definition": "a definition that gives the model orders",
    "attack.prompt": "an attack on the model's instructions",
    INSTRUCTIONS: "text that gives the model orders",
}
_TAXONOMY: Final = ("OWASP-MCP03", "OWASP-MCP06", "SAFE-T1001", "SAFE-T1102", "CWE-1427")
DOUBTFUL: Final = 0.5
"""What weighs less is not shown to the model."""
LEAST: Final = {Channel.DEFINITION: 1.0, Channel.CONTENT: 1.5, Channel.PROMPT: 1.0, Channel.ARGUMENT: 99.0}
"""What the words of a text must allow for, or it is not looked at any closer."""
SHORT: Final = 1.0
"""The same where there are few words: one phrase may be all that is said."""
NOTED: Final = 1.5
"""What weighs less is not worth a line in the log."""
_WHOLE: Final = 1 << 30
_SHOWN: Final = 12
"""Signals of a group that are listed one by one."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A group of signals with the view it stands in: what is weighed, and what a further judge may be shown."""

    weighed: Weighed
    view: View
    channel: Channel

    @property
    def text(self) -> str:
        """The sentence or sentences around, as they read."""
        raw = self.view.text.encode(errors="replace")
        return raw[max(0, self.weighed.start - 300) : self.weighed.end + 300].decode(errors="replace")


_NOTHING: Final = View("plain", "", "", lambda start, end: (start, end))


class InstructionDetector:
    """Phrases over every view of every string. `hidden` also look at what was decoded."""

    def __init__(
        self, phrases: Sequence[Phrase], hidden: Sequence[Detector] = (), model: Model | None = None
    ) -> None:
        self._grammar = Grammar(phrases)
        self._model = model
        self._views = Views()
        self._decodings = Views(readings=False, like=self._views)
        self._hidden = hidden

    def look(
        self, value: Json, root: tuple[str | int, ...] = (), setting: Setting = CONTENT
    ) -> Sequence[Sighting]:
        """What gives orders, and what was hidden by an encoding."""
        found: list[Sighting] = []
        for part, steps, channel in _parts(value, root, setting.channel):
            there = setting if channel is setting.channel else replace(setting, channel=channel)
            found.extend(self._judge(part, steps, there))
        return found

    def marked(self, text: str, channel: Channel) -> Iterator[Marked]:
        """The groups of signals of one text, view by view, whatever they weigh."""
        for view in self._views.of(text):
            if (found := self._weighed(view, channel, frozenset())) is not None:
                yield Marked(found, view, channel)

    def _judge(self, value: Json, root: tuple[str | int, ...], setting: Setting) -> Iterator[Sighting]:
        channel = setting.channel
        source = BORDER.join(strings(value))
        best: Marked | None = None
        where = _Where(value, root)
        own = own_names(value, setting) if channel is Channel.DEFINITION else frozenset()
        arguments = channel is Channel.ARGUMENT
        for view in (self._decodings if arguments else self._views).of(source):
            if view.kind == "decoded" and self._hidden:
                yield from self._decoded(view, where, channel)
            if arguments:
                continue
            weighed = self._weighed(view, channel, own)
            if weighed is not None and (best is None or weighed.score > best.weighed.score):
                best = Marked(weighed, view, channel)
        seen = _clues(value, root, setting) if channel is Channel.DEFINITION else []
        if seen:
            more: dict[str, float] = {}
            for clue in seen:
                more[clue.family] = max(clue.weight, more.get(clue.family, 0.0))
            base = best.weighed if best is not None else Weighed(0.0, (), frozenset())
            best = Marked(base.with_more(more), best.view if best is not None else _NOTHING, channel)
        if best is not None and best.weighed.score >= NOTED:
            yield from _reported(best, seen, where)

    def seen(self, value: Json, channel: Channel) -> Iterator[tuple[Seen, Weighed | None]]:
        """What passes the gate, view by view, with what its phrases weigh: what the model learns from."""
        own = own_names(value, Setting(channel)) if channel is Channel.DEFINITION else frozenset()
        for view in self._views.of(BORDER.join(strings(value))):
            if (seen := self._seen(view, channel, own)) is not None:
                yield seen, _grouped(seen, view)

    def _seen(self, view: View, channel: Channel, own: frozenset[bytes]) -> Seen | None:
        raw = view.text.encode(errors="replace")
        if not view.squeezed:
            hidden = HIDDEN if view.hidden else 0.0
            most = self._grammar.potential(raw, COLUMN[channel])
            if not most or most + hidden < _least(channel, len(raw)):
                return None
        words = squeezed(raw) if view.squeezed else tokens(raw)
        if own:
            words = disowned(words, raw, own)
        signals = list(self._grammar.signals(words))
        if view.literal:
            signals = disguised(signals, words, raw, view.literal)
        if view.squeezed:  # nobody speaks about a thing in letters set apart
            signals = [replace(each, mentioned=False) for each in signals]
        if channel is Channel.CONTENT and not view.hidden and about_attacks(words, raw):
            signals = [replace(each, mentioned=True) for each in signals]
        return Seen(raw, words, signals, channel, view.hidden)

    def _weighed(self, view: View, channel: Channel, own: frozenset[bytes]) -> Weighed | None:
        if (
            view.literal and not own and not disguises(view.text, view.literal)
        ):  # own names are no words of the lexicon
            return None
        seen = self._seen(view, channel, own)
        weighed = _grouped(seen, view) if seen is not None else None
        if seen is None or weighed is None or weighed.score < DOUBTFUL or self._model is None:
            return weighed
        judgement = self._model.judge(seen)
        return replace(
            weighed, score=weighed.score + nudge(judgement.logit, channel), reasons=judgement.reasons
        )

    def _decoded(self, view: View, where: _Where, channel: Channel) -> Iterator[Sighting]:
        for detector in self._hidden:
            for seen in detector.look(view.plain, (), Setting(channel)):
                start, end = view.origin(*_folded_span(view, seen.finding.start, seen.finding.end))
                yield where.sighting(seen.finding, start, end, seen.finding.evidence)


def _least(channel: Channel, size: int) -> float:
    return SHORT if channel is Channel.CONTENT and size <= SMALL else LEAST[channel]


def _grouped(seen: Seen, view: View) -> Weighed | None:
    reach = {"reach": _WHOLE} if seen.channel is Channel.DEFINITION else {}
    hidden = view.hidden and not view.squeezed
    return weigh(seen.signals, seen.channel, hidden=hidden, **reach) if seen.signals else None


def _folded_span(view: View, start: int, end: int) -> tuple[int, int]:
    """The same place in the folded text: folding goes character by character."""
    if len(view.text) == len(view.plain):
        return start, end
    first = len(fold(view.plain[:start]))
    last = first + len(fold(view.plain[start:end]))
    return min(first, max(len(view.text) - 1, 0)), max(last, first + 1)


def _parts(
    value: Json, root: tuple[str | int, ...], channel: Channel
) -> Iterator[tuple[Json, tuple[str | int, ...], Channel]]:
    """The value, or each definition in it and the rest."""
    if channel is not Channel.CONTENT or not isinstance(value, dict):
        yield value, root, channel
        return
    if root != ("result",) or _DEFINED.isdisjoint(value):
        yield value, root, channel
        return
    rest = value
    for key in ENTITIES:
        listed = value.get(key)
        if isinstance(listed, list):
            rest = {name: member for name, member in rest.items() if name != key}
            for number, item in enumerate(listed):
                yield item, (*root, key, number), Channel.DEFINITION
    if isinstance(value.get("instructions"), str):
        rest = {name: member for name, member in rest.items() if name != "instructions"}
        yield value["instructions"], (*root, "instructions"), Channel.DEFINITION
    if rest:
        yield rest, root, channel


class _Where:
    """From a place in the joined strings back to the string."""

    def __init__(self, value: Json, root: tuple[str | int, ...]) -> None:
        self._value, self._root = value, root
        self._places: list[Place] | None = None

    def place(self, start: int, end: int) -> tuple[Place, int, int]:
        """The string that holds the start, and the offsets in it; what reaches into the next string is cut."""
        if self._places is None:
            self._places = list(places(self._value, self._root))
        at = 0
        for found in self._places:
            length = len(found.text)
            if start <= at + length:
                first = start - at
                return found, first, min(max(end - at, first), length)
            at += length + 1
        return self._places[-1], 0, len(self._places[-1].text)

    def sighting(self, finding: Finding, start: int, end: int, evidence: str) -> Sighting:
        """A finding of a view as one of the source."""
        place, first, last = self.place(start, end)
        return sighting_of(finding, place, first, last, evidence)


def _clues(value: Json, root: tuple[str | int, ...], setting: Setting) -> list[Clue]:
    if isinstance(value, dict):
        return list(clues(value, setting, root))
    return [replace(clue, place=replace(clue.place, keys=root)) for clue in references(str(value), setting)]


def _reported(marked: Marked, seen: Sequence[Clue], where: _Where) -> Iterator[Sighting]:
    """The group as one finding if it is heavy enough, and its signals as weak ones."""
    weighed, view, channel = marked.weighed, marked.view, marked.channel
    raw = view.text.encode(errors="replace")
    over = weighed.score - THRESHOLD[channel]
    if over >= 0:
        rule = SAID.get(channel, INSTRUCTIONS)
        confidence = Confidence.CONFIRMED if over >= SURE else Confidence.LIKELY
        severity = Severity.CRITICAL if over >= SURE else Severity.HIGH
        finding = Finding(rule, severity, confidence, _TITLES[rule], taxonomy=_TAXONOMY)
        if weighed.signals:
            evidence = excerpt(raw[weighed.start : weighed.end].decode(errors="replace"))
            evidence = f"{view.kind}: {evidence}" if view.hidden else evidence
            yield where.sighting(finding, *_origin(view, raw, weighed.start, weighed.end), evidence)
        else:
            first = seen[0]
            evidence = excerpt(first.place.text[first.start : first.end])
            yield sighting_of(finding, first.place, first.start, first.end, evidence)
    for clue in seen:
        weak = Finding(clue.rule, clue.severity, Confidence.POSSIBLE, clue.title, taxonomy=clue.taxonomy)
        yield sighting_of(
            weak, clue.place, clue.start, clue.end, excerpt(clue.place.text[clue.start : clue.end])
        )
    told: set[str] = set()
    for signal in weighed.signals:
        if signal.phrase.id in told or len(told) >= _SHOWN:
            continue
        told.add(signal.phrase.id)
        yield _signal(signal, view, raw, where)


def _signal(signal: Signal, view: View, raw: bytes, where: _Where) -> Sighting:
    phrase = signal.phrase
    finding = Finding(phrase.id, phrase.severity, Confidence.POSSIBLE, phrase.title, taxonomy=phrase.taxonomy)
    evidence = excerpt(raw[signal.start : signal.end].decode(errors="replace"))
    return where.sighting(finding, *_origin(view, raw, signal.start, signal.end), evidence)


def _origin(view: View, raw: bytes, start: int, end: int) -> tuple[int, int]:
    first = len(raw[:start].decode(errors="replace"))
    return view.origin(first, first + len(raw[start:end].decode(errors="replace")))
