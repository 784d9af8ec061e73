"""Check digits."""

import pytest

from keepgate.detect.rules.personal import luhn, mod97


@pytest.mark.parametrize("number", ["4111 1111 1111 1111", "5500005555555559", "371449635398431"])
def test_cards_with_a_right_check_digit(number):
    assert luhn(number)
    assert not luhn(number[:-1] + str((int(number[-1]) + 1) % 10))


def test_one_digit_repeated_is_no_card():
    assert not luhn("0000 0000 0000 0000")


@pytest.mark.parametrize(
    "iban", ["DE89370400440532013000", "GB82 WEST 1234 5698 7654 32", "FR1420041010050500013M02606"]
)
def test_ibans_with_right_check_digits(iban):
    assert mod97(iban)
    assert not mod97("X" + iban[1:])


def test_lengths_that_no_iban_has():
    assert not mod97("DE89")
    assert not mod97("DE89" * 20)
