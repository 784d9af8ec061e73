"""Check digits: published examples pass, a wrong digit does not."""

import pytest

from keepgate.detect import checksums

GOOD = {
    "luhn": ["4111 1111 1111 1111", "371449635398431", "30569309025904", "046 454 286"],
    "iban": ["DE89370400440532013000", "GB82 WEST 1234 5698 7654 32", "FR1420041010050500013M02606"],
    "ssn": ["460-89-9847", "514690360"],
    "nhs": ["943 476 5919", "4010232137"],
    "dni": ["12345678Z", "X1234567L"],
    "fiscal_code": ["RSSMRA85T10A562S"],
    "nir": ["2 55 08 14 168 025 38", "180126955222380"],
    "german_tax": ["86095742719", "47036892816"],
    "bsn": ["111222333", "123456782"],
    "pesel": ["44051401359", "02070803628"],
    "cpf": ["529.982.247-25", "11144477735"],
    "verhoeff": ["2341 2341 2346"],
    "chinese_id": ["11010519491231002X"],
    "tfn": ["123 456 782"],
    "personnummer": ["811228-9874"],
    "digits": ["C01X00T47", "123456789"],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in GOOD.items() for text in texts])
def test_published_numbers_pass(name, text):
    assert getattr(checksums, name)(text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (name, text)
        for name, texts in GOOD.items()
        for text in texts
        if name not in {"ssn", "digits", "fiscal_code"}
    ],
)
def test_a_wrong_digit_does_not(name, text):
    """Of all texts with one digit changed at most one in seven passes by chance."""
    places = [at for at, sign in enumerate(text) if sign.isdigit()]
    wrong = [text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :] for at in places]
    passed = sum(getattr(checksums, name)(each) for each in wrong)
    assert passed <= len(wrong) // 7, [each for each in wrong if getattr(checksums, name)(each)]


@pytest.mark.parametrize(
    "text", ["000-12-3456", "666-12-3456", "900-12-3456", "123-00-4567", "123-45-0000", "078-05-1120"]
)
def test_social_security_numbers_that_are_never_given(text):
    assert not checksums.ssn(text)
