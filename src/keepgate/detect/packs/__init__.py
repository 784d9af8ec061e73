"""Packs of rules for secrets in the form that gitleaks reads: `secrets.toml` is ours, others can be added.

A rule has a keyword (without it the pattern is not tried), a pattern, the group that is the secret, a least entropy,
and allow-lists. What gitleaks knows beyond this (paths, commits, required rules) does not apply to messages.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import log2
from typing import Any, Final

from keepgate.detect.detector import MOST, Sighting, masked, sighting_of
from keepgate.detect.matcher import Finder, Matcher, PatternError
from keepgate.detect.setting import CONTENT, Setting
from keepgate.detect.texts import MARK, Located, joined
from keepgate.model.errors import ConfigError, LocalError
from keepgate.model.finding import Confidence, Finding, Severity
from keepgate.model.message import Json

RULES: Final = 2000
"""Rules that one pack may have."""
_SELECTIVE: Final = 4
"""Letters from which a keyword is rare enough to be asked for first; patterns with shorter ones are tried together."""
_STRETCH: Final = 10
_TAXONOMY: Final = ("OWASP-MCP01", "SAFE-T1502", "CWE-200")


@dataclass(frozen=True, slots=True)
class PackRule:
    """One format. `group` is the number of the group that is the secret, 0 for the first that took part."""

    id: str
    title: str
    pattern: str
    keywords: tuple[str, ...] = ()
    entropy: float = 0.0
    group: int = 0
    confidence: Confidence = Confidence.CONFIRMED
    mixed: bool = False
    """Letters and digits both, or it is a word or a number."""
    allowed: tuple[str, ...] = ()
    stopwords: tuple[str, ...] = ()


def parse(text: str, where: str = "the pack") -> tuple[PackRule, ...]:
    """The rules of a gitleaks configuration. Raises ConfigError with the rule that cannot be used."""
    try:
        pack = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"is no valid TOML: {error}", where=where) from None
    everywhere = _allowed([pack.get("allowlist"), *pack.get("allowlists", ())])
    rules = pack.get("rules", ())
    if len(rules) > RULES:
        raise ConfigError(f"has more than {RULES} rules", where=where)
    return tuple(_rule(rule, everywhere, where) for rule in rules if "regex" in rule)


def _rule(
    rule: Mapping[str, Any], everywhere: tuple[tuple[str, ...], tuple[str, ...]], where: str
) -> PackRule:
    name = str(rule.get("id", ""))
    try:
        Finder(rule["regex"])
        own = _allowed([rule.get("allowlist"), *rule.get("allowlists", ())])
        return PackRule(
            f"secret.{name}",
            str(rule.get("description") or name),
            rule["regex"],
            tuple(str(word).lower() for word in rule.get("keywords", ())),
            float(rule.get("entropy", 0)),
            int(rule.get("secretGroup", 0)),
            Confidence(
                rule.get("confidence", Confidence.LIKELY if "confidence" in rule else Confidence.CONFIRMED)
            ),
            bool(rule.get("mixed", False)),
            everywhere[0] + own[0],
            everywhere[1] + own[1],
        )
    except (ValueError, TypeError, AttributeError, LocalError, PatternError) as error:
        raise ConfigError(f"the rule `{name[:80]}` is not usable: {str(error)[:200]}", where=where) from None


def _allowed(lists: Sequence[Mapping[str, Any] | None]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    given = [each for each in lists if each]
    return (
        tuple(regex for each in given for regex in each.get("regexes", ())),
        tuple(str(word).lower() for each in given for word in each.get("stopwords", ())),
    )


class PackDetector:
    """Secrets by pack. One scan for keywords, one for short formats; a pattern is tried only where one of them hit."""

    def __init__(self, rules: Sequence[PackRule]) -> None:
        self.rules = tuple(rules)
        self._finders = [Finder(rule.pattern) for rule in self.rules]
        self._allowed = {pattern: Finder(pattern) for rule in self.rules for pattern in rule.allowed}
        by_word: dict[str, set[int]] = {}
        short: list[int] = []
        for number, rule in enumerate(self.rules):
            if not rule.keywords or min(map(len, rule.keywords)) < _SELECTIVE:
                short.append(number)
                continue
            for word in rule.keywords:
                by_word.setdefault(word, set()).add(number)
        self._by_word = list(by_word.values())
        self._words = Matcher.of_words([_literal(word) for word in by_word])
        self._short = short
        self._patterns = Matcher.of_words([self.rules[number].pattern for number in short])

    def look(
        self, value: Json, root: tuple[str | int, ...] = (), setting: Setting = CONTENT
    ) -> Sequence[Sighting]:
        """Every secret, as often as it stands there. The setting changes nothing: a secret is one anywhere."""
        text = joined(value)
        words, patterns = self._words(text.lower()), self._patterns(text)
        if not words and not patterns:
            return ()
        tried = {number for index in words for number in self._by_word[index]}
        tried |= {self._short[index] for index in patterns}
        located = cache(lambda: Located(value, root))
        return [seen for number in sorted(tried) for seen in self._seen(number, text, located)]

    def _seen(self, number: int, text: bytes, located: Callable[[], Located]) -> Iterator[Sighting]:
        rule = self.rules[number]
        for start, end in self._finders[number].secrets(text, MOST + 1, rule.group):
            what = text[start:end].decode(errors="replace")
            if not what or not self._real(rule, what):
                continue
            found = located().at(text, start, end)
            if found is None:
                continue  # it runs over the border of two strings
            place, first, last = found
            finding = Finding(rule.id, Severity.HIGH, rule.confidence, rule.title, taxonomy=_TAXONOMY)
            yield sighting_of(finding, place, first, last, masked(what))

    def _real(self, rule: PackRule, what: str) -> bool:
        if what.startswith(MARK) or (rule.entropy and entropy(what) < rule.entropy):
            return False
        if rule.mixed and not _mixed(what):
            return False
        lower = what.lower()
        if any(word in lower for word in rule.stopwords):
            return False
        raw = what.encode(errors="replace")
        return not any(self._allowed[pattern].spans(raw, 1) for pattern in rule.allowed)


def _literal(word: str) -> str:
    return "".join(sign if sign.isalnum() or not sign.isascii() else f"\\{sign}" for sign in word)


def _mixed(what: str) -> bool:
    """Letters and digits, and a stretch of them that is no word, version or path."""
    longest = max(map(len, "".join(sign if sign.isalnum() else " " for sign in what).split()), default=0)
    return longest >= _STRETCH and any(map(str.isdigit, what)) and any(map(str.isalpha, what))


def entropy(text: str) -> float:
    """Bits for each sign (Shannon)."""
    counts = [text.count(sign) for sign in set(text)]
    return -sum(count / len(text) * log2(count / len(text)) for count in counts) if text else 0.0
