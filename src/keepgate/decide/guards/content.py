"""What messages say: detectors look at every string, and terms say what follows from what they see.

The guard is given its detectors and knows no rule. Its answers: no opinion where nothing is seen, ALLOW with findings
where that is only recorded, REDACT with the edits that take a thing out or mark a text as data, ASK, DENY. A thing that
is to be taken out and stands where it cannot be (a key, a name of the protocol) is denied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from keepgate.decide.actions import NOTHING, Action, Book, Table, Terms
from keepgate.decide.cleaning import (
    Keys,
    Removal,
    StuckError,
    Wrapper,
    defused,
    editable,
    edits,
    is_protocol,
    spans_of,
    texts_of,
)
from keepgate.decide.facts import Fact, Facts
from keepgate.detect.artifact import Artifact, ArtifactKind
from keepgate.detect.detector import MOST, Detector, Sighting
from keepgate.detect.honeytokens import FAMILY as HONEYTOKEN
from keepgate.detect.setting import ARGUMENT, CONTENT, Channel, Setting
from keepgate.model.exchange import Exchange
from keepgate.model.finding import Finding
from keepgate.model.message import Direction, Json, Kind, Message
from keepgate.model.verdict import Effect, Verdict, deny

LISTED: Final = 100
"""Findings named in one record."""

_RESULT, _ERROR = Kind.RESULT, Kind.ERROR
_CHANNELS: Final = {ArtifactKind.TOOL: Channel.DEFINITION, ArtifactKind.PROMPT: Channel.PROMPT}
_NO_KEY: Final = bytes(16)

Follows = Callable[[Sighting], Action]


class Content:
    """Inspects params, results and errors in both directions, with names and descriptions in lists."""

    id = "content"
    needs: frozenset[Fact] = frozenset()

    def __init__(
        self,
        detectors: Sequence[Detector],
        to_server: Table | Book,
        to_client: Table = NOTHING,
        key: bytes = _NO_KEY,
        again: Callable[[], Sequence[Detector]] | None = None,
    ) -> None:
        """One table for each direction, or a book with those of every server. `key` makes the marks of texts."""
        self._detectors = tuple(detectors)
        self.book = to_server if isinstance(to_server, Book) else Book(Terms(to_server, to_client))
        self._key = key
        self._again = again
        """Makes the detectors once more"""

    def check(self, exchange: Exchange, facts: Facts) -> Verdict | None:
        """No opinion unless something is seen."""
        to_server = exchange.direction is Direction.TO_SERVER
        if to_server and exchange.contract is not None and exchange.contract.refused:
            # Whoever asks was never shown it: it gets what an unknown thing gets.
            return deny(f"withheld: {exchange.contract.refused}", guard=self.id, hidden=True)
        root, value = _inspected(exchange.message)
        if value is None:
            return None
        resource = exchange.resource
        terms = self.book.of(exchange.server, resource.name if resource is not None else "")
        seen = exchange.message.seen
        if seen is None:
            seen = self._look(value, root, ARGUMENT if to_server else CONTENT)
        if to_server:
            return self._verdict(seen, terms.to_server.action, value, root, exchange.server) if seen else None
        if terms.wrap and exchange.message.kind is _RESULT:
            return self._verdict(seen, terms.to_client.action, value, root, exchange.server, texts_of(value))
        if exchange.origins and seen and self.book.particular:
            return self._verdict(seen, self._by_origin(exchange), value, root, "")
        return self._verdict(seen, terms.to_client.action, value, root, exchange.server) if seen else None

    def _by_origin(self, exchange: Exchange) -> Follows:
        """What follows in a list over servers: for each item what follows for its server and name."""

        def action(sighting: Sighting) -> Action:
            match sighting.keys:
                case (_, _, int(number), *_) if number < len(exchange.origins):
                    return self.book.of(*exchange.origins[number]).to_client.action(sighting)
            return self.book.of("").to_client.action(sighting)

        return action

    def apart(self) -> Callable[[Message, Direction], list[Sighting]]:
        """The look of `check` with detectors of its own, for another thread: those of a guard are for one."""
        detectors = tuple(self._again()) if self._again is not None else self._detectors

        def look(message: Message, direction: Direction) -> list[Sighting]:
            root, value = _inspected(message)
            setting = ARGUMENT if direction is Direction.TO_SERVER else CONTENT
            return [] if value is None else _seen(detectors, value, root, setting)

        return look

    def judge_artifact(self, artifact: Artifact) -> Verdict | None:
        """The verdict on something that is not in a message, as if it went to a client."""
        seen = self._look(artifact.content, artifact.member, _setting(artifact))
        if not seen:
            return None
        content = artifact.content
        name = content.get("name") if isinstance(content, dict) else None
        terms = self.book.of(artifact.server, name if isinstance(name, str) else "")
        return self._verdict(seen, terms.to_client.action, content, artifact.member, artifact.server)

    def _look(self, value: Json, root: str, setting: Setting) -> list[Sighting]:
        return _seen(self._detectors, value, root, setting)

    def _verdict(
        self,
        seen: list[Sighting],
        follows: Follows,
        value: Json,
        root: str,
        server: str,
        marked: Iterable[Keys] = (),
    ) -> Verdict | None:
        judged = [(sighting, _action(follows, sighting, value)) for sighting in seen]
        judged.sort(key=lambda pair: -pair[1])  # so that what decides is among those that are listed
        findings = _listed(sighting.finding for sighting, action in judged if action is not Action.IGNORE)
        worst = max((action for _, action in judged), default=Action.IGNORE)
        if any(sighting.family == HONEYTOKEN for sighting, _ in judged):
            # Whoever found it must not learn what it is.
            private = ", ".join(
                dict.fromkeys(finding.rule for finding in findings if HONEYTOKEN in finding.rule)
            )
            return Verdict(Effect.DENY, "the content was refused", self.id, private, findings=findings)
        if worst is Action.DENY:
            return self._deny(f"the content was refused: {_titles(judged, Action.DENY)}", findings)
        marks = dict.fromkeys(marked, Wrapper(self._key, server))
        if worst < Action.NEUTRALISE and not marks:
            return None if worst is Action.IGNORE else Verdict(Effect.ALLOW, guard=self.id, findings=findings)
        if len(seen) >= MOST:
            return self._deny(f"there is too much to remove: {_titles(judged, worst)}", findings)
        return self._cleaned(judged, marks, value, root, server, findings)

    def _cleaned(
        self,
        judged: list[tuple[Sighting, Action]],
        marks: dict[Keys, Wrapper],
        value: Json,
        root: str,
        server: str,
        findings: tuple[Finding, ...],
    ) -> Verdict | None:
        """The verdict with its edits; what has to be asked for is asked for the message as it would go on."""
        gone = [sighting for sighting, action in judged if action is Action.REDACT]
        changed = [sighting for sighting, action in judged if action is Action.NEUTRALISE]
        try:
            spans = spans_of(gone, value, root)
            for sighting in changed:
                _neutralise(sighting, spans, marks, Wrapper(self._key, server))
            made = tuple(edits(value, root, spans, marks))
        except StuckError as error:
            return self._deny(str(error), findings)
        said = [f"removed: {_titles(judged, Action.REDACT)}"] if gone else []
        said += [f"neutralised: {_titles(judged, Action.NEUTRALISE)}"] if changed else []
        said += ["marked as data"] if marks and not changed and made else []
        if any(action is Action.ASK for _, action in judged):
            reason = f"it carries what needs approval: {_titles(judged, Action.ASK)}"
            return Verdict(Effect.ASK, "; ".join((reason, *said)), self.id, findings=findings, edits=made)
        if not made:
            return Verdict(Effect.ALLOW, guard=self.id, findings=findings) if findings else None
        return Verdict(Effect.REDACT, "; ".join(said), self.id, findings=findings, edits=made)

    def _deny(self, reason: str, findings: tuple[Finding, ...]) -> Verdict:
        return Verdict(Effect.DENY, reason, self.id, findings=findings)


def _action(follows: Follows, sighting: Sighting, value: Json) -> Action:
    if sighting.family == HONEYTOKEN:
        return Action.DENY  # whatever the terms are
    action = follows(sighting)
    return Action.RECORD if action > Action.RECORD and is_protocol(sighting.keys, value) else action


def _neutralise(
    sighting: Sighting, spans: dict[Keys, list[Removal]], marks: dict[Keys, Wrapper], wrapper: Wrapper
) -> None:
    """Mark the text as data, or take the sting out of a thing in it. Raises StuckError."""
    if sighting.is_key or not editable(sighting.keys):
        raise StuckError(f"there is a {sighting.finding.title} where it cannot be neutralised")
    if sighting.family in {"exfil", "hidden"}:
        keys, removal = defused(sighting)
        spans.setdefault(keys, []).append(removal)
    else:
        marks[sighting.keys] = wrapper


def _titles(judged: Iterable[tuple[Sighting, Action]], action: Action) -> str:
    return ", ".join(sorted({sighting.finding.title for sighting, each in judged if each is action}))


def _seen(detectors: Iterable[Detector], value: Json, root: str, setting: Setting) -> list[Sighting]:
    seen: list[Sighting] = []
    for detector in detectors:
        if found := detector.look(value, (root,), setting):
            seen.extend(found)
    return seen


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


def _listed(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for _, finding in zip(range(LISTED), findings, strict=False))
