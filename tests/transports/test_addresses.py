"""Which addresses are public, which private: the lists that other gateways had holes in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.transports.addresses import is_private, is_public

PUBLIC = [
    "93.184.216.34",
    "8.8.8.8",
    "2606:2800:220:1:248:1893:25c8:1946",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]
NOT_PUBLIC = [
    "127.0.0.1",
    "127.1.2.3",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "192.0.0.192",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2002:c0a8:101::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "100::1",
    "localhost",
    "",
    "127.1",
    "0x7f000001",
    "2130706433",
]
PRIVATE = ["10.1.2.3", "172.31.0.1", "192.168.0.9", "fd12:3456::1"]


@pytest.mark.parametrize("text", PUBLIC)
def test_public(text):
    assert is_public(text)


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_not_public(text):
    assert not is_public(text)


@pytest.mark.parametrize("text", PRIVATE)
def test_private(text):
    assert is_private(text)
    assert not is_public(text)


IN_BOTH_LISTS = ("10.0.0.1", "172.16.0.1", "192.168.1.1", "fc00::1")


@pytest.mark.parametrize("text", [each for each in NOT_PUBLIC if each not in IN_BOTH_LISTS])
def test_what_is_neither(text):
    assert not is_private(text)


@given(st.ip_addresses())
def test_nothing_is_both(address):
    assert not (is_public(str(address)) and is_private(str(address)))
