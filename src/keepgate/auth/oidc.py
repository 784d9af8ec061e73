"""Logging somebody in at an OpenID provider, as its client: code flow with PKCE, `state`, `nonce` and `iss` (RFC 9207).

What comes back is the claims of a verified ID token and nothing else: no token of the provider is kept or passed on.
"""

from __future__ import annotations

import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from typing import Any, Final
from urllib.parse import quote, urlencode

from keepgate.auth import jose
from keepgate.auth.access_token import accept
from keepgate.auth.issuer import Authority, KeysNeededError
from keepgate.auth.jose import JoseError
from keepgate.model.access import Principal
from keepgate.model.errors import RemoteError, UpstreamError
from keepgate.protocol import jsonrpc
from keepgate.protocol.jsonrpc import JsonLimits

_LIMITS: Final = JsonLimits(size=64 << 10, depth=16, members=4000)
_NOT_OF_TOKENS: Final = frozenset(("nonce", "at_hash", "c_hash", "s_hash", "cnf", "nbf", "act"))
"""Claims of an ID token that mean something else, or nothing, in an access token."""


class LoginError(Exception):
    """The login does not count. The text is public and static; `private` says more to the log."""

    def __init__(self, public: str, private: str = "") -> None:
        super().__init__(public)
        self.public = public
        self.private = private


@dataclass(frozen=True, slots=True)
class Pending:
    """A login that has begun: what its end has to fit."""

    redirect_uri: str
    verifier: str = field(repr=False)
    nonce: str = field(repr=False)
    acr: tuple[str, ...] = ()
    """Levels of which one must have been reached."""


def s256(verifier: str) -> str:
    """The code challenge of a verifier (RFC 7636)."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class OidcLogin:
    """keepgate as a client of one provider. `secret` gives the client's secret, if it has one."""

    def __init__(
        self,
        authority: Authority,
        client_id: str,
        secret: Callable[[], str] | None,
        clock: Callable[[], float],
        scopes: Sequence[str] = ("openid",),
    ) -> None:
        self.authority = authority
        self._client_id = client_id
        self._secret = secret
        self._clock = clock
        self._scope = " ".join(dict.fromkeys(("openid", *scopes)))

    async def begin(
        self, redirect_uri: str, state: str, *, acr: tuple[str, ...] = (), max_age: int | None = None
    ) -> tuple[str, Pending]:
        """Where to send the browser. Raises RemoteError (503) if the provider cannot be asked for its endpoints."""
        endpoint = await self.authority.endpoint("authorization_endpoint")
        methods = (await self.authority.metadata()).get("code_challenge_methods_supported")
        if isinstance(methods, list) and "S256" not in methods:
            raise RemoteError("issuer", "the provider does not support PKCE with S256", status=503)
        pending = Pending(redirect_uri, secrets.token_urlsafe(48), secrets.token_urlsafe(24), acr)
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "scope": self._scope,
            "state": state,
            "nonce": pending.nonce,
            "code_challenge": s256(pending.verifier),
            "code_challenge_method": "S256",
        }
        if acr:
            asked["acr_values"] = " ".join(acr)
        if max_age is not None:
            asked["max_age"] = str(max_age)
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked, quote_via=quote)}", pending

    async def check_issuer(self, iss: str | None) -> None:
        """Of the answer's `iss` (RFC 9207), errors included. Raises LoginError, RemoteError (503)."""
        if iss is None:
            if (await self.authority.metadata()).get(
                "authorization_response_iss_parameter_supported"
            ) is True:
                raise LoginError("the answer does not say which provider it is from")
        elif iss != self.authority.issuer.url:
            raise LoginError("the answer is from another provider")

    async def answered(self, pending: Pending, answer: Mapping[str, str]) -> Mapping[str, Any]:
        """The claims of who comes back with this answer. Raises LoginError, RemoteError (503)."""
        await self.check_issuer(answer.get("iss"))
        if "code" not in answer:
            raise LoginError("the provider let nobody in", answer.get("error", "")[:200])
        return await self.finish(pending, answer["code"])

    async def finish(self, pending: Pending, code: str) -> Mapping[str, Any]:
        """The claims of who logged in. Raises LoginError, RemoteError (503)."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": pending.redirect_uri,
            "code_verifier": pending.verifier,
        }
        headers: dict[str, str] = {}
        if self._secret is None:
            form["client_id"] = self._client_id
        else:  # RFC 6749 section 2.3.1: both parts form-encoded first
            pair = f"{quote(self._client_id, safe='')}:{quote(self._secret(), safe='')}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        endpoint = await self.authority.endpoint("token_endpoint")
        try:
            answer = jsonrpc.parse(
                await self.authority.fetch(endpoint, urlencode(form).encode(), headers), _LIMITS
            )
        except UpstreamError as error:
            raise LoginError("the provider does not take the code", str(error)) from error
        except RemoteError as error:
            raise LoginError("the provider's answer is not valid JSON") from error
        token = answer.get("id_token") if isinstance(answer, dict) else None
        if not isinstance(token, str):
            raise LoginError("the provider gave no ID token")
        try:
            claims = await self._verified(token)
        except JoseError as error:
            raise LoginError("the ID token is not valid", str(error)) from error
        self._check(claims, pending)
        return claims

    def principal(self, claims: Mapping[str, Any]) -> Principal:
        """Who logged in, named by the rules that hold for access tokens of the issuer. Raises TokenError."""
        now = self._clock()
        kept = {name: value for name, value in claims.items() if name not in _NOT_OF_TOKENS}
        told = {"client_id": self._client_id, "aud": self._client_id, "iat": now, "exp": now + 60}
        return accept(kept | told, self.authority.issuer, frozenset((self._client_id,)), now).principal

    async def _verified(self, token: str) -> Mapping[str, Any]:
        compact = jose.read(token)
        if compact.claims.get("iss") != self.authority.issuer.url:
            raise LoginError("the ID token is from another provider")
        try:
            key = self.authority.key_for(compact)
        except KeysNeededError:
            await self.authority.renew()
            try:
                key = self.authority.key_for(compact)
            except KeysNeededError:
                raise JoseError("the token is signed with a key that the issuer does not have") from None
        return jose.verify_signature(compact, key, self.authority.issuer.algorithms)

    def _check(self, claims: Mapping[str, Any], pending: Pending) -> None:
        """OpenID Connect Core section 3.1.3.7. Raises LoginError."""
        now, leeway = self._clock(), self.authority.issuer.leeway
        audience = claims.get("aud")
        named = [audience] if isinstance(audience, str) else audience
        if not isinstance(named, list) or self._client_id not in named:
            raise LoginError("the ID token is for somebody else")
        if claims.get("azp", self._client_id) != self._client_id or (len(named) > 1 and "azp" not in claims):
            raise LoginError("the ID token is for somebody else")
        exp, iat = _number(claims.get("exp")), _number(claims.get("iat"))
        if exp is None or iat is None or now >= exp + leeway or now < iat - leeway:
            raise LoginError("the ID token has expired, or is not valid yet")
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not compare_digest(nonce.encode(), pending.nonce.encode()):
            raise LoginError("the ID token is of another login")
        if pending.acr and claims.get("acr") not in pending.acr:
            raise LoginError("the login did not reach the level that was asked for")


def _number(value: object) -> float | None:
    return float(value) if type(value) in (int, float) else None  # type: ignore[arg-type]
