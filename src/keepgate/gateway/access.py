"""Who sends an HTTP request: API keys, access tokens, certificates, or nobody where that was allowed on purpose.

What stands in `Authorization` says who it is; a client certificate says so only where there is nothing.
Any failure is 401: a credential that does not open is never tried as another kind, and never anonymous.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, NoReturn

from keepgate.gateway.enforce import Enforcer
from keepgate.model.access import ANONYMOUS, Principal
from keepgate.model.errors import AuthenticationError, RemoteError
from keepgate.model.keys import KEY_PREFIX
from keepgate.ports import AccessTokens, ClientCertificates, HttpRequest, KeyRing
from keepgate.protocol import jsonrpc
from keepgate.protocol.challenge import challenge, joined

FAILURES = 1.0
"""Wrong credentials a second that one address may try; each is recorded, and beyond it no more are."""
FAILURES_BURST = 100.0
MAX_WAITING: Final = 1000
"""Requests whose tokens are being asked about; beyond it they are refused."""
MAX_WAITING_EACH: Final = 16
"""The same of one address, so that nobody keeps all others from being asked about; one at a time of an address that
has shown too many wrong credentials."""


class Gatekeeper:
    """Authenticates every HTTP request, GET and DELETE included."""

    def __init__(
        self,
        keys: KeyRing,
        enforcer: Enforcer,
        *,
        anonymous: bool,
        tokens: AccessTokens | None = None,
        certificates: ClientCertificates | None = None,
    ) -> None:
        self._keys = keys
        self._enforcer = enforcer
        self._anonymous = anonymous
        self._tokens = tokens
        self._certificates = certificates
        self._scopes = tokens.scopes if tokens is not None else frozenset[str]()
        self._waiting: Counter[str] = Counter()
        """Requests by address."""

    def authenticate(self, request: HttpRequest) -> Principal | None:
        """The principal, or None: `ask` must be awaited, only the issuer of the token can tell.

        Raises AuthenticationError, RemoteError (429, 503), AuditError.
        """
        if self._tokens is not None:
            remembered = self._tokens.remembered(request)
            if remembered is not None:
                return remembered
        presented = request.headers.get("authorization")
        if presented is None:
            return self._nobody(request)
        scheme, _, token = presented.partition(" ")
        scheme, token = scheme.lower(), token.strip()
        if self._tokens is None or token.startswith(KEY_PREFIX):
            principal = self._keys.authenticate(token) if scheme == "bearer" else None
            if principal is None:
                self._failed(request, self._unknown_key(request))
            return principal
        if not token or scheme not in ("bearer", "dpop"):
            self._failed(request, self._unknown_key(request))
        try:
            return self._tokens.recognise(request, scheme, token)
        except AuthenticationError as error:
            self._failed(request, error)

    async def ask(self, request: HttpRequest) -> Principal:
        """The principal of a request for which `authenticate` said None. Raises as it does."""
        assert self._tokens is not None
        peer = request.peer
        most = 1 if self._enforcer.meters.exhausted(f"peer:{peer}") else MAX_WAITING_EACH
        if self._waiting[peer] >= most or self._waiting.total() >= MAX_WAITING:
            raise RemoteError(
                "busy",
                "too many tokens are being verified: try again",
                rpc_code=jsonrpc.UNDECIDED,
                status=503,
            )
        scheme, _, token = request.headers["authorization"].partition(" ")
        self._waiting[peer] += 1
        try:
            return await self._tokens.verify(request, scheme.lower(), token.strip())
        except AuthenticationError as error:
            self._failed(request, error)
        finally:
            self._waiting[peer] -= 1
            if not self._waiting[peer]:
                del self._waiting[peer]

    def check_scopes(self, principal: Principal) -> None:
        """What every access token needs. Raises AuthenticationError (403)."""
        auth = principal.auth
        if auth is None or self._scopes <= auth.scopes:
            return
        self._enforcer.event("auth.scope", "the access token lacks a scope", principal=principal.id)
        raise AuthenticationError(
            "the access token lacks a scope",
            challenge(auth.scheme, auth.metadata, error="insufficient_scope", scope=joined(self._scopes)),
            status=403,
        )

    def _nobody(self, request: HttpRequest) -> Principal:
        """No credential where one belongs. Raises AuthenticationError."""
        if "access_token=" in request.query:
            self._failed(
                request,
                AuthenticationError(
                    "a token in the query is not accepted, and may have been logged on its way: revoke it",
                    self._challenge(request, error="invalid_request"),
                ),
            )
        if self._certificates is not None and request.certificate:
            try:
                return self._certificates.authenticate(request.certificate)
            except AuthenticationError as error:
                self._failed(request, error)
        if self._anonymous:
            return ANONYMOUS
        raise AuthenticationError(
            "authentication is required: send `Authorization: Bearer <key or access token>`",
            self._challenge(request),
        )

    def _challenge(self, request: HttpRequest, *, error: str = "") -> str:
        if self._tokens is not None:
            return self._tokens.challenge(request.path, error=error)
        return f'Bearer error="{error}"' if error else "Bearer"

    def _unknown_key(self, request: HttpRequest) -> AuthenticationError:
        return AuthenticationError(
            "the key is unknown, expired or revoked", self._challenge(request, error="invalid_token")
        )

    def _failed(self, request: HttpRequest, error: AuthenticationError) -> NoReturn:
        """Record a refused credential, count it against the address it came from, refuse."""
        if error.headers:  # a DPoP nonce to be used: the usual way of a first request, no attempt at anything
            raise error
        spent = self._enforcer.meters.spend(f"peer:{request.peer}", rate=FAILURES, burst=FAILURES_BURST)
        if spent.remaining < 0:
            raise RemoteError(
                "rate",
                "too many failed attempts",
                rpc_code=jsonrpc.RATE_LIMITED,
                status=429,
                retry_after=spent.resets_in,
            ) from error
        self._enforcer.event("auth.failed", f"{error.public}, from {request.peer}", private=error.private)
        raise error
