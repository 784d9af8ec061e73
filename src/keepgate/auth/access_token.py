"""What an access token must say (RFC 9068, RFC 8707), and the principal it stands for. Pure: time is an argument.

The same rules hold for the claims of a verified JWT and for the answer of an introspection endpoint, apart from what
only one of them has. Numbered as they are checked:

1. `typ` is one that the issuer uses for access tokens, and nothing marks it as an ID token
2. `iss` is the issuer whose key verified it
3. `exp`, `nbf` and `iat` hold now, within the leeway, and the token is not older than it may be
4. `aud` names this endpoint
5. subject, client and the other names are short printable text, and none is in another issuer's namespace
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from keepgate.auth.certificate import NAMESPACES
from keepgate.auth.issuer import Issuer
from keepgate.model.access import Authentication, Principal

MAX_NAME: Final = 256
MAX_NAMES: Final = 500
MAX_ACTORS: Final = 8
UNSAID_LIFETIME: Final = 3600.0
"""Seconds that an opaque token counts for what it opened, if its issuer does not say when it expires."""
DEFAULT_CLAIMS: Final = {"user": ("sub",), "client": ("client_id",)}
_PLAIN: Final = "@._:+~"
_ID_TOKEN: Final = ("nonce", "at_hash", "c_hash", "s_hash")


class TokenError(Exception):
    """Why a token does not count. The text is public and static; `private` says more to the log."""

    def __init__(self, public: str, private: str = "") -> None:
        super().__init__(public)
        self.public = public
        self.private = private


Binding = tuple[str, str] | None
"""`jkt` or `x5t#S256`, and the thumbprint: of the key that signs DPoP proofs, or of the client certificate."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A token that counts."""

    principal: Principal
    bound: Binding = None
    """To whom it is bound, if to anybody."""


def check_type(typ: str, claims: Mapping[str, Any], issuer: Issuer) -> None:
    """Raises TokenError for a JWT that is no access token, however well it is signed."""
    if typ not in {each.lower().removeprefix("application/") for each in issuer.types}:
        raise TokenError("the token is not an access token", f"typ `{typ[:40]}`")
    if any(claim in claims for claim in _ID_TOKEN):
        raise TokenError("the token is not an access token", "it has claims of an ID token")


def check_issuer(claims: Mapping[str, Any], issuer: Issuer) -> None:
    """Raises TokenError unless `iss` is exactly the issuer's."""
    if claims.get("iss") != issuer.url:
        raise TokenError("the token is not from an issuer that is trusted here")


def check_times(claims: Mapping[str, Any], issuer: Issuer, now: float, *, exp_needed: bool) -> float:
    """When the token expires. Raises TokenError."""
    times = {name: _time(claims, name) for name in ("exp", "nbf", "iat")}
    exp, nbf, iat = times["exp"], times["nbf"], times["iat"]
    if exp is None and exp_needed:
        raise TokenError("the token does not say when it expires")
    if exp is not None and now >= exp + issuer.leeway:
        raise TokenError("the token has expired")
    if nbf is not None and now < nbf - issuer.leeway:
        raise TokenError("the token is not valid yet")
    if iat is None and exp_needed:
        raise TokenError("the token does not say when it was issued")
    if iat is not None and now < iat - issuer.leeway:
        raise TokenError("the token was issued in the future")
    if iat is not None and now > iat + issuer.max_age + issuer.leeway:
        raise TokenError("the token was issued too long ago")
    if exp is not None and iat is not None and exp <= iat:
        raise TokenError("the token expires before it was issued")
    return now + UNSAID_LIFETIME if exp is None else exp


def check_audience(claims: Mapping[str, Any], accepted: frozenset[str]) -> None:
    """Raises TokenError unless `aud`, a text or a list of texts, names one of the accepted audiences."""
    aud = claims.get("aud")
    named = [aud] if isinstance(aud, str) else aud
    if not isinstance(named, list) or not 0 < len(named) <= MAX_NAMES:
        raise TokenError("the token has no audience")
    if not all(isinstance(each, str) for each in named):
        raise TokenError("the audience of the token is malformed")
    if accepted.isdisjoint(named):
        raise TokenError("the token is for another audience")


def accept(
    claims: Mapping[str, Any],
    issuer: Issuer,
    accepted: frozenset[str],
    now: float,
    *,
    exp_needed: bool = True,
) -> Accepted:
    """The principal that verified claims stand for. Raises TokenError."""
    check_issuer(claims, issuer)
    until = check_times(claims, issuer, now, exp_needed=exp_needed)
    check_audience(claims, accepted)
    bound = _confirmation(claims)
    if issuer.dpop_required and (bound is None or bound[0] != "jkt"):
        raise TokenError("the token is not bound to a key, which this issuer's tokens must be")
    auth = Authentication(
        issuer=issuer.name,
        scopes=_scopes(claims),
        acr=_optional(claims, "acr"),
        auth_time=_time(claims, "auth_time"),
        until=until,
        scheme="DPoP" if bound is not None and bound[0] == "jkt" else "Bearer",
    )
    return Accepted(_principal(claims, issuer, auth), bound)


def _principal(claims: Mapping[str, Any], issuer: Issuer, auth: Authentication) -> Principal:
    paths = {**DEFAULT_CLAIMS, **issuer.claims}
    subject = _name(claims.get("sub"), "subject")
    client = _name(_at(claims, paths["client"]), "client")
    # RFC 9068 section 2.2: where no person is involved, `sub` is the client. Then there is no user to grant anything.
    user = "" if subject == client else _user(claims, paths["user"])
    groups = _names(_at(claims, paths["groups"])) if "groups" in paths else ()
    tenant = _at(claims, paths["tenant"]) if "tenant" in paths else None
    tenant = "" if tenant is None else _name(tenant, "tenant")
    actors = _actors(claims.get("act"))
    for name in (user, client, tenant, *groups):
        if name.startswith(issuer.foreign):
            raise TokenError("the token names somebody of another issuer", f"`{name[:80]}`")
    if (issuer.prefix + client).startswith(NAMESPACES):
        raise TokenError("the token names a client as certificates do")
    # The tenant is part of who it is: one person can be a member of two under the same subject, and everything that is
    # remembered of a caller is bound to this. No name of an issuer has an `@`.
    issued_for = f"{issuer.name}@{quote(tenant, safe=_PLAIN)}" if tenant else issuer.name
    parts = [quote(part, safe=_PLAIN) for part in (subject, client, *actors)]
    return Principal(
        "oauth:" + "/".join((issued_for, *parts)),
        "oauth",
        groups=tuple(issuer.prefix + group for group in groups),
        tenant=tenant and issuer.prefix + tenant,
        user=user and issuer.prefix + user,
        client=issuer.prefix + client,
        actors=actors,
        auth=auth,
    )


def _user(claims: Mapping[str, Any], path: tuple[str, ...]) -> str:
    if path == ("email",) and claims.get("email_verified") is not True:
        raise TokenError("the token has no verified e-mail address, by which its user is known here")
    return _name(_at(claims, path), "user")


def _at(claims: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = claims
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _name(value: object, what: str) -> str:
    """Short printable text without blanks at its ends: it goes into records, grants and policies."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME:
        raise TokenError(f"the token has no usable {what}")
    if not value.isprintable() or value != value.strip():
        raise TokenError(f"the {what} of the token has characters that are not accepted")
    return value


def _names(value: object) -> tuple[str, ...]:
    """A list of names; absent is none. One alone may stand without a list."""
    given = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(given, list) or len(given) > MAX_NAMES:
        raise TokenError("the groups of the token are malformed, or too many")
    return tuple(dict.fromkeys(_name(each, "group") for each in given))


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """`scope` as RFC 8693 has it, text with single blanks; or `scp`, text or list, as some issuers do."""
    given = claims.get("scope", claims.get("scp"))
    words = [] if given is None else given.split(" ") if isinstance(given, str) else given
    if not isinstance(words, list) or len(words) > MAX_NAMES:
        raise TokenError("the scopes of the token are malformed, or too many")
    return frozenset(_name(word, "scope") for word in words if word != "")


def _optional(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return "" if value is None else _name(value, name)


def _actors(act: object) -> tuple[str, ...]:
    """The delegation chain (RFC 8693 section 4.1), the current actor first."""
    out: list[str] = []
    while act is not None:
        if not isinstance(act, dict) or len(out) == MAX_ACTORS:
            raise TokenError("the delegation chain of the token is malformed, or too long")
        out.append(_name(act.get("sub"), "actor"))
        act = act.get("act")
    return tuple(out)


def _confirmation(claims: Mapping[str, Any]) -> Binding:
    """What `cnf` binds the token to (RFC 9449, RFC 8705). A binding that cannot be checked must not be ignored."""
    cnf = claims.get("cnf")
    if cnf is None:
        return None
    if isinstance(cnf, dict) and len(cnf) == 1:
        ((method, value),) = cnf.items()
        if method in ("jkt", "x5t#S256") and isinstance(value, str) and value:
            return method, value
    raise TokenError("the token is bound to its sender in a way that cannot be checked here")


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    """NumericDate: a finite number, never a truth value."""
    value = claims.get(name)
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 <= value < 1e12:
        raise TokenError(f"the `{name}` of the token is malformed")
    return float(value)
