"""Clients show who they are, by the way their authorization server takes."""

import json
from base64 import b64decode
from urllib.parse import parse_qs

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from keepgate.auth.client.discovery import Authority
from keepgate.auth.client.token import Client, ask_token, assertion, method_for
from tests.auth.client.issuer import ISSUER, World, refused, run

HERE = Authority(ISSUER, f"{ISSUER}/token")
EC = ECKey.generate_key("P-256")


def sent(client):
    world = World()
    run(ask_token(world, HERE, client, {"grant_type": "client_credentials", "resource": ("a", "b")}))
    _, form, headers = world.asked[0]
    return parse_qs(form.decode()), headers


def test_basic_is_encoded_twice():
    form, headers = sent(Client("a:b", "client_secret_basic", "p w%"))
    assert b64decode(headers["Authorization"].removeprefix("Basic ")) == b"a%3Ab:p+w%25"
    assert "client_id" not in form
    assert form["resource"] == ["a", "b"]


def test_post_and_none_stand_in_the_form():
    form, headers = sent(Client("a", "client_secret_post", "s"))
    assert (form["client_id"], form["client_secret"], headers) == (["a"], ["s"], {})
    assert "client_secret" not in sent(Client("a"))[0]


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [("ES256", EC), ("RS256", RSAKey.generate_key(2048)), ("PS256", RSAKey.generate_key(2048))],
)
@pytest.mark.parametrize("form", ["pem", "jwk"])
def test_an_assertion_is_for_this_issuer_short_and_used_once(algorithm, key, form):
    text = key.as_pem(private=True).decode() if form == "pem" else json.dumps(key.as_dict(private=True))
    client = Client("a", "private_key_jwt", key=text, algorithm=algorithm)
    first, again = (jwt.decode(assertion(client, HERE), key, algorithms=[algorithm]).claims for _ in range(2))
    assert (first["iss"], first["sub"], first["aud"]) == ("a", "a", ISSUER)
    assert first["exp"] - first["iat"] == 60
    assert again["jti"] != first["jti"]


@pytest.mark.parametrize("key", ["no key", "{}", "{", EC.as_pem(private=True).decode()])
def test_a_key_that_cannot_sign_is_named_and_not_shown(key):
    said = refused(ask_token(World(), HERE, Client("a", "private_key_jwt", key=key, algorithm="RS256"), {}))
    assert "private key of client `a` cannot sign with RS256" in said
    assert "PRIVATE" not in said


@pytest.mark.parametrize(
    ("known", "client", "method"),
    [
        ((), Client("a", "auto", "s"), "client_secret_basic"),
        (("client_secret_post",), Client("a", "auto", "s"), "client_secret_post"),
        (("client_secret_post", "client_secret_basic"), Client("a", "auto", "s"), "client_secret_basic"),
        (("client_secret_basic",), Client("a", "auto"), "none"),
        (("client_secret_basic",), Client("a", "auto", key="k"), "private_key_jwt"),
    ],
)
def test_methods(known, client, method):
    document = {"token_endpoint_auth_methods_supported": list(known)} if known else {}
    assert method_for(Authority(ISSUER, "", document=document), client) == method
