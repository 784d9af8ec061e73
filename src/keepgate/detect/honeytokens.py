"""Honeytokens: secrets that nobody uses and that keepgate knows by their keyed digests alone.

One that is seen is proof that somebody looked where nobody has anything to look for, so there is no weighing. They are
looked for as they are, in any case, split over strings and lines, turned round, and in whatever was decoded. Each kind
begins with a text of its own; behind every place where that stands a digest is taken and looked up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from keepgate.detect.detector import Sighting
from keepgate.detect.setting import CONTENT, Setting
from keepgate.detect.texts import places, strings
from keepgate.model.finding import Confidence, Finding, Severity
from keepgate.model.message import Json

FAMILY: Final = "honeytoken"
_UPPER: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS: Final = "0123456789"
_ALL: Final = _UPPER + _UPPER.lower() + _DIGITS
_TAXONOMY: Final = ("OWASP-MCP01", "SAFE-T1910", "CWE-522")
_SEPARATORS: Final = {ord(sign): None for sign in " \t\r\n\v\f\"'`,;+\\()[]{}|<>*\x1e\x00"}
"""What is put between the parts of a text that is split."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One format. A token is `prefix` and `length` of `signs`."""

    title: str
    prefix: str
    length: int
    signs: str = _ALL
    suffix: str = ""
    """What stands behind the token where it is planted, so that it looks real"""

    def made(self, numbers: Sequence[int]) -> str:
        """A token of `length` random numbers."""
        return self.prefix + "".join(self.signs[number % len(self.signs)] for number in numbers)


KINDS: Final[Mapping[str, Kind]] = {
    "aws": Kind("AWS access key id", "AKIA", 16, _UPPER + "234567"),
    "github": Kind("GitHub token", "ghp_", 36),
    "gitlab": Kind("GitLab token", "glpat-", 20),
    "google": Kind("Google API key", "AIza", 35, _ALL + "-_"),
    "npm": Kind("npm token", "npm_", 36),
    "openai": Kind("OpenAI key", "sk-proj-", 48),
    "postgres": Kind("database URL", "postgresql://reporting:", 24, suffix="@db.internal:5432/customers"),
    "slack": Kind("Slack bot token", "xoxb-2", 48, _DIGITS + _ALL),
    "stripe": Kind("Stripe key", "sk_live_", 24),
}
"""By name."""


def digest_of(token: str, key: bytes) -> bytes:
    """What is known of a token: letters count as the same in either case."""
    return blake2b(token.lower().encode(), digest_size=16, key=key).digest()


@dataclass(frozen=True, slots=True)
class Issued:
    """The tokens in force: id by digest, and the kinds they are of."""

    ids: Mapping[bytes, str]
    kinds: frozenset[str]
    key: bytes


class HoneytokenDetector:
    """Looks for what was issued. `issued` may be put in its place at any time; without any it does nothing."""

    def __init__(self) -> None:
        self.issued: Issued | None = None

    def look(
        self, value: Json, root: tuple[str | int, ...] = (), setting: Setting = CONTENT
    ) -> Sequence[Sighting]:
        """One critical, confirmed sighting for each token that is in the value."""
        issued = self.issued
        if issued is None or not issued.ids:
            return ()
        found = dict.fromkeys(token for text in _texts(value) for token in _tokens(text, issued))
        return [_sighting(token, root) for token in found]


def _texts(value: Json) -> Iterator[str]:
    """All that is said, and the values alone without what may stand between the parts of a token; each also turned."""
    whole = "\n".join(strings(value)).lower()
    parts = "".join(place.text for place in places(value) if not place.is_key).lower()
    if not parts.isascii():
        parts = parts.encode("ascii", "ignore").decode()  # signs without width among them
    squeezed = parts.translate(_SEPARATORS)
    yield from (whole, squeezed, whole[::-1], squeezed[::-1])


def _tokens(text: str, issued: Issued) -> Iterator[str]:
    for name in issued.kinds:
        kind = KINDS[name]
        prefix = kind.prefix.lower()
        at = text.find(prefix)
        while at >= 0:
            token = text[at : at + len(prefix) + kind.length]
            if token.isascii() and (known := issued.ids.get(digest_of(token, issued.key))):
                yield known
            at = text.find(prefix, at + 1)


def _sighting(token: str, root: tuple[str | int, ...]) -> Sighting:
    finding = Finding(
        f"{FAMILY}.{token}",
        Severity.CRITICAL,
        Confidence.CONFIRMED,
        "an issued honeytoken",
        taxonomy=_TAXONOMY,
    )
    return Sighting(finding, root, "", is_key=False)
