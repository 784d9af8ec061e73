"""Coverage-guided fuzzing of what reads access tokens, DPoP proofs and key sets. Run by `make fuzz`.

The invariants, for any bytes at all:

1. a token is taken apart, or JoseError; claims stand for a principal, or TokenError; nothing else comes out;
2. whoever claims stand for is of the issuer that vouched for them, for our audience and not expired, and neither its id
   nor what grants name of it has a character that does not print;
3. a key set gives public keys of accepted kinds, or JoseError;
4. a proof that nobody signed is refused, and not remembered.
"""

import json
from base64 import urlsafe_b64encode

import atheris
from start import start

with atheris.instrument_imports(include=["keepgate"]):
    from keepgate.auth import jose
    from keepgate.auth.access_token import TokenError, accept, check_type
    from keepgate.auth.dpop import ProofError, Proofs, Shown
    from keepgate.auth.issuer import Issuer
    from keepgate.auth.jose import ALGORITHMS, JoseError
    from keepgate.model.errors import RemoteError
    from keepgate.protocol import jsonrpc

NOW = 1_800_000_000.0
AUDIENCE = "https://gate.example.com/mcp"
ISSUER = Issuer(
    "op",
    "https://op.example.com",
    foreign=("partner/",),
    claims={"groups": ("groups",), "tenant": ("org", "id")},
)
GOOD = {
    "iss": ISSUER.url,
    "sub": "alice",
    "client_id": "c",
    "aud": AUDIENCE,
    "exp": NOW + 60,
    "iat": NOW,
    "scope": "a b",
    "groups": ["x"],
    "act": {"sub": "agent"},
    "cnf": {"jkt": "k"},
    "org": {"id": "acme"},
}
KEY = {"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
       "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}  # fmt: skip
HEADER = {"alg": "ES256", "kid": "k", "typ": "dpop+jwt", "jwk": KEY}
SEEDS = (
    json.dumps(GOOD).encode(),
    json.dumps(HEADER).encode(),
    json.dumps({"keys": [{**KEY, "kid": "k", "use": "sig"}]}).encode(),
    b"eyJhbGciOiJub25lIn0.e30.",
    json.dumps({**GOOD, "aud": [AUDIENCE, "x"], "exp": 1e300, "sub": "a\u0000"}).encode(),
)


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def token(text: str) -> None:
    try:
        compact = jose.read(text)
        kid = compact.kid
    except JoseError:
        return
    assert kid is None or 0 < len(kid) <= 256
    assert "crit" not in compact.header
    try:
        check_type(compact.typ, compact.claims, ISSUER)
        claims(compact.claims)
    except TokenError:
        return


def claims(given) -> None:
    try:
        principal = accept(given, ISSUER, frozenset([AUDIENCE]), NOW).principal
    except TokenError as error:
        assert error.public.isprintable()
        return
    assert given["iss"] == ISSUER.url
    assert AUDIENCE in given["aud"]
    assert given["exp"] + ISSUER.leeway > NOW
    assert principal.id.startswith("oauth:op@" if principal.tenant else "oauth:op/")
    assert principal.id.isascii()
    for name in (*principal.grantees, *principal.actors):
        assert name.isprintable()
        assert not name.partition(":")[2].startswith("partner/")


def key_set(data: bytes) -> None:
    try:
        keys = jose.key_set(data)
    except JoseError:
        return
    kinds = {kind for kind, _ in ALGORITHMS.values()}
    assert all(each.key.key_type in kinds and not each.key.is_private for each in keys)


def proof(text: str) -> None:
    proofs = Proofs(lambda: NOW)
    try:
        proofs.check(text, Shown("POST", AUDIENCE, "t", "k"))
    except ProofError:
        assert not proofs._seen  # noqa: SLF001
        return
    raise AssertionError("a proof that nobody signed")


def one_input(data: bytes):
    text = data.decode("utf-8", "replace")
    part = encoded(data)
    for each in (text, f"{part}.{part}.AA", f"{encoded(json.dumps(HEADER).encode())}.{part}.{'AA' * 32}"):
        token(each)
        proof(each)
    key_set(data)
    try:
        value = jsonrpc.parse(data)
    except RemoteError:
        return
    if isinstance(value, dict):
        claims(value)
        claims({**GOOD, **value})


if __name__ == "__main__":
    start(one_input, SEEDS)
