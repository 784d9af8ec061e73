"""Personal data with a checksum or a form of its own."""

from __future__ import annotations

from typing import Final

from keepgate.detect.detector import Rule
from keepgate.model.finding import Confidence, Severity

_TAXONOMY: Final = ("OWASP-LLM02", "CWE-359")


_VALUES: Final = bytes(sign - 48 if 48 <= sign <= 57 else 0 for sign in range(256))
_DOUBLED: Final = bytes(2 * digit - 9 if digit > 4 else 2 * digit for digit in _VALUES)
_ASIDE: Final = bytes(sign for sign in range(256) if not 48 <= sign <= 57)
_NUMBERS: Final = {ord(sign): str(int(sign, 36)) for sign in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def luhn(found: str) -> bool:
    """The check digit of payment cards, over the digits of a text."""
    digits = found.encode().translate(None, _ASIDE)[::-1]
    total = sum(digits[::2].translate(_VALUES)) + sum(digits[1::2].translate(_DOUBLED))
    return len(set(digits)) > 1 and total % 10 == 0


def mod97(found: str) -> bool:
    """The check digits of an IBAN (ISO 13616)."""
    text = found.replace(" ", "").upper()
    if not (15 <= len(text) <= 34 and text.isascii() and text.isalnum()):
        return False
    return int((text[4:] + text[:4]).translate(_NUMBERS)) % 97 == 1


RULES: Final = (
    Rule(
        "personal.card",
        "payment card number",
        Severity.HIGH,
        Confidence.CONFIRMED,
        r"\b(?:4[0-9]{3}|5[1-5][0-9]{2}|2[2-7][0-9]{2}|6011|65[0-9]{2})[ \-]?[0-9]{4}[ \-]?[0-9]{4}[ \-]?[0-9]{4}\b",
        _TAXONOMY,
        proof=luhn,
    ),
    Rule(
        "personal.card-amex",
        "American Express card number",
        Severity.HIGH,
        Confidence.CONFIRMED,
        r"\b3[47][0-9]{2}[ \-]?[0-9]{6}[ \-]?[0-9]{5}\b",
        _TAXONOMY,
        proof=luhn,
    ),
    Rule(
        "personal.iban",
        "IBAN",
        Severity.MEDIUM,
        Confidence.CONFIRMED,
        r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b",
        _TAXONOMY,
        proof=mod97,
    ),
    Rule(
        "personal.us-ssn",
        "US social security number",
        Severity.MEDIUM,
        Confidence.LIKELY,
        r"(?i)\b(?:ssn|social security)[^0-9\n]{0,30}([0-8][0-9]{2}-[0-9]{2}-[0-9]{4})\b",
        _TAXONOMY,
    ),
)
