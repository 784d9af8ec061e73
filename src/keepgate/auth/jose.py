"""Signed JWTs in compact form, read strictly and verified by joserfc with keys that the caller chose.

Nothing in a token says which key counts: `jku`, `jwk`, `x5u` and `x5c` are never looked at here, `kid` only picks among
keys that are trusted already, and `alg` must be on a list of asymmetric algorithms. What is read is bounded, and parsed
by the strict parser of the wire: equal names twice are refused, so nobody can read another token than we did.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from keepgate.model.errors import RemoteError
from keepgate.protocol import jsonrpc
from keepgate.protocol.jsonrpc import JsonLimits

if TYPE_CHECKING:
    from joserfc.jwk import Key
    from joserfc.jws import JWSRegistry

MAX_TOKEN: Final = 16 << 10
MAX_HEADER: Final = 4 << 10
MAX_KEYS: Final = 100
_LIMITS: Final = JsonLimits(size=MAX_TOKEN, depth=16, members=4000)
_SET_LIMITS: Final = JsonLimits(size=1 << 20, depth=16, members=20_000)
_MIN_RSA: Final = 2048
_MAX_RSA: Final = 8192

_BASE64URL: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")

ALGORITHMS: Final[Mapping[str, tuple[str, str]]] = {
    "RS256": ("RSA", ""),
    "RS384": ("RSA", ""),
    "RS512": ("RSA", ""),
    "PS256": ("RSA", ""),
    "PS384": ("RSA", ""),
    "PS512": ("RSA", ""),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "Ed25519": ("OKP", "Ed25519"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""Every algorithm there is for us, with the type and curve of its keys. None that is symmetric, none that is `none`."""


class JoseError(Exception):
    """A token or key that does not count. The text is static: it quotes nothing that came from outside."""


@dataclass(frozen=True, slots=True)
class Compact:
    """A JWT in compact form whose signature has not been looked at: nothing in it may be believed yet."""

    text: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    @property
    def alg(self) -> str:
        alg = self.header.get("alg")
        return alg if isinstance(alg, str) else ""

    @property
    def kid(self) -> str | None:
        """Raises JoseError if there is one that is no short text."""
        kid = self.header.get("kid")
        if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= 256):
            raise JoseError("the key id is malformed")
        return kid

    @property
    def typ(self) -> str:
        """In lower case, without `application/`."""
        typ = self.header.get("typ")
        return typ.lower().removeprefix("application/") if isinstance(typ, str) else ""


def looks_compact(token: str) -> bool:
    """Whether a token is meant as a JWT: anything else is opaque. Encrypted ones (five parts) are meant as one too."""
    return token.startswith("ey") and token.count(".") in (2, 4)


def read(token: str) -> Compact:
    """Take a compact JWT apart. Raises JoseError; nothing is verified."""
    if len(token) > MAX_TOKEN:
        raise JoseError("the token is too long")
    parts = token.split(".")
    if len(parts) == 5:  # header, key, vector, text, tag
        raise JoseError("the token is encrypted, which is not supported")
    if len(parts) != 3 or not all(part and _BASE64URL.issuperset(part) for part in parts):
        raise JoseError("the token is not a signed JWT in compact form")
    if len(parts[0]) > MAX_HEADER:
        raise JoseError("the header of the token is too long")
    header, claims = _object(parts[0]), _object(parts[1])
    if "crit" in header or "b64" in header:
        raise JoseError("the token needs an extension that is not supported")
    if "cty" in header or "zip" in header or "enc" in header:
        raise JoseError("the token is nested or compressed, which is not supported")
    return Compact(token, header, claims)


def verify_signature(compact: Compact, key: Key, algorithms: Collection[str]) -> Mapping[str, Any]:
    """The claims, once the signature is that of `key`. Raises JoseError."""
    from joserfc import jws
    from joserfc.errors import JoseError as LibraryError

    check_algorithm(compact.alg, algorithms)
    check_fits(key, compact.alg)
    try:
        jws.deserialize_compact(compact.text, key, list(algorithms), _registry())
    except (LibraryError, ValueError, TypeError) as error:
        raise JoseError("the signature of the token is not valid") from error
    return compact.claims


def check_algorithm(alg: str, algorithms: Collection[str]) -> None:
    """Raises JoseError for one that is not on the list."""
    if alg not in ALGORITHMS or alg not in algorithms:
        raise JoseError("the token is signed with an algorithm that is not accepted")


def check_fits(key: Key, alg: str) -> None:
    """Raises JoseError if `key` is not of the kind that `alg` is made with, is private, or is too weak."""
    kind, curve = ALGORITHMS[alg]
    if key.key_type != kind or (curve and key.as_dict(private=False).get("crv") != curve):
        raise JoseError("the key is not of the kind that the algorithm needs")


def public_key(data: object) -> Key:
    """The public key of a JWK. Raises JoseError: malformed, symmetric, private, weak, or not for signatures."""
    from joserfc.errors import JoseError as LibraryError
    from joserfc.jwk import import_key

    if not isinstance(data, dict) or data.get("kty") not in ("RSA", "EC", "OKP"):
        raise JoseError("the key is of no kind that is accepted")
    if any(private in data for private in ("d", "p", "q", "dp", "dq", "qi", "oth", "k")):
        raise JoseError("the key is private")
    operations = data.get("key_ops", ["verify"])
    if data.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        raise JoseError("the key is not for signatures")
    wanted = {name: data[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in data}
    if not all(isinstance(value, str) for value in wanted.values()):
        raise JoseError("the key is malformed")
    if not _MIN_RSA <= _strength(wanted) <= _MAX_RSA:
        raise JoseError("the key is too weak, or too long")
    try:
        return import_key(wanted)
    except (LibraryError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise JoseError("the key is malformed") from error


def _strength(data: Mapping[str, str]) -> int:
    """Bits of an RSA modulus; enough for any curve that is accepted. Raises JoseError."""
    if data["kty"] != "RSA":
        return _MIN_RSA
    modulus = data.get("n", "")
    if len(modulus) > _MAX_RSA or not _BASE64URL.issuperset(modulus):
        raise JoseError("the key is malformed")
    try:
        return int.from_bytes(urlsafe_b64decode(modulus + "=" * (-len(modulus) % 4)), "big").bit_length()
    except ValueError:
        raise JoseError("the key is malformed") from None


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One usable key of a set."""

    key: Key
    kid: str | None
    alg: str | None


def key_set(raw: bytes) -> tuple[PublicKey, ...]:
    """The usable keys of a JWK set; those we cannot use are passed over. Raises JoseError for what is no JWK set."""
    try:
        document = jsonrpc.parse(raw, _SET_LIMITS)
    except RemoteError as error:
        raise JoseError("the key set is not valid JSON") from error
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or len(keys) > MAX_KEYS:
        raise JoseError("the key set is malformed")
    usable = []
    for data in keys:
        try:
            key = public_key(data)
        except JoseError:
            continue
        kid, alg = data.get("kid"), data.get("alg")
        if kid is not None and not isinstance(kid, str):
            continue
        usable.append(PublicKey(key, kid, alg if isinstance(alg, str) else None))
    return tuple(usable)


def choose(keys: Collection[PublicKey], compact: Compact) -> Key | None:
    """The one key that a token can be signed with, or None. Raises JoseError where several could be meant."""
    kind, curve = ALGORITHMS[compact.alg]
    kid = compact.kid
    found = [
        each.key
        for each in keys
        if (each.kid == kid or kid is None)
        and each.alg in (None, compact.alg)
        and each.key.key_type == kind
        and (not curve or each.key.as_dict(private=False).get("crv") == curve)
    ]
    if len(found) > 1:
        raise JoseError("the token does not say which key it is signed with")
    return found[0] if found else None


def thumbprint(key: Key) -> str:
    """RFC 7638, SHA-256, base64url."""
    return key.thumbprint()


def _object(part: str) -> dict[str, Any]:
    try:
        value = jsonrpc.parse(urlsafe_b64decode(part + "=" * (-len(part) % 4)), _LIMITS)
    except (RemoteError, ValueError):  # binascii.Error is one
        raise JoseError("the token is not made of JSON objects") from None
    if not isinstance(value, dict):
        raise JoseError("the token is not made of JSON objects")
    return value


@cache
def _registry() -> JWSRegistry:
    from joserfc import jws

    class Registry(jws.JWSRegistry):
        """Sizes are bounded by `read`; header fields that nobody understands are ignored, as RFC 7515 demands."""

        max_header_length = MAX_HEADER
        max_payload_length = MAX_TOKEN

        def get_alg(self, name: str) -> Any:
            """As the library's, without its warning about `EdDSA`, which is that of RFC 9864 and no weakness."""
            if name not in ALGORITHMS:
                raise JoseError("the token is signed with an algorithm that is not accepted")
            return self.algorithms[name]

    return Registry(strict_check_header=False)
