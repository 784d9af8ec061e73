"""What may go into the head of a request, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.transports.http_request import Origin, field_lines, parse_url, resolve


@pytest.mark.parametrize(
    ("url", "origin", "target", "authority"),
    [
        ("http://Host.example", Origin("http", "host.example", 80), b"/", "host.example"),
        ("https://h/p?q=1#f", Origin("https", "h", 443), b"/p?q=1", "h"),
        ("https://h:8443/a%20b", Origin("https", "h", 8443), b"/a%20b", "h:8443"),
        ("http://[::1]:81/?", Origin("http", "::1", 81), b"/", "[::1]:81"),
    ],
)
def test_urls(url, origin, target, authority):
    assert parse_url(url) == (origin, target)
    assert origin.authority == authority
    assert str(origin) == f"{origin.scheme}://{authority}"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "h",
        "/p",
        "ftp://h/",
        "http:///p",
        "http://u:p@h/",
        "http://h/a b",
        "http://h/\r\nX: y",
        "http://h/ü",
        "http://h:x/",
    ],
)
def test_what_is_no_url_for_us(url):
    with pytest.raises(ValueError, match=r"."):
        parse_url(url)


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        (b"/x", b"/x"),
        (b"x?y", b"/a/x?y"),
        (b"?y", b"/a/b?y"),
        (b"http://h:81/z", b"/z"),
        (b"http://H:81/z", b"/z"),
        (b"http://h/z", None),
        (b"https://h:81/z", None),
        (b"//e/z", None),
        (b"/\\e", b"/\\e"),
        (b"http://h:81@e/", None),
        (b"/a b", None),
        (b"/a\r\nb", None),
        (b"/\xff", None),
        (b"http://[", None),
    ],
)
def test_references_stay_within_the_origin(reference, found):
    assert resolve(Origin("http", "h", 81), b"/a/b?c", reference) == found


@given(st.binary(max_size=40))
def test_any_reference_stays_within_the_origin_or_is_refused(reference):
    found = resolve(Origin("http", "h", 81), b"/a", reference)
    assert found is None or (found.startswith(b"/") and found.isascii() and not set(found) & set(b" \r\n\0"))


def test_header_lines():
    assert field_lines({}) == b""
    assert field_lines({"A": "b", "c-D": ""}) == b"A: b\r\nc-D: \r\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("", "x"),
        ("a b", "x"),
        ("a:", "x"),
        ("a\r\nb", "x"),
        ("ä", "x"),
        ("a" * 129, "x"),
        ("Host", "x"),
        ("content-LENGTH", "1"),
        ("Transfer-Encoding", "chunked"),
        ("Cookie", "x"),
        ("Mcp-Session-Id", "x"),
        ("Accept", "x"),
        ("A", "b\r\nC: d"),
        ("A", "b\nC"),
        ("A", "b\0"),
        ("A", "\t"),
        ("A", "ü"),
        ("A", "x" * 20_000),
    ],
)
def test_no_header_can_end_its_line_or_frame_the_message(name, value):
    with pytest.raises(ValueError, match="header") as caught:
        field_lines({"ok": "1", name: value})
    assert len(str(caught.value)) < 200
    assert "C: d" not in str(caught.value)


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3))
def test_what_passes_is_one_line_a_header(headers):
    try:
        lines = field_lines(headers)
    except ValueError:
        return
    assert lines.count(b"\r\n") == lines.count(b"\r") == lines.count(b"\n") == len(headers)
