"""Personal data with a checksum or a form of its own."""

from __future__ import annotations

from typing import Final

from keepgate.detect.detector import Rule
from keepgate.model.finding import Confidence, Severity

_TAXONOMY: Final = ("OWASP-LLM02", "CWE-359")


def luhn(found: str) -> bool:
    """The check digit of payment cards, over the digits of a text."""
    digits = [int(sign) for sign in found if sign.isdigit()]
    doubled = [2 * digit if at % 2 else digit for at, digit in enumerate(reversed(digits))]
    return len(set(digits)) > 1 and sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def mod97(found: str) -> bool:
    """The check digits of an IBAN (ISO 13616)."""
    text = "".join(sign for sign in found if sign.isalnum()).upper()
    turned = text[4:] + text[:4]
    return 15 <= len(text) <= 34 and int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1


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
