"""Personal data: confirmed where check digits prove it, likely where a word beside it says what it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from keepgate.detect import checksums
from keepgate.detect.detector import Rule
from keepgate.model.finding import Confidence, Severity

_TAXONOMY: Final = ("OWASP-MCP10", "OWASP-LLM02", "SAFE-T1502", "CWE-359")
_HIGH: Final = Severity.HIGH
_MEDIUM: Final = Severity.MEDIUM
_WORD: Final = r"(?:\s{0,2}(?:no|nr|num|number|nummer|numero|id|code|#)\.?){0,2}(?:\s{1,2}(?:is|was|ist|es|est))?[^0-9A-Za-z\n]{0,12}"
"""Between the word for a number and the number."""


def _proven(
    name: str, title: str, pattern: str, proof: Callable[[str], bool], severity: Severity = _MEDIUM
) -> Rule:
    return Rule(
        f"personal.{name}", title, severity, Confidence.CONFIRMED, pattern, _TAXONOMY, proof=proof, alone=True
    )


def _named(
    name: str,
    title: str,
    words: str,
    pattern: str,
    proof: Callable[[str], bool] | None = None,
    *,
    sure: bool = True,
) -> Rule:
    confidence = Confidence.CONFIRMED if sure else Confidence.LIKELY
    whole = rf"(?i)\b(?:{words}){_WORD}({pattern})\b"
    return Rule(f"personal.{name}", title, _MEDIUM, confidence, whole, _TAXONOMY, proof=proof)


RULES: Final = (
    _proven(
        "card",
        "payment card number",
        r"\b(?:4[0-9]{3}|5[1-5][0-9]{2}|2[2-7][0-9]{2}|6011|65[0-9]{2}|64[4-9][0-9]|35[2-8][0-9]|62[0-9]{2})"
        r"[ \-]?[0-9]{4}[ \-]?[0-9]{4}[ \-]?[0-9]{4}\b",
        checksums.luhn,
        _HIGH,
    ),
    _proven(
        "card-amex",
        "American Express card number",
        r"\b3[47][0-9]{2}[ \-]?[0-9]{6}[ \-]?[0-9]{5}\b",
        checksums.luhn,
        _HIGH,
    ),
    _proven(
        "card-diners",
        "Diners Club card number",
        r"\b3(?:0[0-5]|[68][0-9])[0-9][ \-]?[0-9]{6}[ \-]?[0-9]{4}\b",
        checksums.luhn,
        _HIGH,
    ),
    _named(
        "card-named",
        "payment card number",
        r"(?:credit|debit|payment|bank)?[ _]?card|visa|mastercard|maestro|kreditkarte|tarjeta|carte bancaire",
        r"[0-9](?:[ \-]?[0-9]){11,18}",
        checksums.luhn,
    ),
    _proven(
        "iban",
        "IBAN",
        r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b",
        checksums.iban,
    ),
    _named(
        "us-ssn",
        "US social security number",
        r"ssn|social[ _]security|sozialversicherung us",
        r"[0-8][0-9]{2}[\- ]?[0-9]{2}[\- ]?[0-9]{4}",
        checksums.ssn,
    ),
    Rule(
        "personal.us-ssn-form",
        "US social security number by its form",
        _MEDIUM,
        Confidence.CONFIRMED,
        r"\b[0-8][0-9]{2}-[0-9]{2}-[0-9]{4}\b",
        _TAXONOMY,
        proof=checksums.ssn,
        alone=True,
    ),
    _named("us-itin", "US taxpayer number", r"itin|taxpayer", r"9[0-9]{2}-[5-9][0-9]-[0-9]{4}"),
    _named(
        "uk-nino",
        "UK national insurance number",
        r"nino?|national[ _]insurance",
        r"[a-ceghj-prstw-z][a-ceghj-nprstw-z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[a-d]",
    ),
    _named("uk-nhs", "UK NHS number", r"nhs", r"[0-9]{3}[ \-]?[0-9]{3}[ \-]?[0-9]{4}", checksums.nhs),
    _proven("es-dni", "Spanish DNI or NIE", r"\b(?:[0-9]{8}|[XYZ][0-9]{7})-?[A-HJ-NP-TV-Z]\b", checksums.dni),
    _proven(
        "it-fiscal-code",
        "Italian fiscal code",
        r"\b[A-Z]{6}[0-9LMNPQRSTUV]{2}[A-EHLMPRST][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z]\b",
        checksums.fiscal_code,
    ),
    _proven(
        "fr-nir",
        "French social security number",
        r"\b[12] ?[0-9]{2} ?(?:0[1-9]|1[0-2]|[2-9][0-9]) ?(?:[0-9]{2}|2[AB]) ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}\b",
        checksums.nir,
    ),
    _named(
        "de-tax-id",
        "German tax number",
        r"steuer-?id(?:entifikationsnummer)?|idnr|tax[ _]id|tin|steuernummer",
        r"[1-9][0-9](?: ?[0-9]{3}){3}",
        checksums.german_tax,
    ),
    _named("nl-bsn", "Dutch BSN", r"bsn|burgerservicenummer", r"[0-9]{9}", checksums.bsn),
    _proven("pl-pesel", "Polish PESEL", r"\b[0-9]{11}\b", checksums.pesel),
    _proven("br-cpf", "Brazilian CPF", r"\b[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}\b", checksums.cpf),
    _named("br-cpf-named", "Brazilian CPF", r"cpf", r"[0-9]{11}", checksums.cpf),
    _proven("in-aadhaar", "Indian Aadhaar", r"\b[2-9][0-9]{3}[ \-][0-9]{4}[ \-][0-9]{4}(?:[ \-][0-9]{4})?\b", checksums.verhoeff),
    _named("in-aadhaar-named", "Indian Aadhaar", r"aadhaar|aadhar|uidai", r"[2-9][0-9]{11}", checksums.verhoeff),
    _named("in-pan", "Indian PAN", r"pan(?: card)?", r"[a-z]{3}[abcfghljpt][a-z][0-9]{4}[a-z]"),
    _proven("cn-id", "Chinese identity number", r"\b[1-9][0-9]{5}(?:19|20)[0-9]{9}[0-9Xx]\b", checksums.chinese_id),
    _named("ca-sin", "Canadian SIN", r"sin|social insurance", r"[0-9]{3}[ \-]?[0-9]{3}[ \-]?[0-9]{3}", checksums.luhn),
    _named("au-tfn", "Australian tax file number", r"tfn|tax file", r"[0-9]{3} ?[0-9]{3} ?[0-9]{2,3}", checksums.tfn),
    _named("se-personnummer", "Swedish personal number", r"personnummer|personal identity", r"(?:19|20)?[0-9]{6}[\-+]?[0-9]{4}", checksums.personnummer),
    _named("passport", "passport number", r"passport|reisepass|pasaporte|passeport", r"[a-z]{0,2}[0-9][0-9a-z]{5,8}", checksums.digits),
    _named("driver-license", "driver's license number", r"driver'?s?[ _]licen[cs]e|driving licen[cs]e", r"[a-z]{0,3}[0-9][0-9a-z\-]{5,16}", checksums.digits),
    _named("phone", "telephone number", r"phone|tel|mobile|cell|call me at|telefon|handy|telefono", r"(?:\+|00)?\(?[0-9](?:[ ().\-]{0,2}[0-9]){7,14}", sure=False),
    Rule(
        "personal.mail",
        "e-mail address",
        Severity.LOW,
        Confidence.POSSIBLE,
        r"\b[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){0,4}\.[A-Za-z]{2,12}\b",
        _TAXONOMY,
    ),
)  # fmt: skip
