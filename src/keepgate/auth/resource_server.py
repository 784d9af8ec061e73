"""OAuth 2.1 resource server: who an access token stands for at an endpoint of ours (ports.AccessTokens).

A token that was accepted is remembered under its hash and the path it was shown to, until it expires, its issuer's keys
change, or it is time to look again; so a request with a known token costs a hash and a look. What sender-constrained
tokens need besides, a proof of possession, is checked for every request. Nothing here falls back to anything: a
token is accepted or refused.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final, NoReturn

from keepgate.auth import certificate, jose
from keepgate.auth.access_token import Accepted, Binding, TokenError, accept, check_issuer, check_type
from keepgate.auth.dpop import ALGORITHMS, CrowdedError, ProofError, Proofs, Shown
from keepgate.auth.introspection import INACTIVE, Introspector
from keepgate.auth.issuer import Authority, KeysNeededError
from keepgate.auth.jose import Compact, JoseError
from keepgate.auth.resource import Resource
from keepgate.model.access import Authentication, Principal
from keepgate.model.errors import AuthenticationError, RemoteError
from keepgate.ports import HttpRequest
from keepgate.protocol import jsonrpc
from keepgate.protocol.challenge import challenge, joined

MAX_KNOWN: Final = 10_000
"""Accepted tokens that are remembered, and as many that were refused."""
MAX_PLACES: Final = 16
"""Paths for which one token is remembered: who invents endpoints must not push the tokens of others out."""
LOOK_AGAIN: Final = 300.0
"""Seconds after which a signed token is verified again, against the keys of then."""
REFUSED_SECONDS: Final = 10.0
"""How long the issuer is not asked again about a token that it does not know."""


_NOTE: Final = "token"


@dataclass(frozen=True, slots=True)
class _Known:
    """A token that was accepted at a path."""

    until: float
    principal: Principal
    bound: Binding
    authority: Authority
    generation: int


_NOWHERE: Final[Mapping[str, _Known]] = {}


class ResourceServer:
    """All trusted issuers of one gateway."""

    def __init__(
        self,
        resource: Resource,
        authorities: Sequence[Authority],
        clock: Callable[[], float],
        *,
        nonces: bool,
    ) -> None:
        self.resource = resource
        self.scopes = frozenset(resource.scopes)
        self._by_url = {authority.issuer.url: authority for authority in authorities}
        self._introspectors = {
            authority.issuer.url: Introspector(authority, authority.issuer.introspection)
            for authority in authorities
            if authority.issuer.introspection is not None
        }
        self._clock = clock
        self._proofs = Proofs(clock, nonces=nonces)
        self._known: dict[bytes, dict[str, _Known]] = {}
        """By hash of the token, then by path."""
        self._refused: dict[bytes, float] = {}

    def challenge(self, path: str, *, error: str = "") -> str:
        """For a request without a token, or with a credential of another kind."""
        return self.resource.challenge(path, error=error, scope=joined(self.resource.scopes))

    def remembered(self, request: HttpRequest) -> Principal | None:
        """From the notes on the head, without hashing the token again."""
        known: _Known | None = request.notes.get(_NOTE)
        if known is None or self._clock() >= known.until or known.generation != known.authority.generation:
            return None
        return known.principal

    def recognise(self, request: HttpRequest, scheme: str, token: str) -> Principal | None:
        """Whose token it is if that can be said at once, else None. Raises AuthenticationError, RemoteError."""
        known = self._known.get(sha256(token.encode()).digest(), _NOWHERE).get(request.path)
        if known is None or self._clock() >= known.until or known.generation != known.authority.generation:
            try:
                known = self._judge(request, token)
            except KeysNeededError:
                return None
            except (JoseError, TokenError) as error:
                self._refuse(request.path, error)
            if known is None:
                return None
        if known.bound is None and scheme == "bearer":
            request.notes[_NOTE] = known
            return known.principal
        return self._let_in(request, scheme, token, known)

    async def verify(self, request: HttpRequest, scheme: str, token: str) -> Principal:
        """Whose token it is, asking its issuer. Raises AuthenticationError, RemoteError."""
        try:
            known = await self._ask(request, token)
        except (JoseError, TokenError) as error:
            self._refuse(request.path, error)
        return self._let_in(request, scheme, token, known)

    def _judge(self, request: HttpRequest, token: str) -> _Known | None:
        """Without asking anybody; None for what only the issuer can say."""
        if not jose.looks_compact(token):
            if not self._introspectors:
                raise TokenError("the token is not one of this gateway's keys, nor a signed access token")
            if self._refused.get(sha256(token.encode()).digest(), 0.0) > self._clock():
                raise TokenError(INACTIVE)
            return None
        authority, compact = self._read(token)
        accepted = self._accept(authority, compact, request.path)
        introspection = authority.issuer.introspection
        if introspection is not None and introspection.always:
            return None
        return self._remember(request, token, authority, accepted, LOOK_AGAIN)

    async def _ask(self, request: HttpRequest, token: str) -> _Known:
        if not jose.looks_compact(token):
            (url,) = self._introspectors  # configuration: one at most, or a token would be shown around
            authority = self._by_url[url]
        else:
            authority, compact = self._read(token)
            try:
                accepted = self._accept(authority, compact, request.path)
            except KeysNeededError:
                await authority.renew()
                try:
                    accepted = self._accept(authority, compact, request.path)
                except KeysNeededError:
                    raise JoseError("the token is signed with a key that the issuer does not have") from None
            if authority.issuer.introspection is None or not authority.issuer.introspection.always:
                return self._remember(request, token, authority, accepted, LOOK_AGAIN)
            return await self._introspect(request, token, authority, accepted)
        return await self._introspect(request, token, authority, None)

    async def _introspect(
        self, request: HttpRequest, token: str, authority: Authority, accepted: Accepted | None
    ) -> _Known:
        """`accepted` is what a signed token says itself: then the issuer is asked only whether it is still active."""
        assert authority.issuer.introspection is not None
        try:
            claims = await self._introspectors[authority.issuer.url].claims(token)
        except TokenError:
            if len(self._refused) >= MAX_KNOWN:
                self._refused.clear()
            self._refused[sha256(token.encode()).digest()] = self._clock() + REFUSED_SECONDS
            raise
        if accepted is None:
            audiences = self._audiences(authority, request.path)
            accepted = accept(claims, authority.issuer, audiences, self._clock(), exp_needed=False)
        return self._remember(request, token, authority, accepted, authority.issuer.introspection.interval)

    def _read(self, token: str) -> tuple[Authority, Compact]:
        """Take it apart and find whom it claims to be from. Raises JoseError, TokenError."""
        compact = jose.read(token)
        issuer = compact.claims.get("iss")
        authority = self._by_url.get(issuer) if isinstance(issuer, str) else None
        if authority is None:
            raise TokenError("the token is not from an issuer that is trusted here")
        return authority, compact

    def _accept(self, authority: Authority, compact: Compact, path: str) -> Accepted:
        """Verify and read it. Raises KeysNeededError, JoseError, TokenError."""
        check_type(compact.typ, {}, authority.issuer)
        claims = jose.verify_signature(compact, authority.key_for(compact), authority.issuer.algorithms)
        check_issuer(claims, authority.issuer)
        check_type(compact.typ, claims, authority.issuer)
        return accept(claims, authority.issuer, self._audiences(authority, path), self._clock())

    def _audiences(self, authority: Authority, path: str) -> frozenset[str]:
        """The resource of the path, the gateway as a whole, and what the issuer was configured to call it."""
        return authority.issuer.audience | {self.resource.whole, self.resource.identifier(path)}

    def _remember(
        self, request: HttpRequest, token: str, authority: Authority, accepted: Accepted, seconds: float
    ) -> _Known:
        principal = accepted.principal
        assert principal.auth is not None
        auth: Authentication = replace(principal.auth, metadata=self.resource.metadata_url(request.path))
        until = min(self._clock() + seconds, auth.until + authority.issuer.leeway)
        known = _Known(until, replace(principal, auth=auth), accepted.bound, authority, authority.generation)
        if len(self._known) >= MAX_KNOWN:
            self._forget()
        places = self._known.setdefault(sha256(token.encode()).digest(), {})
        if len(places) >= MAX_PLACES:
            places.clear()
        places[request.path] = known
        return known

    def _forget(self) -> None:
        """Make room: what has run out, else the older half."""
        now = self._clock()
        live = [
            (key, places)
            for key, places in self._known.items()
            if any(known.until > now for known in places.values())
        ]
        self._known = dict(live if len(live) < MAX_KNOWN // 2 else live[len(live) // 2 :])

    def _let_in(self, request: HttpRequest, scheme: str, token: str, known: _Known) -> Principal:
        """Proof of possession, where the token needs one. Raises AuthenticationError, RemoteError."""
        method, thumbprint = known.bound or ("", "")
        if method == "jkt":
            self._check_proof(request, scheme, token, thumbprint)
        elif scheme != "bearer":
            self._refuse(request.path, TokenError("the token is bound to no key: send it as `Bearer`"))
        elif method:
            self._check_certificate(request, thumbprint)
        return known.principal

    def _check_certificate(self, request: HttpRequest, expected: str) -> None:
        """RFC 8705 section 3: on a connection with the very certificate that the token was issued to."""
        shown = certificate.thumbprint(request.certificate) if request.certificate else ""
        if not hmac.compare_digest(shown.encode(), expected.encode()):
            self._refuse(
                request.path, TokenError("the token is bound to a client certificate, which was not shown")
            )

    def _check_proof(self, request: HttpRequest, scheme: str, token: str, thumbprint: str) -> None:
        if scheme != "dpop":
            self._refuse(
                request.path, TokenError("the token is bound to a key: send it as `DPoP` with a proof")
            )
        shown = Shown(request.method, self.resource.public_url + request.path, token, thumbprint)
        try:
            self._proofs.check(request.headers.get("dpop", ""), shown)
        except CrowdedError:
            raise RemoteError(
                "busy",
                "too many requests with DPoP proofs: try again",
                rpc_code=jsonrpc.UNDECIDED,
                status=503,
            ) from None
        except ProofError as error:
            nonce = self._proofs.nonce()
            raise AuthenticationError(
                error.public,
                challenge(
                    "DPoP",
                    self.resource.metadata_url(request.path),
                    error="use_dpop_nonce" if error.nonce else "invalid_dpop_proof",
                    error_description=error.public,
                    algs=" ".join(ALGORITHMS),
                ),
                headers=(("DPoP-Nonce", nonce),) if nonce else (),
            ) from error

    def _refuse(self, path: str, error: JoseError | TokenError) -> NoReturn:
        public = str(error)
        raise AuthenticationError(
            public,
            self.resource.challenge(
                path, error="invalid_token", error_description=public, scope=joined(self.resource.scopes)
            ),
            getattr(error, "private", ""),
        ) from error
