"""Whom a client certificate names; TLS has verified it before."""

import asyncio
import datetime

import pytest

from keepgate.auth.certificate import Certificates, thumbprint
from keepgate.model.errors import AuthenticationError
from tests.auth.tokens import World, request, show, token
from tests.support.certificates import Authority, dns, uri

CA = Authority()
DOMAINS = frozenset(["example.org"])


def judged(issued, *, later=0.0):
    now = datetime.datetime.now(datetime.UTC).timestamp() + later
    return Certificates(DOMAINS, lambda: now).authenticate(issued.der)


@pytest.mark.parametrize(
    ("names", "grantee"),
    [
        ([uri("spiffe://example.org/ns/prod/sa/agent")], "client:spiffe://example.org/ns/prod/sa/agent"),
        ([uri("spiffe://example.org/A.b_c-1"), dns("a.example")], "client:spiffe://example.org/A.b_c-1"),
        ([dns("agent.example.com")], "client:dns:agent.example.com"),
        ([dns("Agent.Example.com")], "client:dns:agent.example.com"),
    ],
)
def test_a_certificate_names_one_client(names, grantee):
    principal = judged(CA.issue(*names))
    assert principal.grantees == (grantee,)
    assert principal.id == "cert:" + grantee.removeprefix("client:")


@pytest.mark.parametrize(
    "names",
    [
        [],
        [uri("spiffe://example.org/a"), uri("spiffe://example.org/b")],
        [uri("spiffe://example.org/a"), uri("https://example.org/b")],
        [uri("https://example.org/a"), dns("agent.example.com")],
        [uri("spiffe://other.org/a")],
        [uri("spiffe://example.org.evil/a")],
        [uri("spiffe://EXAMPLE.org/a")],
        [uri("SPIFFE://example.org/a")],
        [uri("spiffe://example.org")],
        [uri("spiffe://example.org/")],
        [uri("spiffe://example.org/a/")],
        [uri("spiffe://example.org//a")],
        [uri("spiffe://example.org/a/../b")],
        [uri("spiffe://example.org/./b")],
        [uri("spiffe://example.org/a%2fb")],
        [uri("spiffe://example.org/a?b")],
        [uri("spiffe://example.org/a#b")],
        [uri("spiffe://u@example.org/a")],
        [uri("spiffe://example.org:80/a")],
        [uri("spiffe://example.org/" + "a" * 2048)],
        [dns("a.example.com"), dns("b.example.com")],
        [dns("*.example.com")],
        [dns("a b")],
    ],
    ids=lambda names: " ".join(name.value for name in names)[:60],
)
def test_a_certificate_that_names_nobody_or_several_does_not_open(names):
    with pytest.raises(AuthenticationError) as caught:
        judged(CA.issue(*names))
    assert caught.value.status == 401


def test_what_is_no_certificate_does_not_open():
    with pytest.raises(AuthenticationError):
        Certificates(DOMAINS, lambda: 0.0).authenticate(b"\x30\x03abc")


def test_a_certificate_ends_even_on_a_connection_that_goes_on():
    issued = CA.issue(uri("spiffe://example.org/a"), lifetime=datetime.timedelta(minutes=5))
    assert judged(issued, later=290)
    with pytest.raises(AuthenticationError, match="expired"):
        judged(issued, later=301)


# Tokens bound to a certificate (RFC 8705)

HOLDER, THIEF = CA.issue(dns("a.example")), CA.issue(dns("a.example"))


def on(issued):
    at = request()
    at.certificate = issued.der if issued else b""
    return at


def test_a_token_bound_to_a_certificate_opens_with_that_only():
    server, text = World().server(), token(cnf={"x5t#S256": thumbprint(HOLDER.der)})
    at = on(HOLDER)
    assert asyncio.run(show(server, text, at=at)).user == "alice"
    assert server.remembered(at) is None  # a head may come again on another connection
    for other in (THIEF, None):
        with pytest.raises(AuthenticationError) as caught:
            asyncio.run(show(server, text, at=on(other)))
        assert caught.value.status == 401
    with pytest.raises(AuthenticationError):
        asyncio.run(show(server, text, "dpop", at=on(HOLDER)))
    assert asyncio.run(show(server, text, at=on(HOLDER))).user == "alice"


@pytest.mark.parametrize("client", ["spiffe://example.org/a", "dns:a.example"])
def test_no_token_names_a_client_as_certificates_do(client):
    with pytest.raises(AuthenticationError):
        asyncio.run(show(World().server(), token(client_id=client)))
