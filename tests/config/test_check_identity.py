"""What of `identity` refuses to start, and what is only said."""

from pathlib import Path

import pytest

from keepgate.config import Secret, parse
from keepgate.model.errors import ConfigError

FILE = Path("/etc/keepgate/keepgate.yaml")
GOOD = "identity: {issuers: {corp: {url: 'https://login.example.com'}}}"


def load(text):
    return parse(f"version: 1\n{text}\n", file=FILE, env={"HOME": "/h"})


def issuer(extra, url="https://login.example.com"):
    return f"identity: {{issuers: {{corp: {{url: '{url}', {extra}}}}}}}"


ASK = "introspection: {client_id: x, client_secret: {secret: 'env:S'}}"
TWO_TO_BE_ASKED = (
    f"identity: {{issuers: {{a: {{url: 'https://a.example', {ASK}}}, "
    f"b: {{url: 'https://b.example', prefix: b/, {ASK}}}}}}}"
)

REFUSED = {
    "plain http": (issuer("", "http://login.example.com"), "must be https"),
    "plain http keys": (issuer("jwks_url: 'http://a.example/k'"), "must be https"),
    "plain http introspection": (
        issuer("introspection: {client_id: a, client_secret: {secret: 'env:S'}, url: 'http://a.example/i'}"),
        "must be https",
    ),
    "issuer with a query": (issuer("", "https://a.example/?x=1"), "no query"),
    "issuer with credentials": (issuer("", "https://a:b@a.example/"), "must not carry credentials"),
    "any audience": (issuer("audience: ['*']"), "wildcard"),
    "no audience": (issuer("audience: ['']"), "is not valid"),
    "no algorithm": (issuer("algorithms: []"), "is empty"),
    "algorithm none": (issuer("algorithms: [none]"), "must be"),
    "symmetric algorithm": (issuer("algorithms: [HS256]"), "must be"),
    "no type": (issuer("types: []"), "is empty"),
    "secret in clear": (
        issuer("introspection: {client_id: a, client_secret: 'hunter2'}"),
        "must be a reference, not the secret itself",
    ),
    "any scope": ("identity: {scopes: ['*'], issuers: {c: {url: 'https://a.example'}}}", "must match"),
    "scope with a quote": (
        "identity: {scopes: ['a\"b'], issuers: {c: {url: 'https://a.example'}}}",
        "must match",
    ),
    "scopes of nobody": ("identity: {scopes: [a]}", "needs `identity.issuers`"),
    "nonces of nobody": ("identity: {dpop_nonce: true}", "needs `identity.issuers`"),
    "no name of its own": (
        "listen: 0.0.0.0:8700\ntls: {cert: c, key: k}\nallowed_hosts: [a]\n" + GOOD,
        "set `identity.public_url`",
    ),
    "port by chance": ("listen: 127.0.0.1:0\n" + GOOD, "set `identity.public_url`"),
    "public and plain": (
        "identity: {public_url: 'http://gate.example.com', issuers: {c: {url: 'https://a.example'}}}",
        "must be https",
    ),
    "public with a path": (
        "identity: {public_url: 'https://gate.example.com/x', issuers: {c: {url: 'https://a.example'}}}",
        "no path",
    ),
    "two of one address": (
        "identity: {issuers: {a: {url: 'https://a.example'}, b: {url: 'https://a.example', prefix: b/}}}",
        "has the same `url`",
    ),
    "two of one prefix": (
        "identity: {issuers: {a: {url: 'https://a.example'}, b: {url: 'https://b.example'}}}",
        "one's users could pass for the other's",
    ),
    "prefix without an end": (issuer("prefix: partner"), "must match"),
    "two to be asked": (TWO_TO_BE_ASKED, "is not shown around"),
    "workloads that nobody asks": ("identity: {trust_domains: [example.org]}", "set `tls.client_ca`"),
    "trust domain with a scheme": (
        "tls: {cert: c, key: k, client_ca: a}\nidentity: {trust_domains: ['spiffe://a']}",
        "must match",
    ),
    "user by nothing": (issuer("claims: {user: []}"), "must name a claim"),
    "clocks apart": (issuer("leeway: 600"), "must be at most 120"),
}


@pytest.mark.parametrize(("text", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_unsafe_refuses_to_start_and_says_why(text, why):
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert why in caught.value.public
    assert "hunter2" not in str(caught.value)


def test_what_follows_from_listen():
    assert load(GOOD).public_url == "http://127.0.0.1:8700"
    assert load("listen: '[::1]:9000'\n" + GOOD).public_url == "http://[::1]:9000"
    named = load(
        "identity: {public_url: 'https://gate.example.com/', issuers: {c: {url: 'https://a.example'}}}"
    )
    assert named.public_url == "https://gate.example.com"


def test_a_whole_issuer():
    settings = load(
        issuer(
            "ca: ca.pem, prefix: corp/, claims: {user: email, groups: [realm_access, roles]}, dpop: required, "
            "introspection: {client_id: gate, client_secret: {secret: 'env:S'}, always: true, interval: 5}"
        )
    )
    corp = settings.identity.issuers["corp"]
    assert corp.ca == Path("/etc/keepgate/ca.pem")
    assert corp.claims.user == ("email",)
    assert corp.claims.groups == ("realm_access", "roles")
    assert corp.introspection is not None
    assert corp.introspection.client_secret == Secret("env", "S")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (issuer("types: [JWT]"), "any signed token of this issuer"),
        (issuer("private_network: true", "http://127.0.0.1:9"), "does nothing"),
        (
            GOOD + "\naccess: {roles: {r: {allow: ['*/*']}}, grants: [{to: 'tenant:a', role: r}]}",
            "claims.tenant",
        ),
    ],
)
def test_what_is_odd_is_said(text, said):
    assert any(said in warning for warning in load(text).warnings)


def test_a_grant_to_a_user_needs_an_issuer():
    access = "\naccess: {roles: {r: {allow: ['*/*']}}, grants: [{to: 'user:a', role: r}]}"
    assert not [each for each in load(GOOD + access).warnings if "never matches" in each]
    assert [each for each in load("limits: {}" + access).warnings if "never matches" in each]


FRONT = """version: 1
identity:
  issuers: {{corp: {{url: "https://login.example.com"{issuer}}}}}
  front: {{issuer: {name}, client_id: keepgate{front}}}
"""


@pytest.mark.parametrize(
    ("name", "issuer", "front", "why"),
    [
        ("other", "", "", "is none of"),
        ("corp", ", dpop: required", "", "bound to no key"),
        ("corp", "", ", client_secret: plain", "write {secret"),
        ("corp", "", ", token_seconds: 1", "at least 60"),
    ],
)
def test_a_front_needs_an_issuer_that_it_can_stand_before(name, issuer, front, why):
    text = FRONT.format(name=name, issuer=issuer, front=front)
    with pytest.raises(ConfigError, match=why):
        parse(text, file=Path("/c/keepgate.yaml"), env={"HOME": "/h"})


def test_open_registration_is_said_loudly():
    text = FRONT.format(name="corp", issuer="", front=", registration: true")
    warnings = parse(text, file=Path("/c/keepgate.yaml"), env={"HOME": "/h"}).warnings
    assert any("may register" in warning for warning in warnings)
