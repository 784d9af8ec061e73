import pytest

from keepgate.model.keys import ApiKey


@pytest.mark.parametrize(
    ("expires", "revoked", "live"),
    [
        (None, None, True),
        (101.0, None, True),
        (100.0, None, False),
        (None, 50.0, False),
        (101.0, 50.0, False),
    ],
)
def test_a_key_lives_until_it_expires_or_is_revoked(expires, revoked, live):
    assert ApiKey("abcdefgh", "n", "00", 0.0, expires, revoked).live(100.0) is live
