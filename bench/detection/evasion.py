"""Twelve ways to write the same text so that a pattern does not see it while a model still reads it."""

from __future__ import annotations

import base64
import codecs
from collections.abc import Callable, Mapping

HOMOGLYPHS = str.maketrans("aceiopsxyABCEHIKMOPTX", "асеіорѕхуАВСЕНІКМОРТХ")
LEET = str.maketrans("aeiostAEIOST", "431057431057")


def zero_width(text: str) -> str:
    """A zero width space after each letter."""
    return "".join(f"{sign}\u200b" if sign.isalpha() else sign for sign in text)


def full_width(text: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


def tag_characters(text: str) -> str:
    """The invisible copy of ASCII in plane 14."""
    return "".join(chr(0xE0000 + ord(sign)) if " " <= sign <= "~" else sign for sign in text)


def case_mix(text: str) -> str:
    return "".join(sign.upper() if at % 2 else sign.lower() for at, sign in enumerate(text))


def newline_split(text: str) -> str:
    """Every blank is a new line."""
    return text.replace(" ", "\n")


def homoglyphs(text: str) -> str:
    """Cyrillic letters that look the same."""
    return text.translate(HOMOGLYPHS)


def leet(text: str) -> str:
    return text.translate(LEET)


def html_entities(text: str) -> str:
    return "".join(f"&#{ord(sign)};" if sign.isalpha() else sign for sign in text)


def base64_whole(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def hex_whole(text: str) -> str:
    return text.encode().hex()


def rot13(text: str) -> str:
    return codecs.encode(text, "rot13")


def letter_spacing(text: str) -> str:
    """A blank between letters and three between words."""
    return "   ".join(" ".join(word) for word in text.split(" "))


TRANSFORMS: Mapping[str, Callable[[str], str]] = {
    "zero width": zero_width,
    "full width": full_width,
    "tag characters": tag_characters,
    "case mix": case_mix,
    "newline split": newline_split,
    "homoglyphs": homoglyphs,
    "leet": leet,
    "HTML entities": html_entities,
    "base64": base64_whole,
    "hex": hex_whole,
    "ROT13": rot13,
    "letter spacing": letter_spacing,
}
