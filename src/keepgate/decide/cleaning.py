"""What is changed in a message so that the rest of it may go on: things taken out, texts marked as data.

Only strings change, and only those that nothing acts on: names, types, URIs, tokens and binary data stay as they are or
the message does not go on at all.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import accumulate
from typing import Any, Final

from keepgate.detect.detector import MOST, Sighting
from keepgate.detect.texts import MARK, Place, places, pointer
from keepgate.detect.unhide import without_ansi, without_invisible
from keepgate.model.message import Json
from keepgate.model.verdict import Edit

_REPEATED: Final = 64
"""Different things that are also looked for in the other strings of a message."""
_SHORTEST: Final = 8
"""Characters of a thing that is looked for elsewhere: shorter ones stand in innocent text."""

_FIXED: Final = frozenset(
    "uri uriTemplate type mimeType name role method requestState nextCursor cursor resultType taskId sessionId "
    "progressToken protocolVersion level id jsonrpc blob".split()
)
"""Members of the protocol that a peer acts on: changing one would break the message, not clean it."""
_FREE: Final = frozenset(("structuredContent", "arguments", "data"))
"""Below these nothing belongs to the protocol."""
_TRACE: Final = 55
"""Characters of a `traceparent` of W3C Trace Context, version 00."""

Keys = tuple[str | int, ...]
Removal = tuple[int, int, str]
"""Character offsets in a string, and what stands there instead."""


class StuckError(Exception):
    """What was found cannot be taken out everywhere; the text says why."""


def editable(keys: Keys) -> bool:
    """Whether the string at these steps may be changed without breaking the protocol."""
    if any(key in _FREE for key in keys[1:-1]):
        return True
    return keys[-1] not in _FIXED and not (keys[-1] == "data" and keys[-3:-2] == ("content",))


def is_protocol(keys: Keys, value: Json) -> bool:
    """Whether it is the protocol's own, with nothing in it that anybody could have meant: a trace, a token."""
    match keys, value:
        case (_, "_meta", "traceparent"), {"_meta": {"traceparent": str(text)}}:
            return len(text) == _TRACE and all(sign in "0123456789abcdef-" for sign in text)
        case (_, "_meta", "progressToken") | (_, "progressToken"), _:
            return True
        case _:
            return False


# Taking out


def edits_of(removed: Sequence[Sighting], value: Json, root: str) -> Sequence[Edit]:
    """One edit for each string that has to change: every thing replaced by a placeholder that names its rule.

    A thing that was found in one string is also taken out of the others, as it is and as it stands in JSON text: a
    server repeats its structured content as text, and there a rule may not see it. Raises StuckError.
    """
    return edits(value, root, spans_of(removed, value, root), {})


def spans_of(removed: Sequence[Sighting], value: Json, root: str) -> dict[Keys, list[Removal]]:
    """What has to go of each string. Raises StuckError."""
    spans: dict[Keys, list[Removal]] = {}
    for sighting in removed:
        finding = sighting.finding
        if sighting.is_key or not editable(sighting.keys):
            raise StuckError(f"there is a {finding.title} where it cannot be removed")
        placeholder = f"{MARK}{finding.rule}]"
        spans.setdefault(sighting.keys, []).append((finding.start, finding.end, placeholder))
    listed = list(places(value, (root,)))
    for place, removal in _again(listed, _repeated(removed)):
        if place.is_key or not editable(place.keys):
            raise StuckError("something stands where it cannot be removed")
        spans.setdefault(place.keys, []).append(removal)
    return spans


def edits(
    value: Json, root: str, spans: Mapping[Keys, list[Removal]], wrapped: Mapping[Keys, Wrapper]
) -> list[Edit]:
    """The edits for these strings: first what goes, then what is put around the rest."""
    made = []
    for place in places(value, (root,)):
        if place.is_key or not (place.keys in spans or place.keys in wrapped):
            continue
        text = _without(place.text, spans.get(place.keys, []))
        wrapper = wrapped.get(place.keys)
        text = wrapper.around(text) if wrapper is not None else text
        if text != place.text:
            made.append(Edit(pointer(place.keys), text))
    return made


def _repeated(removed: Sequence[Sighting]) -> list[tuple[str, str]]:
    forms: dict[str, str] = {}
    for sighting in removed:
        if len(sighting.text) >= _SHORTEST and len(forms) < _REPEATED:
            placeholder = f"{MARK}{sighting.finding.rule}]"
            forms[sighting.text] = placeholder
            forms[_as_json(sighting.text)] = placeholder
    return list(forms.items())


def _as_json(text: str) -> str:
    """The text as it stands inside a JSON string."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return "".join(escapes.get(sign, sign) for sign in text)


def _again(listed: Sequence[Place], repeated: Sequence[tuple[str, str]]) -> Iterator[tuple[Place, Removal]]:
    """Where these texts stand, in all strings at once. Raises StuckError for more than can be sensible."""
    if not repeated:
        return
    whole = "\n".join(place.text for place in listed)
    starts = list(accumulate((len(place.text) + 1 for place in listed), initial=0))
    left = 10 * MOST
    for what, placeholder in repeated:
        at = whole.find(what)
        while at >= 0:
            number = bisect_right(starts, at) - 1
            start, end = at - starts[number], at - starts[number] + len(what)
            if end <= len(listed[number].text):
                yield listed[number], (start, end, placeholder)
            left -= 1
            if left < 0:
                raise StuckError("there is too much to remove")
            at = whole.find(what, at + len(what))


def _without(text: str, spans: list[Removal]) -> str:
    """The text with every span replaced; spans that overlap are one, named after the first."""
    out: list[str] = []
    done = 0
    for start, end, instead in sorted(spans, key=lambda span: (*span[:2], span[2].rstrip("]"))):
        if start < done:
            done = max(done, end)
            continue
        out += (text[done:start], instead)
        done = end
    return "".join((*out, text[done:]))


# Marking as data


def defused(sighting: Sighting) -> tuple[Keys, Removal]:
    """What a neutralised thing becomes: an address that nothing opens, nothing at all for what hides a text."""
    finding = sighting.finding
    left = ""
    if sighting.family == "exfil":
        left = sighting.text.replace("://", "[:]//")
    return sighting.keys, (finding.start, finding.end, left)


class Wrapper:
    """Puts a text between two lines that say whose data it is and where it ends.

    The mark of a text is a keyed digest of it: no text can contain the mark that it will get, whatever its author has
    seen of earlier marks, and what is wrapped already is recognised.
    """

    def __init__(self, key: bytes, server: str) -> None:
        self._key = key
        self._server = server

    def around(self, text: str) -> str:
        """The text as data, without what hides in it. A text that is wrapped already stays as it is."""
        if self._is_wrapped(text):
            return text
        plain = cleaned(text)
        first, last = self._lines(plain)
        return f"{first}{plain}{last}"

    def _lines(self, plain: str) -> tuple[str, str]:
        secret = blake2b(plain.encode(errors="surrogatepass"), digest_size=12, key=self._key)
        secret.update(self._server.encode())
        mark = secret.hexdigest()
        whose = f"server `{self._server}`" if self._server else "a server"
        return (
            f"=== data from {whose}, up to the mark {mark} ===\n",
            f"\n=== mark {mark} ===",
        )

    def _is_wrapped(self, text: str) -> bool:
        start, end = text.find("\n") + 1, text.rfind("\n")
        if not 0 < start <= end:
            return False
        first, last = self._lines(text[start:end])
        return text[:start] == first and text[end:] == last


def cleaned(text: str) -> str:
    """The text without terminal escapes and without runs of invisible characters."""
    if "\x1b" in text or "\x9b" in text:
        text = without_ansi(text).text
    return text if text.isascii() else without_invisible(text)


def texts_of(result: Any) -> Iterator[Keys]:
    """The texts of a tool's or resource's result that are shown to a model; structured content is for programs."""
    if not isinstance(result, dict):
        return
    for member in ("content", "contents"):
        items = result.get(member)
        for number, item in enumerate(items if isinstance(items, list) else ()):
            if not isinstance(item, dict):
                continue
            if isinstance(item.get("text"), str):
                yield ("result", member, number, "text")
            inner = item.get("resource")
            if isinstance(inner, dict) and isinstance(inner.get("text"), str):
                yield ("result", member, number, "resource", "text")
