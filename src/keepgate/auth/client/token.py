"""Requests to a token endpoint, with the authentication of the client (RFC 6749, 7523, 8693).

Signatures are joserfc's. Nothing that an endpoint says stands in an error but its error code.
"""

from __future__ import annotations

import secrets
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

from keepgate.auth.client import documents
from keepgate.auth.client.discovery import Authority
from keepgate.auth.jose import ALGORITHMS
from keepgate.model.errors import RemoteError, UpstreamError
from keepgate.ports import Ask
from keepgate.protocol import jsonrpc
from keepgate.protocol.jsonrpc import JsonLimits

_LIMITS: Final = JsonLimits(size=64 << 10, depth=8, members=1000)
_LONGEST: Final = 16 << 10
"""Characters of a token."""
_ASSERTED: Final = 60
"""Seconds that a client's assertion holds."""
ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class GrantError(UpstreamError):
    """The endpoint refused the grant: `error` is its code (RFC 6749 section 5.2)."""

    def __init__(self, error: str, where: str) -> None:
        shown = error if error.replace("_", "").isalnum() and len(error) <= 64 else "an error"
        super().__init__("auth", f"the authorization server answered `{shown}`", where)
        self.error = error


@dataclass(frozen=True, slots=True)
class Client:
    """keepgate as an authorization server knows it."""

    id: str
    method: str = "none"
    """none, client_secret_basic, client_secret_post, private_key_jwt"""
    secret: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    """Private key, PEM or a JWK as JSON."""
    algorithm: str = "ES256"


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and what came with it."""

    access: str = field(repr=False)
    expires: float
    """Unix seconds; infinity if it does not say."""
    refresh: str = field(default="", repr=False)
    scopes: tuple[str, ...] | None = None
    """None: as asked for."""


def method_for(authority: Authority, client: Client) -> str:
    """How a client that has a secret or a key authenticates there."""
    if client.key:
        return "private_key_jwt"
    if not client.secret:
        return "none"
    known = authority.methods or ("client_secret_basic",)
    return next((each for each in ("client_secret_basic", "client_secret_post") if each in known), known[0])


async def ask_token(
    ask: Ask, authority: Authority, client: Client, form: Mapping[str, str | tuple[str, ...]]
) -> Token:
    """Send a grant. Raises GrantError, UpstreamError."""
    document = await _ask(ask, authority, client, form)
    access, kind = document.get("access_token"), document.get("token_type")
    if not isinstance(access, str) or not 0 < len(access) <= _LONGEST or not _is_token(access):
        raise UpstreamError("auth", "the authorization server answered without a usable `access_token`")
    # An ID-JAG is no access token, and says so: its type is `N_A` (RFC 8693 section 2.2.1).
    if not isinstance(kind, str) or kind.lower() not in ("bearer", "n_a"):
        raise UpstreamError("auth", "the authorization server gave a token of a type that cannot be used")
    refresh, scope = document.get("refresh_token"), document.get("scope")
    return Token(
        access,
        time.time() + _lasting(document.get("expires_in")),
        refresh if isinstance(refresh, str) and len(refresh) <= _LONGEST else "",
        documents.scopes_of(scope) if isinstance(scope, str) else None,
    )


def _lasting(seconds: object) -> float:
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds < 10**9:
        return float(seconds)
    return float("inf")


async def _ask(
    ask: Ask, authority: Authority, client: Client, form: Mapping[str, str | tuple[str, ...]]
) -> Mapping[str, Any]:
    headers: dict[str, str] = {}
    fields: dict[str, str | tuple[str, ...]] = dict(form)
    if client.method == "client_secret_basic":
        pair = f"{quote_plus(client.id)}:{quote_plus(client.secret)}"
        headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    elif client.method == "private_key_jwt":
        fields |= {
            "client_id": client.id,
            "client_assertion_type": ASSERTION,
            "client_assertion": assertion(client, authority),
        }
    else:
        fields["client_id"] = client.id
        if client.method == "client_secret_post":
            fields["client_secret"] = client.secret
    answer = await ask(authority.token, urlencode(fields, doseq=True).encode(), headers)
    try:
        document = jsonrpc.parse(answer.body, _LIMITS) if answer.is_json else None
    except RemoteError:
        document = None
    if not isinstance(document, dict):
        raise UpstreamError(
            "auth", f"the authorization server answered with status {answer.status}", authority.token
        )
    if answer.status in (400, 401):
        error = document.get("error")
        raise GrantError(error if isinstance(error, str) else "", authority.token)
    if answer.status != 200:
        text = f"the authorization server answered with status {answer.status}"
        raise UpstreamError("auth", text, authority.token)
    return document


def assertion(client: Client, authority: Authority) -> str:
    """A fresh assertion of who the client is (RFC 7523). Raises UpstreamError if the key cannot be used."""
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    now = int(time.time())
    claims = {
        "iss": client.id,
        "sub": client.id,
        "aud": authority.issuer,
        "iat": now,
        "exp": now + _ASSERTED,
        "jti": secrets.token_urlsafe(24),
    }
    try:
        text = _jwk(client.key) if client.key.lstrip()[:1] == "{" else client.key
        kinds: dict[str, Any] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
        key = kinds[ALGORITHMS[client.algorithm][0]].import_key(text)
        header = {"alg": client.algorithm, "typ": "JWT"}
        if key.kid:
            header["kid"] = key.kid
        return jwt.encode(header, claims, key, algorithms=[client.algorithm])
    except (JoseError, RemoteError, ValueError, TypeError) as error:
        text = f"the private key of client `{client.id}` cannot sign with {client.algorithm}"
        raise UpstreamError("auth", text, type(error).__name__) from None


def _jwk(text: str) -> dict[str, str | list[str]]:
    found = jsonrpc.parse(text.encode(), _LIMITS)
    if not isinstance(found, dict):
        raise TypeError("no JWK")
    return found


def _is_token(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text
