"""The words of the grammar: concept to words, one file for each language.

Words are lower case; `*` at the end stands for any further letters. A concept means the same in every language, so a
phrase of the grammar is found in all of them, in whatever order a language puts its words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from keepgate.detect.lexicon import (
    arabic,
    chinese,
    english,
    french,
    german,
    italian,
    japanese,
    korean,
    portuguese,
    russian,
    spanish,
)

LANGUAGES: Final[tuple[Mapping[str, str], ...]] = (
    english.WORDS, spanish.WORDS, german.WORDS, french.WORDS, portuguese.WORDS, italian.WORDS,
    chinese.WORDS, korean.WORDS, japanese.WORDS, russian.WORDS, arabic.WORDS,
)  # fmt: skip


def words() -> dict[str, frozenset[str]]:
    """Word to its concepts. A word that means several things has all of them."""
    found: dict[str, set[str]] = {}
    for language in LANGUAGES:
        for concept, text in language.items():
            for word in text.split(","):
                found.setdefault(" ".join(word.split()), set()).add(concept)
    found.pop("", None)
    return {word: frozenset(concepts) for word, concepts in found.items()}
