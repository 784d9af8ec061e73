"""What a browser brings back is read in one way."""

from keepgate.auth.client.pages import once


def test_what_is_there_twice_is_not_there():
    assert once("state=a&code=b&state=c&iss=d") == {"code": "b", "iss": "d"}


def test_too_much_is_nothing():
    assert once("&".join(f"a{number}=b" for number in range(100))) == {}
    assert once("x" * 100_000) == {}
