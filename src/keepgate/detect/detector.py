"""The port of all detectors, and the detector that looks for patterns.

A detector takes a JSON value and says what it saw and where. It decides nothing, remembers nothing and fetches
nothing. `PatternDetector` is as good as the rules it is given; rules are data, in `detect/rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, Protocol

from keepgate.detect.matcher import Matcher, Span
from keepgate.detect.setting import CONTENT, Channel, Setting
from keepgate.detect.texts import MARK, Located, Place, joined
from keepgate.model.finding import Confidence, Finding, Severity
from keepgate.model.message import Json

MOST: Final = 10_000
"""Sightings in one value; what has more is not cleaned string by string."""
_BLOCK: Final = 16 * 1024
_SHOWN: Final = 60
_SENTENCE: Final = 160
"""Characters from which on a text in such a member is a document, as it is with more than one line."""
_DOCUMENTS: Final = frozenset(
    "content contents text newtext oldtext new_text old_text new_str old_str new_string old_string file_text body "
    "message description markdown html code source script diff patch note notes comment edits thought "
    "observations".split()
)
"""Members of arguments that hold documents, in lower case."""
_NUMERIC: Final = (*(b"0123456789.-_"[at : at + 1] for at in range(13)),)


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern and what it means. `id` is `family.name`; families are `secret`, `personal` and `attack`.

    The pattern is in the dialect of `detect.matcher`; its first group, if it has one, is the part that matters.
    """

    id: str
    title: str
    severity: Severity
    confidence: Confidence
    pattern: str
    taxonomy: tuple[str, ...] = ()
    block_end: str = ""
    """The thing goes on to the end of this text, at most 16 KiB further; without it, to the end of the string."""
    proof: Callable[[str], bool] | None = None
    """What the found text must satisfy as well: a checksum."""
    alone: bool = False
    """A number that is not part of a longer one: no digit, point or dash stands right before or after it."""
    meant: frozenset[str] = frozenset()
    """Names of members whose very purpose this is: there it is possible at most."""
    only: Channel | None = None
    """The channel in which it is as sure as it says; elsewhere it is possible at most."""

    @property
    def family(self) -> str:
        """The first word of the id."""
        return self.id.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A finding with the text it is about and the steps to it: what is needed to remove it."""

    finding: Finding
    keys: tuple[str | int, ...]
    text: str
    is_key: bool

    @property
    def family(self) -> str:
        """`secret`, `personal` or `attack`."""
        return self.finding.rule.partition(".")[0]


def sighting_of(finding: Finding, place: Place, first: int, last: int, evidence: str) -> Sighting:
    """The finding at these characters of a string."""
    located = replace(finding, path=place.pointer, start=first, end=last, evidence=evidence)
    return Sighting(located, place.keys, place.text[first:last], place.is_key)


class Detector(Protocol):
    """Sees, never decides."""

    def look(
        self, value: Json, root: tuple[str | int, ...] = (), setting: Setting = CONTENT
    ) -> Sequence[Sighting]:
        """What is in a JSON value that stands at `root` in its message. More than MOST are not listed."""


class PatternDetector:
    """Rules over every string of a value: one scan of all of it, then a look at each rule that was hit."""

    def __init__(self, rules: Sequence[Rule], *, engine: str = "auto") -> None:
        """Raises LocalError for a rule that cannot be used."""
        self.rules = tuple(rules)
        self.matcher = Matcher([rule.pattern for rule in self.rules], engine=engine)

    def look(
        self, value: Json, root: tuple[str | int, ...] = (), setting: Setting = CONTENT
    ) -> Sequence[Sighting]:
        """One scan; nothing more where nothing is found."""
        text = joined(value)
        hits = self.matcher.hits(text)
        if not hits:
            return ()
        located = cache(lambda: Located(value, root))
        return list(self._sightings(text, sorted(hits), located, setting.channel))

    def _sightings(
        self, text: bytes, hits: Sequence[int], located: Callable[[], Located], channel: Channel
    ) -> Iterator[Sighting]:
        left = MOST
        for index in hits:
            rule = self.rules[index]
            for start, end in self._spans(index, text, located):
                if rule.alone and not _alone(text, start, end):
                    continue
                if rule.proof is not None and not rule.block_end and not _proven(rule.proof, text[start:end]):
                    continue  # most of what looks like a number of a card is none, and need not be located
                found = located().at(text, start, end)
                sighting = self._sighting(rule, *found, channel) if found is not None else None
                if sighting is None:
                    continue  # it runs over the border of two strings, or is no real one
                yield sighting
                left -= 1
                if left < 0:
                    return

    def _spans(self, index: int, text: bytes, located: Callable[[], Located]) -> Iterator[Span]:
        """Every match of a rule. One that runs over a border must not hide another one behind that border.

        There is a newline at a border, so a match without one runs over none.
        """
        at = 0
        while (found := self.matcher.find(index, text, at)) is not None:
            (start, end), span = found
            yield span
            if b"\n" in text[start:end]:
                end = min(end, located().border(start, len(text)))
            at = max(end, start + 1)

    @staticmethod
    def _sighting(rule: Rule, place: Place, first: int, last: int, channel: Channel) -> Sighting | None:
        if rule.block_end:
            last = _block_end(place.text, last, rule.block_end)
        what = place.text[first:last]
        if what.startswith(MARK) or (rule.proof is not None and not rule.proof(what)):
            return None
        evidence = excerpt(what) if rule.family == "attack" else masked(what)
        weak = (
            rule.only not in {None, channel}
            or (rule.meant and not rule.meant.isdisjoint(_lowered(place.keys)))
            or (rule.only is Channel.ARGUMENT and _is_document(place))
        )
        sure = Confidence.POSSIBLE if weak else rule.confidence
        finding = Finding(rule.id, rule.severity, sure, rule.title, taxonomy=rule.taxonomy)
        return sighting_of(finding, place, first, last, evidence)


def _is_document(place: Place) -> bool:
    """Whether an argument is something to be written down, which may well speak of commands, paths and addresses."""
    long = len(place.text) > _SENTENCE or "\n" in place.text
    return long and not _DOCUMENTS.isdisjoint(_lowered(place.keys))


def _lowered(keys: tuple[str | int, ...]) -> Iterator[str]:
    return (key.lower() for key in keys if isinstance(key, str))


def _alone(text: bytes, start: int, end: int) -> bool:
    before, after = text[max(0, start - 1) : start], text[end : end + 2]
    return before not in _NUMERIC and not (after[:1] in _NUMERIC and after[1:2].isdigit())


def _proven(proof: Callable[[str], bool], what: bytes) -> bool:
    return proof(what.decode(errors="replace"))


def _block_end(text: str, start: int, mark: str) -> int:
    found = text.find(mark, start, start + _BLOCK)
    return min(start + _BLOCK, len(text)) if found < 0 else found + len(mark)


def masked(what: str) -> str:
    """A secret as it may be shown: at most its first four characters, and never more than a quarter of it."""
    return f"{what[: min(4, len(what) // 4)]}… ({len(what)} characters)"


def excerpt(what: str) -> str:
    """Outside text as it may be shown: short, without control or invisible characters."""
    shown = "".join(sign if sign.isprintable() else " " for sign in what[:_SHOWN])
    return shown if len(what) <= _SHOWN else shown + "…"
