"""Hosts: only of what every program reads alike."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.policy.facts.hosts import LONGEST, domain, hosts
from keepgate.policy.facts.values import Unclear


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://Example.com/a?b#c", {"example.com"}),
        ("https://example.com:8443", {"example.com"}),
        ("https://example.com.", {"example.com"}),
        ("http://10.0.0.1/x", {"10.0.0.1"}),
        ("http://[::1]:80/", {"[::1]"}),
        ("a@example.com", {"example.com"}),
        ("a.b+c@Mail.Example.com", {"mail.example.com"}),
        ("a@example.com, b@example.org;c@example.com", {"example.com", "example.org"}),
        ("example.com", {"example.com"}),
    ],
)
def test_hosts_of_plain_texts(text, found):
    assert hosts(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://example.com@evil.example/",
        "https://user:pass@example.com/",
        "https://evil.example\\@example.com",
        "https://example.com\\.evil.example",
        "https://example.com /",
        "https://exa\tmple.com",
        "https://example.com\n.evil.example",
        "https://[::1].evil.example/",
        "https://%65xample.com",
        "https://exämple.com",
        "https://example.com:80evil",
        "https:///example.com",
        "://example.com",
        "http://127.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://010.0.0.1/",
        '"a@example.com"@evil.example',
        "Alice <a@evil.example>",
        "a@example.com\nBcc: b@evil.example",
        "a@example.com, ",
        "a@b@example.com extra",
        "@example.com",
        "a@",
        "a b@example.com",
        "-",
        "a..b",
        "x" * 300,
        "https://e/" + "x" * LONGEST,
        "mailto:a@example.com",
    ],
)
def test_about_odd_ones_nothing_is_said(text):
    if text == "-":
        assert hosts(text) == {"-"}  # a name, if a strange one
        return
    with pytest.raises(Unclear):
        hosts(text)


@pytest.mark.parametrize("url", ["https://[:]/", "https://[::1%eth0]/", "https://[1.1]/", "https://[::1"])
def test_what_is_no_address_in_brackets_is_unclear(url):
    with pytest.raises(Unclear):
        hosts(url)


@given(st.text(st.sampled_from("ab.:/@\\?#[]%-\t 1"), max_size=30).map("https://".__add__))
def test_of_a_url_the_standard_library_reads_the_same_host(url):
    try:
        (found,) = hosts(url)
    except Unclear:
        return
    expected = urlsplit(url).hostname
    assert expected is not None
    assert found.strip("[]") == expected.removesuffix(".")


@pytest.mark.parametrize(
    ("host", "registrable"),
    [
        ("example.com", "example.com"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("someone.github.io", "someone.github.io"),
        ("10.0.0.1", "10.0.0.1"),
        ("[::1]", "[::1]"),
    ],
)
def test_registrable_domains(host, registrable):
    assert domain(host) == registrable


@pytest.mark.parametrize("host", ["com", "co.uk", "github.io", "localhost", "printer.unknown-suffix"])
def test_what_nobody_registers_has_none(host):
    with pytest.raises(Unclear):
        domain(host)
