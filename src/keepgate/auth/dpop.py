"""DPoP (RFC 9449): a proof, fresh for each request, that the sender holds the key its access token is bound to.

The numbers are those of RFC 9449 section 4.3, which lists what has to be checked.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64encode
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

from keepgate.auth import jose
from keepgate.auth.jose import JoseError

ALGORITHMS: Final = ("ES256", "ES384", "ES512", "Ed25519", "EdDSA", "RS256", "PS256")
WINDOW: Final = 60.0
"""Seconds that a proof counts, and that clocks may differ by."""
NONCE_SECONDS: Final = 120.0
MAX_SEEN: Final = 100_000
"""Proofs remembered. Once it is half full no key may have more than a quarter: one must not shut out the others."""
MAX_PROOF: Final = 8 << 10
_MAX_JTI: Final = 256
_PORTS: Final = {"http": 80, "https": 443}


class ProofError(Exception):
    """Why a proof does not count: static text. `nonce` asks for a new proof with the nonce that goes along."""

    def __init__(self, public: str, *, nonce: bool = False) -> None:
        super().__init__(public)
        self.public = public
        self.nonce = nonce


class CrowdedError(Exception):
    """Too many proofs to remember: one more could not be told from a replay."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a proof has to fit."""

    method: str
    url: str
    token: str
    thumbprint: str


class Proofs:
    """Checks proofs and remembers those of the last two minutes; each opens once."""

    def __init__(self, clock: Callable[[], float], *, nonces: bool = False) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32) if nonces else b""
        self._seen: OrderedDict[bytes, tuple[float, str]] = OrderedDict()
        self._by_key: Counter[str] = Counter()

    def nonce(self) -> str:
        """The nonce that proofs have to carry now; empty if they need none."""
        return self._nonce(int(self._clock() // NONCE_SECONDS)) if self._key else ""

    def check(self, proof: str, shown: Shown) -> None:
        """Raises ProofError; CrowdedError if it cannot be remembered."""
        if not proof or "," in proof or len(proof) > MAX_PROOF:
            raise ProofError("a request needs exactly one DPoP proof")  # 1
        now = self._clock()
        try:
            compact = jose.read(proof)  # 2
            if compact.typ != "dpop+jwt":
                raise ProofError("the DPoP proof has another type")  # 4
            jose.check_algorithm(compact.alg, ALGORITHMS)  # 5
            key = jose.public_key(compact.header.get("jwk"))  # 7
            claims = jose.verify_signature(compact, key, ALGORITHMS)  # 6
        except JoseError as error:
            raise ProofError(f"the DPoP proof does not count: {error}") from error
        jti = self._check_claims(claims, shown, now)
        if not _equal(jose.thumbprint(key), shown.thumbprint):
            raise ProofError("the DPoP proof is made with another key than the token is bound to")
        self._remember(shown.thumbprint, jti, now)

    def _check_claims(self, claims: Mapping[str, Any], shown: Shown, now: float) -> str:
        """The `jti`. Raises ProofError."""
        jti, iat = claims.get("jti"), claims.get("iat")
        if not isinstance(jti, str) or not 0 < len(jti) <= _MAX_JTI or not isinstance(iat, int | float):  # 3
            raise ProofError("the DPoP proof lacks `jti` or `iat`")
        if claims.get("htm") != shown.method:  # 8
            raise ProofError("the DPoP proof is for another method")
        if (place := _same_place(claims.get("htu"))) is None or place != _same_place(shown.url):  # 9
            raise ProofError("the DPoP proof is for another URL")
        if self._key and not self._fresh(claims.get("nonce"), now):  # 10
            raise ProofError("the DPoP proof needs the nonce that is given here", nonce=True)
        if not now - WINDOW <= iat <= now + WINDOW:  # 11
            raise ProofError("the DPoP proof is too old, or from the future")
        ath = urlsafe_b64encode(sha256(shown.token.encode()).digest()).rstrip(b"=").decode()
        if not _equal(claims.get("ath"), ath):  # 12
            raise ProofError("the DPoP proof is for another token")
        return jti

    def _remember(self, key: str, jti: str, now: float) -> None:
        """Last of all, so that only who holds a token and its key can fill the memory."""
        while self._seen and next(iter(self._seen.values()))[0] <= now:
            _, (_, past) = self._seen.popitem(last=False)
            self._by_key[past] -= 1
            if not self._by_key[past]:
                del self._by_key[past]
        digest = sha256(f"{key}.{jti}".encode()).digest()
        if digest in self._seen:
            raise ProofError("the DPoP proof has been used before")
        known = len(self._seen)
        if known >= MAX_SEEN or (known >= MAX_SEEN // 2 and self._by_key[key] >= MAX_SEEN // 4):
            raise CrowdedError
        self._seen[digest] = now + 2 * WINDOW, key
        self._by_key[key] += 1

    def _nonce(self, slot: int) -> str:
        return hmac.new(self._key, slot.to_bytes(8, "big"), sha256).hexdigest()[:32]

    def _fresh(self, nonce: object, now: float) -> bool:
        slot = int(now // NONCE_SECONDS)
        return any(_equal(nonce, self._nonce(each)) for each in (slot, slot - 1))


def _equal(given: object, expected: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), expected.encode())


def _same_place(url: object) -> tuple[str, str, int | None, str] | None:
    """What of a URL counts: scheme and host in lower case, the port also where it is the usual one, the path."""
    if not isinstance(url, str) or not url.isascii() or not url.isprintable():
        return None
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    if parts.username is not None or parts.password is not None:
        return None
    return parts.scheme, (parts.hostname or "").lower(), port, parts.path or "/"
