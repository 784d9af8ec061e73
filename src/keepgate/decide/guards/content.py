"""What messages say: detectors look at every string, the profile decides what follows from what they see.

The guard is given its detectors and knows no rule. Its answers: no opinion where nothing is seen, ALLOW with findings
where that is only recorded, REDACT with the edits that take a thing out, DENY. A thing that is to be taken out and
stands where it cannot be (a key, a name of the protocol) is denied.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import accumulate
from typing import Any, Final

from keepgate.decide.facts import Fact, Facts
from keepgate.detect.artifact import Artifact, ArtifactKind
from keepgate.detect.detector import MOST, Detector, Sighting
from keepgate.detect.setting import ARGUMENT, CONTENT, Channel, Setting
from keepgate.detect.texts import MARK, Place, places, pointer
from keepgate.model.exchange import Exchange
from keepgate.model.finding import Confidence, Finding
from keepgate.model.message import Direction, Json, Kind, Message
from keepgate.model.verdict import Edit, Effect, Verdict, deny

LISTED: Final = 100
"""Findings named in one record."""
_REPEATED: Final = 64
"""Different things that are also looked for in the other strings of a message."""
_SHORTEST: Final = 8
"""Characters of a thing that is looked for elsewhere: shorter ones stand in innocent text."""

_FIXED: Final = frozenset(
    "uri uriTemplate type mimeType name role method requestState nextCursor cursor resultType taskId sessionId "
    "progressToken protocolVersion level id jsonrpc".split()
)
"""Members of the protocol that a peer acts on: changing one would break the message, not clean it."""
_FREE: Final = frozenset(("structuredContent", "arguments", "data"))
"""Below these nothing belongs to the protocol."""


Removal = tuple[int, int, str]
"""Character offsets in a string, and the rule that names the placeholder."""


class Action(IntEnum):
    """What follows from a sighting, mildest first."""

    IGNORE = 0
    RECORD = 1
    REDACT = 2
    DENY = 3


_RESULT, _ERROR = Kind.RESULT, Kind.ERROR
_CHANNELS: Final = {ArtifactKind.TOOL: Channel.DEFINITION, ArtifactKind.PROMPT: Channel.PROMPT}
_SURE: Final = (Confidence.CONFIRMED,)
_FAIRLY: Final = (Confidence.CONFIRMED, Confidence.LIKELY)


@dataclass(frozen=True, slots=True)
class Table:
    """Family of findings to what follows, for one direction. Whatever is not said is recorded."""

    actions: Mapping[tuple[str, Confidence], Action] = field(default_factory=dict)

    def action(self, sighting: Sighting) -> Action:
        """What follows from it."""
        return self.actions.get((sighting.family, sighting.finding.confidence), Action.RECORD)

    def with_(self, family: str, action: Action) -> Table:
        """The same, but this for what is at least likely of a family; IGNORE also for what is only possible."""
        which = tuple(Confidence) if action is Action.IGNORE else _FAIRLY
        return Table({**self.actions, **{(family, confidence): action for confidence in which}})


def _table(**families: tuple[Action, Sequence[Confidence]]) -> Table:
    return Table(
        {
            (family, confidence): action
            for family, (action, confidences) in families.items()
            for confidence in confidences
        }
    )


PROFILES: Final[Mapping[str, tuple[Table, Table]]] = {
    "relaxed": (Table(), Table()),
    "balanced": (
        _table(attack=(Action.DENY, _FAIRLY)),
        _table(
            secret=(Action.REDACT, _SURE),
            personal=(Action.REDACT, _SURE),
            exfil=(Action.REDACT, _FAIRLY),
            hidden=(Action.REDACT, _FAIRLY),
            attack=(Action.DENY, _FAIRLY),
        ),
    ),
    "strict": (
        _table(secret=(Action.DENY, _SURE), attack=(Action.DENY, _FAIRLY)),
        _table(
            secret=(Action.REDACT, _FAIRLY),
            personal=(Action.REDACT, _FAIRLY),
            exfil=(Action.REDACT, _FAIRLY),
            hidden=(Action.REDACT, _FAIRLY),
            attack=(Action.DENY, _FAIRLY),
        ),
    ),
}
"""By profile: what follows in messages to servers, and in messages to clients."""


class Content:
    """Inspects params, results and errors in both directions, with names and descriptions in lists."""

    id = "content"
    needs: frozenset[Fact] = frozenset()

    def __init__(self, detectors: Sequence[Detector], to_server: Table, to_client: Table) -> None:
        self._detectors = tuple(detectors)
        self._to_server = to_server
        self._to_client = to_client

    def check(self, exchange: Exchange, facts: Facts) -> Verdict | None:
        """No opinion unless something is seen."""
        to_server = exchange.direction is Direction.TO_SERVER
        if to_server and exchange.contract is not None and exchange.contract.refused:
            # Whoever asks was never shown it: it gets what an unknown thing gets.
            return deny(f"withheld: {exchange.contract.refused}", guard=self.id, hidden=True)
        root, value = _inspected(exchange.message)
        if value is None:
            return None
        seen = self._look(value, root, ARGUMENT if to_server else CONTENT)
        if not seen:
            return None
        return self._verdict(seen, self._to_server if to_server else self._to_client, value, root)

    def judge_artifact(self, artifact: Artifact) -> Verdict | None:
        """The verdict on something that is not in a message, as if it went to a client."""
        seen = self._look(artifact.content, artifact.member, _setting(artifact))
        return self._verdict(seen, self._to_client, artifact.content, artifact.member) if seen else None

    def _look(self, value: Json, root: str, setting: Setting) -> list[Sighting]:
        seen: list[Sighting] = []
        for detector in self._detectors:
            if found := detector.look(value, (root,), setting):
                seen.extend(found)
        return seen

    def _verdict(self, seen: list[Sighting], table: Table, value: Json, root: str) -> Verdict | None:
        judged = [(sighting, table.action(sighting)) for sighting in seen]
        judged.sort(key=lambda pair: -pair[1])  # so that what decides is among those that are listed
        findings = _listed(sighting.finding for sighting, action in judged if action is not Action.IGNORE)
        worst = max(action for _, action in judged)
        if worst is Action.IGNORE:
            return None
        if worst is Action.RECORD:
            return Verdict(Effect.ALLOW, guard=self.id, findings=findings)
        if worst is Action.REDACT:
            removed = [sighting for sighting, action in judged if action is Action.REDACT]
            return self._redacted(removed, value, root, findings, len(seen))
        reasons = {sighting.finding.title for sighting, action in judged if action is Action.DENY}
        return self._deny(f"the content was refused: {', '.join(sorted(reasons))}", findings)

    def _redacted(
        self, removed: list[Sighting], value: Json, root: str, findings: tuple[Finding, ...], count: int
    ) -> Verdict:
        titles = ", ".join(sorted({sighting.finding.title for sighting in removed}))
        if count >= MOST:
            return self._deny(f"there is too much to remove: {titles}", findings)
        stuck = next((each for each in removed if each.is_key or not editable(each.keys)), None)
        if stuck is not None:
            return self._deny(f"there is a {stuck.finding.title} where it cannot be removed", findings)
        try:
            edits = tuple(edits_of(removed, value, root))
        except StuckError as error:
            return self._deny(f"{error}: {titles}", findings)
        return Verdict(Effect.REDACT, f"removed: {titles}", self.id, findings=findings, edits=edits)

    def _deny(self, reason: str, findings: tuple[Finding, ...]) -> Verdict:
        return Verdict(Effect.DENY, reason, self.id, findings=findings)


def _setting(artifact: Artifact) -> Setting:
    others = {server: names for server, names in artifact.session.items() if server != artifact.server}
    siblings = artifact.session.get(artifact.server, ())
    return Setting(_CHANNELS.get(artifact.kind, Channel.CONTENT), artifact.server, others, siblings)


def _inspected(message: Message) -> tuple[str, Json]:
    """The part of a message that an outsider wrote, and the member it is."""
    if message.kind is _RESULT:
        return "result", message.body["result"]
    if message.kind is _ERROR:
        return "error", message.body["error"]
    return "params", message.body.get("params")


def _listed(findings: Any) -> tuple[Finding, ...]:
    return tuple(finding for _, finding in zip(range(LISTED), findings, strict=False))


def editable(keys: tuple[str | int, ...]) -> bool:
    """Whether the string at these steps may be changed without breaking the protocol."""
    return not (any(key in _FIXED for key in keys[-1:]) and not any(key in _FREE for key in keys[1:-1]))


class StuckError(Exception):
    """What was found cannot be taken out everywhere; the text says why."""


def edits_of(removed: Sequence[Sighting], value: Json, root: str) -> Sequence[Edit]:
    """One edit for each string that has to change: every thing replaced by a placeholder that names its rule.

    A thing that was found in one string is also taken out of the others, as it is and as it stands in JSON text: a
    server repeats its structured content as text, and there a rule may not see it. Raises StuckError.
    """
    spans: dict[tuple[str | int, ...], list[Removal]] = {}
    for sighting in removed:
        finding = sighting.finding
        spans.setdefault(sighting.keys, []).append((finding.start, finding.end, finding.rule))
    listed = list(places(value, (root,)))
    for place, removal in _again(listed, _repeated(removed)):
        if place.is_key or not editable(place.keys):
            raise StuckError("something stands where it cannot be removed")
        spans.setdefault(place.keys, []).append(removal)
    return [
        Edit(pointer(place.keys), _without(place.text, spans[place.keys]))
        for place in listed
        if not place.is_key and place.keys in spans
    ]


def _repeated(removed: Sequence[Sighting]) -> list[tuple[str, str]]:
    forms: dict[str, str] = {}
    for sighting in removed:
        if len(sighting.text) >= _SHORTEST and len(forms) < _REPEATED:
            forms[sighting.text] = sighting.finding.rule
            forms[_as_json(sighting.text)] = sighting.finding.rule
    return list(forms.items())


def _as_json(text: str) -> str:
    """The text as it stands inside a JSON string."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return "".join(escapes.get(sign, sign) for sign in text)


def _again(listed: Sequence[Place], repeated: Sequence[tuple[str, str]]) -> Iterator[tuple[Place, Removal]]:
    """Where these texts stand, in all strings at once. Raises StuckError for more than can be sensible."""
    whole = "\n".join(place.text for place in listed)
    starts = list(accumulate((len(place.text) + 1 for place in listed), initial=0))
    left = 10 * MOST
    for what, rule in repeated:
        at = whole.find(what)
        while at >= 0:
            number = bisect_right(starts, at) - 1
            start, end = at - starts[number], at - starts[number] + len(what)
            if end <= len(listed[number].text):
                yield listed[number], (start, end, rule)
            left -= 1
            if left < 0:
                raise StuckError("there is too much to remove")
            at = whole.find(what, at + len(what))


def _without(text: str, spans: list[Removal]) -> str:
    """The text with every span replaced; spans that overlap are one, named after the first."""
    out: list[str] = []
    done = 0
    for start, end, rule in sorted(spans):
        if start < done:
            done = max(done, end)
            continue
        out += (text[done:start], f"{MARK}{rule}]")
        done = end
    return "".join((*out, text[done:]))
