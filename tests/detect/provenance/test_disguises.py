"""Every reading of arguments, and no end of them."""

import base64

import pytest

from keepgate.detect.provenance.disguises import MOST, READINGS, readings


@pytest.mark.parametrize(
    "arguments",
    [
        {"q": "secret phrase 42"},
        {"q": "secret%20phrase%2042"},
        {"q": "secret&#32;phrase&#32;42"},
        {"q": "\\u0073ecret phrase 42"},
        {"q": base64.b64encode(b"secret phrase 42").decode()},
        {"q": base64.b64encode(base64.b64encode(b"secret phrase 42")).decode()},
        {"q": "xyz" + base64.b64encode(b"here: secret phrase 42 and more").decode()},
        {"q": base64.b32encode(b"secret phrase 42").decode()},
        {"q": b"secret phrase 42".hex()},
        {"q": "0x" + b"secret phrase 42".hex()},
        {"a": [{"b": b"secret phrase 42".hex()[:10]}, b"secret phrase 42".hex()[10:]]},
    ],
)
def test_is_read(arguments):
    texts, whole = readings(arguments)
    assert whole
    assert any("secret phrase 42" in text for text in texts)


def test_addresses_are_read_without_what_follows_the_plus():
    texts, _ = readings({"to": "a b+c@example.org and d+e+f@example.org"})
    assert "a b@example.org and d@example.org" in texts


def test_ordinary_arguments_have_one_reading():
    assert readings({"q": "Lisbon", "n": 5}) == (["Lisbon\x1f5"], True)


def test_there_is_an_end_to_it():
    texts, whole = readings({"q": "x" * (2 * MOST)})
    assert not whole
    bomb = b"secret"
    for _ in range(12):
        bomb = base64.b64encode(bomb)
    texts, whole = readings({"q": bomb.decode()})
    assert len(texts) <= READINGS
