import pytest

from keepgate.config import Secret, resolve, values


@pytest.mark.parametrize(
    ("check", "good"),
    [
        (values.listen, "127.0.0.1:8700"),
        (values.listen, "[::1]:0"),
        (values.listen, "gate.example.com:65535"),
        (values.url, "https://crm.example.com/mcp?x=1"),
        (values.url, "http://[::1]:80/"),
        (values.storage, "sqlite:///index.db"),
        (values.host, "gate.example.com:8700"),
        (values.origin, "https://app.example.com"),
        (values.origin, "http://localhost:3000"),
        (values.header, "X-Api-Key"),
    ],
)
def test_good_values_stay_as_they_are(check, good):
    assert check(good) == good


@pytest.mark.parametrize(
    ("check", "bad", "why"),
    [
        (values.listen, "8700", "not an address and a port"),
        (values.listen, ":8700", "not an address and a port"),
        (values.listen, "127.0.0.1", "not an address and a port"),
        (values.listen, "127.0.0.1:65536", "not an address and a port"),
        (values.listen, "::1:8700", "not an address and a port"),
        (values.listen, "[127.0.0.1]:1", "not an address and a port"),
        (values.url, "ftp://x", "must be an address"),
        (values.url, "https://", "must be an address"),
        (values.url, "file:///etc/passwd", "must be an address"),
        (values.url, "https://user:hunter2@x/", "must not carry credentials"),
        (values.url, "https://x/#y", "fragment"),
        (values.url, "https://x/ y", "blanks"),
        (values.storage, "postgresql://h/db", "built later"),
        (values.storage, "mysql://x", "must be `sqlite:///`"),
        (values.storage, "sqlite:///", "must be `sqlite:///`"),
        (values.host, "*.example.com", "not a host name"),
        (values.host, "https://x", "not a host name"),
        (values.origin, "*", "not an origin"),
        (values.origin, "null", "not an origin"),
        (values.origin, "https://x/", "not an origin"),
        (values.origin, "https://*.x", "not an origin"),
        (values.header, "Host", "written by keepgate itself"),
        (values.header, "MCP-Session-Id", "written by keepgate itself"),
        (values.words, "npx -y server", "as a list"),
        (values.value, 8080, "in quotes"),
        (values.value, {"secret": "vault:x"}, "a secret is one of `env:...`"),
        (values.value, {"secret": "env:"}, "a secret is one of"),
        (values.value, {"secret": "env:A", "b": 1}, "must be text"),
        (values.value, "a\r\nb", "control characters"),
    ],
)
def test_bad_values_say_what_to_write_instead(check, bad, why):
    with pytest.raises(ValueError, match=why) as caught:
        check(bad)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.0.1", False),
        ("localhost.example.com", False),
    ],
)
def test_only_addresses_of_this_machine_are_loopback(host, loopback):
    assert values.is_loopback(host) is loopback


def test_an_ipv6_address_loses_its_brackets():
    assert values.split_listen("[::1]:8700") == ("::1", 8700)


@pytest.mark.parametrize("reference", ["env:TOKEN", "file:/run/secrets/a:b", "keyring:svc/name", "store:x"])
def test_a_secret_is_a_reference_fetched_when_used(reference):
    secret = values.value({"secret": reference})
    assert isinstance(secret, Secret)
    assert str(secret) == reference
    assert resolve(secret, lambda ref: f"<{ref.scheme}>") == f"<{secret.scheme}>"
    assert resolve("plain", lambda ref: "never") == "plain"
