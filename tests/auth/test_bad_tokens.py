"""Tokens that must not open: every claim wrong, every header trick; and those that must, for contrast."""

import asyncio
import hmac
import json
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from keepgate.auth import jose
from keepgate.model.errors import AuthenticationError
from tests.auth import tokens
from tests.auth.tokens import EC, ED, GATE, NOW, OTHER, RSA, URL, World, b64, sign, token

PEM = RSA.as_pem(private=False)


def present(text, world=None, **settings):
    world = world or World()
    server = world.server(world.authority(**settings))
    return asyncio.run(tokens.show(server, text))


def refused(text, **settings):
    with pytest.raises(AuthenticationError) as caught:
        present(text, **settings)
    error = caught.value
    assert error.status == 401
    assert error.challenge.startswith("Bearer ")
    assert 'error="invalid_token"' in error.challenge
    assert f'resource_metadata="{GATE}/.well-known/oauth-protected-resource/mcp"' in error.challenge
    return error


GOOD = {
    "plain": token(),
    "audience among others": token(aud=["https://other.example.com", f"{GATE}/mcp"]),
    "media type in full": token({"typ": "application/at+jwt"}),
    "type in capitals": token({"typ": "AT+JWT"}),
    "elliptic": token({"alg": "ES256", "kid": "ec"}, EC),
    "Edwards": token({"alg": "Ed25519", "kid": "ed"}, ED),
    "Edwards by its old name": token({"alg": "EdDSA", "kid": "ed"}, ED),
    "no key id where one key fits": token({"alg": "ES256", "kid": None}, EC),
    "just expired, within the leeway": token(exp=NOW - 29, iat=NOW - 60),
    "fractional times": token(exp=NOW + 0.5, iat=NOW - 0.25),
    "without scope": token(scope=None),
    "header fields that nobody knows": token({"x-ours": "1"}),
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_a_good_token_opens(text):
    principal = present(text)
    assert principal.id == "oauth:corp/alice/cursor"
    assert principal.grantees == ("user:alice", "client:cursor")


CLAIMS = {
    "issuer of somebody else": token(iss="https://evil.example.com"),
    "issuer with a slash more": token(iss=URL + "/"),
    "issuer in capitals": token(iss=URL.upper()),
    "issuer missing": token(iss=None),
    "issuers in a list": token(iss=[URL]),
    "audience of another": token(aud="https://other.example.com/mcp"),
    "audience that begins like ours": token(aud=f"{GATE}/mcp2"),
    "audience with a slash more": token(aud=f"{GATE}/mcp/"),
    "audience of one server, for all": token(aud=f"{GATE}/mcp/files"),
    "audience that is the issuer": token(aud=URL),
    "audience that is the client": token(aud="cursor"),
    "audience with blanks": token(aud=f" {GATE}/mcp"),
    "audiences in one text": token(aud=f"https://other {GATE}/mcp"),
    "audience missing": token(aud=None),
    "audience empty": token(aud=[]),
    "audience in an object": token(aud={"a": f"{GATE}/mcp"}),
    "audience nested": token(aud=[[f"{GATE}/mcp"]]),
    "audience with a number": token(aud=[f"{GATE}/mcp", 1]),
    "expired": token(exp=NOW - 31, iat=NOW - 60),
    "expired long ago": token(exp=1, iat=0),
    "expires never": token(exp=None),
    "expires as text": token(exp=str(NOW + 300)),
    "expires as truth": token(exp=True),
    "expires before time": token(exp=-1),
    "expires beyond numbers": token(exp=1e300),
    "expires before it was issued": token(exp=NOW + 5, iat=NOW + 20),
    "not yet": token(nbf=NOW + 31),
    "not before as text": token(nbf="0"),
    "issued in the future": token(iat=NOW + 31),
    "issued too long ago": token(iat=NOW - 86_500, exp=NOW + 1e6),
    "issued never": token(iat=None),
    "expires in a hundred years": token(iat=NOW - 90_000, exp=NOW + 3e9),
    "no subject": token(sub=None),
    "empty subject": token(sub=""),
    "subject as number": token(sub=7),
    "subject with a line break": token(sub="alice\nadmin"),
    "subject with a tag character": token(sub="alice\U000e0041"),
    "subject with blanks around": token(sub=" alice"),
    "endless subject": token(sub="a" * 257),
    "no client": token(client_id=None),
    "client as list": token(client_id=["cursor"]),
    "scope as object": token(scope={"mcp": True}),
    "scopes beyond number": token(scope=" ".join(f"s{n}" for n in range(600))),
    "acr as number": token(acr=2),
    "auth_time as text": token(auth_time="now"),
    "delegation without subject": token(act={"iss": "x"}),
    "delegation as text": token(act="agent"),
    "endless delegation": token(act=json.loads('{"sub":"a","act":' * 9 + '{"sub":"z"}' + "}" * 9)),
    "bound in a way we cannot check": token(cnf={"x5t#S256": "abc"}),
    "bound to nothing": token(cnf={}),
    "bound twice": token(cnf={"jkt": "a", "x5t#S256": "b"}),
    "an ID token": token(nonce="n"),
}


@pytest.mark.parametrize("text", CLAIMS.values(), ids=CLAIMS)
def test_a_token_with_one_wrong_claim_does_not_open(text):
    refused(text)


def unsigned(header, claims=None, signature=""):
    return f"{b64(header)}.{b64(claims or tokens.CLAIMS)}.{signature}"


def hmac_with(secret, kid="rsa"):
    """The classic: the public key taken for the secret of a symmetric algorithm."""
    header = {"alg": "HS256", "kid": kid, "typ": "at+jwt"}
    text = f"{b64(header)}.{b64(tokens.CLAIMS)}"
    key = secret if isinstance(secret, bytes) else secret.encode()
    return f"{text}.{b64(hmac.new(key, text.encode(), sha256).digest())}"


def with_more(members, name, value):
    """JSON with one more member, under a name it may have already."""
    return f"{json.dumps(members)[:-1]}, {json.dumps(name)}: {json.dumps(value)}}}"


def tampered():
    head, _, signature = token().split(".")
    return f"{head}.{b64({**tokens.CLAIMS, 'sub': 'root'})}.{signature}"


STRAY = ECKey.generate_key("P-256")
HEADERS = {
    "no signature": unsigned({**tokens.HEADER, "alg": "none"}),
    "no signature, in capitals": unsigned({**tokens.HEADER, "alg": "NONE"}, signature="AA"),
    "none with a signature": unsigned({**tokens.HEADER, "alg": "none"}, signature=token().split(".")[2]),
    "signature left out": unsigned(tokens.HEADER),
    "no algorithm": unsigned({"kid": "rsa", "typ": "at+jwt"}, signature="AA"),
    "algorithm as list": unsigned({**tokens.HEADER, "alg": ["RS256"]}, signature="AA"),
    "public key as secret": hmac_with(PEM),
    "public key as secret, without line end": hmac_with(PEM.strip()),
    "modulus as secret": hmac_with(RSA.as_dict(private=False)["n"]),
    "another issuer's key": token({}, OTHER),
    "key of its own in the header": token({"kid": None, "jwk": OTHER.as_dict(private=False)}, OTHER),
    "key under a URL of its own": token({"kid": "evil", "jku": "https://evil.example.com/jwks"}, OTHER),
    "certificate under a URL of its own": token({"kid": "evil", "x5u": "https://evil.example.com/c"}, OTHER),
    "certificate in the header": token({"kid": "evil", "x5c": ["MIIB"]}, OTHER),
    "unknown key id": token({"kid": "nobody"}),
    "key id of another kind of key": token({"kid": "ec"}),
    "key id with a path": token({"kid": "../../dev/null"}, OTHER),
    "key id with a query": token({"kid": "rsa' OR '1'='1"}, OTHER),
    "key id as number": token({"kid": 1}),
    "endless key id": token({"kid": "k" * 300}),
    "elliptic key under another curve": unsigned(
        {**tokens.HEADER, "alg": "ES384", "kid": "ec"}, signature="AA" * 48
    ),
    "algorithm the issuer does not use": sign({**tokens.HEADER, "alg": "RS384"}, tokens.CLAIMS),
    "critical extension": token({"crit": ["exp"], "exp": 1}),
    "critical extension, empty": unsigned({**tokens.HEADER, "crit": []}, signature="AA"),
    "payload that is not encoded": unsigned({**tokens.HEADER, "b64": False}, signature="AA"),
    "nested": token({"cty": "JWT"}),
    "compressed": token({"zip": "DEF"}),
    "encrypted": "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.AA.AA.AA.AA",
    "ID token by type": token({"typ": "JWT"}),
    "logout token": token({"typ": "logout+jwt"}),
    "identity assertion grant": token({"typ": "oauth-id-jag+jwt"}),
    "proof in place of a token": token({"typ": "dpop+jwt"}),
    "no type": token({"typ": None}),
    "type as number": token({"typ": 1}),
    "changed after it was signed": tampered(),
    "trailing dot": token() + ".",
    "blank inside": token().replace(".", ". ", 1),
    "padding": token().replace(".", "=.", 1),
    "ordinary base64": "ey+/" + token()[4:],
    "line break at the end": token() + "\n",
    "only dots": "ey..",
    "two equal names in the header": f"{b64(with_more(tokens.HEADER, 'alg', 'none'))}.{token().split('.', 1)[1]}",
    "two equal claims": sign(tokens.HEADER, with_more(tokens.CLAIMS, "sub", "root").encode()),
    "claims that are a list": sign(tokens.HEADER, b"[]"),
    "claims that are nothing": sign(tokens.HEADER, b"null"),
    "claims with NaN": sign(tokens.HEADER, json.dumps(tokens.CLAIMS)[:-1].encode() + b', "nbf": NaN}'),
    "claims that are not UTF-8": sign(tokens.HEADER, b'{"iss": "\xff"}'),
    "claims in depth": sign(tokens.HEADER, b'{"x": ' + b"[" * 60 + b"]" * 60 + b"}"),
    "endless token": token(x="a" * 20_000),
    "endless header": token({"x": "a" * 5000}),
    "opaque": "2YotnFZFEjr1zCsicMWpAA",
    "one word": "ey",
    "not ASCII": "eyJ\u00e9.e30.AA",
}


@pytest.mark.parametrize("text", HEADERS.values(), ids=HEADERS)
def test_a_token_that_is_made_wrongly_does_not_open(text):
    refused(text)


def test_what_a_header_points_to_is_never_fetched():
    world = World()
    server = world.server()
    for header in ({"jku": "https://evil.example.com/j"}, {"x5u": "https://evil.example.com/c"}):
        with pytest.raises(AuthenticationError):
            asyncio.run(tokens.show(server, token({**header, "kid": "evil"}, OTHER)))
    assert {url.split("/")[2] for url in world.asked} == {"login.example.com"}


def test_a_type_that_is_configured_is_taken_but_never_an_id_token():
    assert present(token({"typ": "JWT"}), types=("at+jwt", "JWT")).user == "alice"
    refused(token({"typ": "JWT"}, nonce="n"), types=("at+jwt", "JWT"))
    refused(token({"typ": "JWT"}, at_hash="n"), types=("at+jwt", "JWT"))


def test_an_algorithm_that_is_not_configured_is_refused():
    refused(token(), algorithms=("ES256",))


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "oct", "k": "c2VjcmV0"},
        RSA.as_dict(private=True),
        {"kty": "RSA", "e": "AQAB", "n": RSA.as_dict(private=False)["n"][:171]},
        {**RSA.as_dict(private=False), "use": "enc"},
        {**RSA.as_dict(private=False), "key_ops": ["encrypt"]},
        {**RSA.as_dict(private=False), "key_ops": "verify"},
        {"kty": "RSA", "n": 1, "e": "AQAB"},
        {"kty": "RSA", "n": "AQAB"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"},
        {"kty": ["RSA"]},
        "RSA",
        None,
    ],
    ids=[
        "symmetric",
        "private",
        "short",
        "for encryption",
        "to encrypt",
        "key_ops text",
        "n number",
        "no e",
        "no point",
        "curve",
        "kty list",
        "text",
        "null",
    ],
)
def test_a_key_that_must_not_verify_is_passed_over(key):
    raw = json.dumps({"keys": [key, {**tokens.jwk(EC, "ec")}]}).encode()
    assert [each.kid for each in jose.key_set(raw)] == ["ec"]


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"keys": {}}', b'{"keys": [], "keys": []}', b"\xff"])
def test_what_is_no_key_set_is_refused(raw):
    with pytest.raises(jose.JoseError):
        jose.key_set(raw)


def test_two_keys_that_could_both_be_meant_are_one_too_many():
    world = World()
    world.documents[f"{URL}/jwks"]["keys"] = [tokens.jwk(OTHER, "rsa"), tokens.jwk(RSA, "rsa")]
    with pytest.raises(AuthenticationError):
        present(token(), world)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_no_text_does_more_than_be_refused(text):
    for candidate in (text, "ey" + text, f"ey{b64(text)}.{b64(text)}.{b64(text)}"):
        refused(candidate)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_token_with_any_character_changed_does_not_open(data):
    good = GOOD["elliptic"]
    place = data.draw(st.integers(0, len(good) - 1))
    other = data.draw(st.sampled_from("ABCXYZabcxyz0189-_.= "))
    changed = good[:place] + other + good[place + 1 :]
    if changed == good or jose_equal(changed, good):
        return
    refused(changed)


def jose_equal(one, two):
    """The last character of a part has bits that mean nothing."""
    return one.count(".") == 2 and all(
        a == b for a, b in zip(map(dec, one.split(".")), map(dec, two.split(".")), strict=True)
    )


def dec(part):
    try:
        return tokens.unb64(part) if set(part) <= jose._BASE64URL else part
    except ValueError:
        return part


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            ["iss", "sub", "aud", "exp", "iat", "nbf", "client_id", "scope", "act", "cnf", "acr", "groups"]
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
            ),
            max_leaves=6,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_claims_either_give_a_principal_of_this_issuer_or_are_refused(changed):
    text = sign({**tokens.HEADER, "alg": "ES256", "kid": "ec"}, {**tokens.CLAIMS, **changed}, EC)
    try:
        principal = present(text, claims={"groups": ("groups",)})
    except AuthenticationError:
        return
    claims = {**tokens.CLAIMS, **changed}
    assert principal.id.startswith("oauth:corp/")
    assert claims["iss"] == URL
    assert f"{GATE}/mcp" in claims["aud"]
    assert claims["exp"] > NOW - 31
