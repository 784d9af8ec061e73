"""RFC 9449 section 4.3, point by point."""

from hashlib import sha256

import pytest
from joserfc.jwk import ECKey

from keepgate.auth import dpop
from keepgate.auth.dpop import CrowdedError, ProofError, Proofs, Shown
from tests.auth.tokens import EC, GATE, NOW, RSA, b64, proof, sign

TOKEN = "the-token"
SHOWN = Shown("POST", f"{GATE}/mcp", TOKEN, EC.thumbprint())
STRANGER = ECKey.generate_key("P-256")


def checked(text, shown=SHOWN, **settings):
    Proofs(lambda: NOW, **settings).check(text, shown)


GOOD = {
    "plain": {},
    "half a minute old": {"iat": NOW - 59},
    "a clock ahead": {"iat": NOW + 59},
    "with a query": {"htu": f"{GATE}/mcp?x=1"},
    "with a fragment": {"htu": f"{GATE}/mcp#x"},
    "with the usual port": {"htu": "https://gate.example.com:443/mcp"},
    "host in capitals": {"htu": "https://GATE.example.com/mcp"},
}


@pytest.mark.parametrize("changes", GOOD.values(), ids=GOOD)
def test_a_good_proof_counts(changes):
    checked(proof(EC, text=TOKEN, **changes))


def unsigned(alg, key):
    return f"{b64({'typ': 'dpop+jwt', 'alg': alg, 'jwk': key})}.e30.{'AA' * 48}"


BAD = {
    "no proof": "",
    "two proofs": f"{proof(EC, text=TOKEN)}, {proof(EC, text=TOKEN, jti='2')}",
    "endless": "a" * 9000,
    "no JWT": "a.b.c",
    "no jti": proof(EC, text=TOKEN, jti=None),
    "endless jti": proof(EC, text=TOKEN, jti="j" * 300),
    "jti as number": proof(EC, text=TOKEN, jti=1),
    "no htm": proof(EC, text=TOKEN, htm=None),
    "no htu": proof(EC, text=TOKEN, htu=None),
    "no iat": proof(EC, text=TOKEN, iat=None),
    "iat as text": proof(EC, text=TOKEN, iat=str(NOW)),
    "iat as truth": proof(EC, text=TOKEN, iat=True),
    "another type": proof(EC, text=TOKEN, header={"typ": "JWT"}),
    "no type": proof(EC, text=TOKEN, header={"typ": None}),
    "another algorithm than the key's": unsigned("ES384", EC.as_dict(private=False)),
    "no algorithm": unsigned("none", EC.as_dict(private=False)),
    "symmetric": unsigned("HS256", {"kty": "oct", "k": "AA"}),
    "private key": proof(EC, text=TOKEN, header={"jwk": EC.as_dict(private=True)}),
    "no key": proof(EC, text=TOKEN, header={"jwk": None}),
    "signed by another": proof(STRANGER, text=TOKEN, header={"jwk": EC.as_dict(private=False)}),
    "key of another": proof(STRANGER, text=TOKEN),
    "method in small letters": proof(EC, text=TOKEN, htm="post"),
    "another method": proof(EC, text=TOKEN, htm="GET"),
    "another host": proof(EC, text=TOKEN, htu="https://evil.example.com/mcp"),
    "another path": proof(EC, text=TOKEN, htu=f"{GATE}/mcp/"),
    "another port": proof(EC, text=TOKEN, htu="https://gate.example.com:8443/mcp"),
    "plain": proof(EC, text=TOKEN, htu="http://gate.example.com/mcp"),
    "with credentials": proof(EC, text=TOKEN, htu="https://a:b@gate.example.com/mcp"),
    "a port that is none": proof(EC, text=TOKEN, htu="https://gate.example.com:x/mcp"),
    "too old": proof(EC, text=TOKEN, iat=NOW - 61),
    "from the future": proof(EC, text=TOKEN, iat=NOW + 61),
    "no ath": proof(EC, text=TOKEN, ath=None),
    "another token": proof(EC, text="another"),
    "ath as list": proof(EC, text=TOKEN, ath=["x"]),
    "critical extension": proof(EC, text=TOKEN, header={"crit": ["x"], "x": 1}),
}


def test_two_places_that_cannot_be_read_are_not_the_same():
    shown = Shown("POST", f"{GATE}/\u00e9", TOKEN, EC.thumbprint())
    with pytest.raises(ProofError, match="another URL"):
        checked(proof(EC, text=TOKEN, htu=shown.url), shown)


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_a_bad_proof_does_not_count(text):
    with pytest.raises(ProofError):
        checked(text)


def test_an_rsa_key_will_do():
    header = {"typ": "dpop+jwt", "alg": "RS256", "jwk": RSA.as_dict(private=False)}
    ath = b64(sha256(TOKEN.encode()).digest())
    claims = {"htm": "POST", "htu": f"{GATE}/mcp", "iat": NOW, "jti": "j", "ath": ath}
    checked(sign(header, claims), Shown("POST", f"{GATE}/mcp", TOKEN, RSA.thumbprint()))


def test_a_proof_is_remembered_for_as_long_as_it_could_count():
    times = [NOW]
    proofs = Proofs(lambda: times[-1])
    text = proof(EC, text=TOKEN, iat=NOW + 60)
    proofs.check(text, SHOWN)
    for later in (1, 60, 119.9):
        times.append(NOW + later)
        with pytest.raises(ProofError, match="before"):
            proofs.check(text, SHOWN)
    times.append(NOW + 121)
    with pytest.raises(ProofError, match="too old"):
        proofs.check(text, SHOWN)


def test_the_same_jti_of_another_key_is_no_replay():
    proofs = Proofs(lambda: NOW)
    proofs.check(proof(EC, text=TOKEN), SHOWN)
    other = Shown("POST", f"{GATE}/mcp", TOKEN, STRANGER.thumbprint())
    proofs.check(proof(STRANGER, text=TOKEN), other)


def test_a_proof_that_cannot_be_remembered_opens_nothing(monkeypatch):
    monkeypatch.setattr(dpop, "MAX_SEEN", 4)
    times = [NOW]
    proofs = Proofs(lambda: times[-1])
    for key in [ECKey.generate_key("P-256") for _ in range(4)]:
        shown = Shown("POST", f"{GATE}/mcp", TOKEN, key.thumbprint())
        proofs.check(proof(key, text=TOKEN), shown)
    with pytest.raises(CrowdedError):
        proofs.check(proof(EC, text=TOKEN, jti="more"), SHOWN)
    times.append(NOW + 121)
    proofs.check(proof(EC, text=TOKEN, jti="later", iat=times[-1]), SHOWN)


def test_one_key_does_not_shut_out_the_others(monkeypatch):
    monkeypatch.setattr(dpop, "MAX_SEEN", 8)
    times = [NOW]
    proofs = Proofs(lambda: times[-1])
    for number in range(4):
        proofs.check(proof(EC, text=TOKEN, jti=str(number)), SHOWN)
    with pytest.raises(CrowdedError):
        proofs.check(proof(EC, text=TOKEN, jti="more"), SHOWN)
    other = Shown("POST", f"{GATE}/mcp", TOKEN, STRANGER.thumbprint())
    proofs.check(proof(STRANGER, text=TOKEN, jti="0"), other)
    times.append(NOW + 121)
    proofs.check(proof(EC, text=TOKEN, jti="later", iat=times[-1]), SHOWN)
    assert list(proofs._by_key.values()) == [1]


def test_a_bad_proof_is_not_remembered():
    proofs = Proofs(lambda: NOW)
    for text in BAD.values():
        with pytest.raises(ProofError):
            proofs.check(text, SHOWN)
    assert not proofs._seen
