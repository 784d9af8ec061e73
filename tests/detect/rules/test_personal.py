"""Personal data by rule: kinds with and without the word beside them, and numbers that are none."""

import pytest

from keepgate.detect.detector import PatternDetector
from keepgate.detect.rules import personal
from keepgate.model.finding import Confidence

DETECTOR = PatternDetector(personal.RULES)


def seen(text):
    return {each.finding.rule: each.finding.confidence for each in DETECTOR.look({"t": text})}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("card 4111 1111 1111 1111", "personal.card"),
        ("pays with 371449635398431", "personal.card-amex"),
        ("What is your credit card? 30582693301054", "personal.card-named"),
        ("IBAN DE89 3704 0044 0532 0130 00.", "personal.iban"),
        ("His social security number is 514-69-0360", "personal.us-ssn"),
        ("514-69-0360", "personal.us-ssn-form"),
        ("NINO: QQ 12 34 56 C".replace("QQ", "AB"), "personal.uk-nino"),
        ("NHS number 943 476 5919", "personal.uk-nhs"),
        ("DNI 12345678Z", "personal.es-dni"),
        ("NIE X1234567L", "personal.es-dni"),
        ("codice fiscale RSSMRA85T10A562S", "personal.it-fiscal-code"),
        ("NIR 2 55 08 14 168 025 38", "personal.fr-nir"),
        ("Steuer-ID: 86 095 742 719", "personal.de-tax-id"),
        ("BSN 111222333", "personal.nl-bsn"),
        ("PESEL 44051401359", "personal.pl-pesel"),
        ("CPF 529.982.247-25", "personal.br-cpf"),
        ("Aadhaar 2341 2341 2346", "personal.in-aadhaar"),
        ("PAN ABCPE1234F", "personal.in-pan"),
        ("11010519491231002X", "personal.cn-id"),
        ("SIN: 046 454 286", "personal.ca-sin"),
        ("TFN 123 456 782", "personal.au-tfn"),
        ("personnummer 811228-9874", "personal.se-personnummer"),
        ("passport number C01X00T47", "personal.passport"),
        ("my driver's license number is F162823540116", "personal.driver-license"),
    ],
)
def test_kinds_that_are_confirmed(text, rule):
    assert seen(text).get(rule) is Confidence.CONFIRMED


@pytest.mark.parametrize(
    ("text", "rule"),
    [("phone: +49 30 123456 78", "personal.phone"), ("mail eve@corp.example", "personal.mail")],
)
def test_kinds_that_honest_work_is_full_of_are_not(text, rule):
    assert seen(text)[rule] is not Confidence.CONFIRMED


@pytest.mark.parametrize(
    "text",
    [
        "0.4111111111111111",
        "4111111111111111.5",
        "order 1234567890123456",
        "v4111-1111-1111-1111-1112",
        "timestamp 1700000000000 and 20241231235959",
        "id 550e8400-e29b-41d4-a716-446655440000",
        "sha 0f3c9a7be1d24586b0f3c9a7be1d2458",
        "078-05-1120",
        "000-12-3456 and 900-12-3456",
        "call 780-999-2181",
        "12345678A",
        "passport.js handles the token exchange",
        "card: see above",
        "11111111111",
    ],
)
def test_numbers_that_are_nobodys(text):
    assert Confidence.CONFIRMED not in seen(text).values()
