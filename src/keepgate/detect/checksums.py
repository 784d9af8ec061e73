"""Check digits of personal numbers, each as its country defines it. Texts may have blanks, points and dashes."""

from __future__ import annotations

from typing import Final


def numbers(found: str) -> list[int]:
    """The digits of a text."""
    return [int(sign) for sign in found if sign in "0123456789"]


def _weighted(digits: list[int], weights: tuple[int, ...]) -> int:
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=False))


def luhn(found: str) -> bool:
    """The check digit of payment cards and Canadian numbers."""
    digits = numbers(found)
    doubled = [2 * digit if at % 2 else digit for at, digit in enumerate(reversed(digits))]
    return len(set(digits)) > 1 and sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def iban(found: str) -> bool:
    """ISO 13616: the remainder of 97 is 1."""
    text = "".join(sign for sign in found if sign.isalnum()).upper()
    if not 15 <= len(text) <= 34 or not text.isascii():
        return False
    return int("".join(str(int(sign, 36)) for sign in text[4:] + text[:4])) % 97 == 1


def ssn(found: str) -> bool:
    """No check digit, but areas, groups and serials that are never given."""
    digits = "".join(map(str, numbers(found)))
    never = digits[:3] in {"000", "666"} or digits[:1] == "9" or digits[3:5] == "00" or digits[5:] == "0000"
    return (
        len(digits) == 9 and not never and digits not in {"123456789", "078051120"} and len(set(digits)) > 1
    )


def nhs(found: str) -> bool:
    """Weights 10 to 2, modulo 11."""
    digits = numbers(found)
    check = 11 - _weighted(digits, tuple(range(10, 1, -1))) % 11
    return len(digits) == 10 and digits[9] == (0 if check == 11 else check) and len(set(digits)) > 1


def dni(found: str) -> bool:
    """The letter is the remainder of 23."""
    text = found.replace("-", "").upper()
    body = text[:-1].translate(str.maketrans("XYZ", "012"))
    return body.isdigit() and "TRWAGMYFPDXBNJZSQVHLCKE"[int(body) % 23] == text[-1]


_DIGITS_ODD: Final = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21)
_LETTERS_ODD: Final = (*_DIGITS_ODD, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
_ODD: Final = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", (*_DIGITS_ODD, *_LETTERS_ODD), strict=True))


def fiscal_code(found: str) -> bool:
    """Odd places by a table, even ones by value, modulo 26."""
    text = found.upper()
    even = {sign: int(sign) if sign.isdigit() else ord(sign) - 65 for sign in _ODD}
    total = sum(_ODD[sign] if at % 2 == 0 else even[sign] for at, sign in enumerate(text[:15]))
    return len(text) == 16 and chr(65 + total % 26) == text[15]


def nir(found: str) -> bool:
    """97 minus the remainder of 97; Corsica counts as 19 and 18."""
    text = found.replace(" ", "").upper().replace("2A", "19").replace("2B", "18")
    return len(text) == 15 and text.isdigit() and 97 - int(text[:13]) % 97 == int(text[13:])


def german_tax(found: str) -> bool:
    """ISO 7064 mod 11,10."""
    digits = numbers(found)
    if len(digits) != 11 or len(set(digits[:10])) > 9:
        return False
    product = 10
    for digit in digits[:10]:
        total = (digit + product) % 10 or 10
        product = 2 * total % 11
    return (11 - product) % 10 == digits[10]


def bsn(found: str) -> bool:
    """Weights 9 to 2 and -1, modulo 11."""
    digits = numbers(found)
    return (
        len(digits) == 9
        and len(set(digits)) > 1
        and _weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0
    )


def pesel(found: str) -> bool:
    """A date of birth with the century in the month, and weights modulo 10."""
    digits = numbers(found)
    if len(digits) != 11:
        return False
    month, day = (digits[2] * 10 + digits[3]) % 20, digits[4] * 10 + digits[5]
    total = _weighted(digits[:10], (1, 3, 7, 9, 1, 3, 7, 9, 1, 3))
    return 1 <= month <= 12 and 1 <= day <= 31 and (10 - total % 10) % 10 == digits[10]


def cpf(found: str) -> bool:
    """Two digits, weights falling to 2, modulo 11."""
    digits = numbers(found)
    if len(digits) != 11 or len(set(digits)) == 1:
        return False
    for length in (9, 10):
        total = _weighted(digits[:length], tuple(range(length + 1, 1, -1)))
        if total * 10 % 11 % 10 != digits[length]:
            return False
    return True


_D: Final = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_P: Final = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def verhoeff(found: str) -> bool:
    """Aadhaar: the dihedral group of order ten."""
    digits = numbers(found)
    state = 0
    for at, digit in enumerate(reversed(digits)):
        state = int(_D[state][int(_P[at % 8][digit])])
    return len(digits) == 12 and len(set(digits)) > 1 and state == 0


def chinese_id(found: str) -> bool:
    """ISO 7064 mod 11,2, with a date inside."""
    text = found.upper()
    month, day = int(text[10:12]), int(text[12:14])
    total = sum(int(sign) * (2 ** (17 - at) % 11) for at, sign in enumerate(text[:17]))
    return 1 <= month <= 12 and 1 <= day <= 31 and "10X98765432"[total % 11] == text[17]


def tfn(found: str) -> bool:
    """Weights modulo 11."""
    digits = numbers(found)
    return (
        len(digits) == 9
        and len(set(digits)) > 1
        and _weighted(digits, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0
    )


def personnummer(found: str) -> bool:
    """Luhn over the last ten digits, which begin with a date."""
    digits = numbers(found)[-10:]
    month, day = digits[2] * 10 + digits[3], digits[4] * 10 + digits[5]
    return 1 <= month <= 12 and 1 <= day % 60 <= 31 and luhn("".join(map(str, digits)))


def digits(found: str) -> bool:
    """At least five digits, not all the same."""
    return len(numbers(found)) >= 5 and len(set(numbers(found))) > 1
