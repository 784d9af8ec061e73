"""What a request head must look like: targets with one spelling, our own names, fields that count once."""

import pytest

from keepgate.model.errors import ConfigError, RemoteError
from keepgate.transports.http_rules import DEFAULTS, own_names, parse_target, preflight, read_fields


@pytest.mark.parametrize(
    ("raw", "path", "query"),
    [
        (b"/", "/", ""),
        (b"/mcp", "/mcp", ""),
        (b"/mcp/", "/mcp/", ""),
        (b"/mcp?a=b?c&d=%2e%2e", "/mcp", "a=b?c&d=%2e%2e"),
        (b"/.well-known/x", "/.well-known/x", ""),
        (b"/a..b/...", "/a..b/...", ""),
        (b"/a%20b", "/a b", ""),
        (b"/%C3%A9", "/é", ""),
        (b"/a:@!$&'()*+,;=~-_", "/a:@!$&'()*+,;=~-_", ""),
    ],
)
def test_a_target_in_its_one_spelling_is_taken(raw, path, query):
    assert parse_target(raw) == (path, query)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"*",
        b"mcp",
        b"http://localhost/mcp",
        b"//localhost/mcp",
        b"/mcp/../admin",
        b"/mcp/..",
        b"/./mcp",
        b"/mcp/.",
        b"/mcp//x",
        b"/mcp\\x",
        b"/%2e%2e/mcp",
        b"/mcp%2Fx",
        b"/mcp%5Cx",
        b"/%6Dcp",
        b"/m%63p",
        b"/%c3%a9",
        b"/%C3",
        b"/%FF",
        b"/%00",
        b"/a%0Ab",
        b"/%",
        b"/%zz",
        b"/%252e",
        b"/a b",
        b"/a<b",
        b'/a"b',
        b"/a^b",
        b"/a#b",
        b"/\xe9",
        b"/a\x7f",
        b"/?a\x01",
        b"/%E2%80%AE",
    ],
)
def test_a_target_with_a_second_reading_is_refused(raw):
    with pytest.raises(RemoteError) as caught:
        parse_target(raw)
    assert caught.value.status == 400


@pytest.mark.parametrize("bound", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_loopback_has_its_usual_names_with_exactly_its_port(bound):
    names = own_names(bound, 8700, "http")
    assert names.hosts == {"localhost:8700", "127.0.0.1:8700", "[::1]:8700"}
    assert names.origins == {"http://localhost:8700", "http://127.0.0.1:8700", "http://[::1]:8700"}


def test_the_default_port_may_be_left_out():
    assert "localhost" in own_names("localhost", 80, "http").hosts
    assert "localhost" in own_names("localhost", 443, "https").hosts
    assert "localhost" not in own_names("localhost", 443, "http").hosts


def test_an_address_is_a_name_of_its_own():
    assert own_names("10.0.0.5", 8700, "http").hosts == {"10.0.0.5:8700"}
    assert own_names("fd00::5", 8700, "https").hosts == {"[fd00::5]:8700"}


@pytest.mark.parametrize("bound", ["0.0.0.0", "::", ""])
def test_an_unspecified_address_needs_names(bound):
    with pytest.raises(ConfigError, match="allowed hosts"):
        own_names(bound, 8700, "http")
    assert own_names(bound, 8700, "http", ["GW.example.com"]).hosts == {
        "gw.example.com",
        "gw.example.com:8700",
    }


def test_a_given_name_with_a_port_is_taken_as_it_is():
    names = own_names(
        "0.0.0.0", 8700, "http", ["gw.example.com:9000", "[fd00::5]"], ["https://App.example.com/"]
    )
    assert names.hosts == {"gw.example.com:9000", "[fd00::5]", "[fd00::5]:8700"}
    assert "https://app.example.com" in names.origins
    assert "https://gw.example.com:9000" in names.origins


def test_any_origin_is_not_an_origin():
    with pytest.raises(ConfigError, match="must be named"):
        own_names("127.0.0.1", 8700, "http", (), ["*"])


def test_list_fields_are_joined_in_order():
    raw = [(b"Accept", b"a/b"), (b"ACCEPT", b"c/d "), (b"cookie", b"a=1"), (b"Cookie", b"b=2")]
    assert read_fields(raw, DEFAULTS) == {"accept": "a/b, c/d", "cookie": "a=1; b=2"}


@pytest.mark.parametrize(
    "name", ["Host", "Mcp-Name", "Authorization", "Content-Type", "X-Anything", "Origin"]
)
def test_another_field_counts_once(name):
    with pytest.raises(RemoteError, match="must not be repeated"):
        read_fields([(name.encode(), b"a"), (name.lower().encode(), b"a")], DEFAULTS)


def test_text_beyond_ascii_is_kept_where_nothing_is_decided_by_it():
    assert read_fields([(b"X-Name", b"\xc3\xa9")], DEFAULTS) == {"x-name": "\u00c3\u00a9"}
    with pytest.raises(RemoteError, match="must be ASCII"):
        read_fields([(b"Mcp-Name", b"\xc3\xa9")], DEFAULTS)


def test_a_preflight_grants_only_what_mcp_needs():
    asked = {"access-control-request-headers": "Content-Type, mcp-param-region, x-evil, authorization"}
    assert preflight(asked)["access-control-allow-headers"] == "content-type, mcp-param-region, authorization"
