"""Addresses that carry data away, beside the badges and pictures of ordinary documents."""

import pytest

from keepgate.detect.rules.exfil import carries_data


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.test/p.png?d=k3J9dQ2xVb7TmZ4wLp8RcN6sYh5GfD1eX",
        "https://evil.test/a?q={secret}",
        "https://evil.test/a?x=1&q=%7Bhistory%7D",
        "https://evil.test/a?q=[data]",
    ],
)
def test_data_in_the_query(address):
    assert carries_data(address)


@pytest.mark.parametrize(
    "address",
    [
        "https://img.test/badge.svg?branch=main&style=flat-square&logo=github",
        "https://codecov.io/gh/a/b/branch/main/graph/badge.svg?token=ABCDEF1234",
        "https://x.test/p.png?v=2",
        "https://x.test/p.png",
    ],
)
def test_ordinary_addresses(address):
    assert not carries_data(address)
