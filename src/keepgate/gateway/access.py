"""Who sends an HTTP request: API keys, or nobody where that was allowed on purpose. Any failure is 401."""

from __future__ import annotations

from keepgate.gateway.enforce import Enforcer
from keepgate.model.access import ANONYMOUS, Principal
from keepgate.model.errors import RemoteError
from keepgate.ports import HttpRequest, KeyRing
from keepgate.protocol import jsonrpc

FAILURES = 1.0
"""Wrong keys a second that one address may try; each is recorded, and beyond it no more are."""
FAILURES_BURST = 100.0


class AuthenticationError(RemoteError):
    """401 with a challenge."""

    def __init__(self, public: str, challenge: str) -> None:
        super().__init__("unauthenticated", public, rpc_code=jsonrpc.DENIED, status=401)
        self.challenge = challenge


class Gatekeeper:
    """Authenticates every HTTP request, GET and DELETE included."""

    def __init__(self, keys: KeyRing, enforcer: Enforcer, *, anonymous: bool) -> None:
        self._keys = keys
        self._enforcer = enforcer
        self._anonymous = anonymous

    def authenticate(self, request: HttpRequest) -> Principal:
        """The principal. Raises AuthenticationError; a wrong key is never anonymous. Raises AuditError."""
        presented = request.headers.get("authorization")
        if presented is None:
            if self._anonymous:
                return ANONYMOUS
            raise AuthenticationError(
                "authentication is required: send `Authorization: Bearer <key>`", "Bearer"
            )
        scheme, _, token = presented.partition(" ")
        principal = self._keys.authenticate(token.strip()) if scheme.lower() == "bearer" else None
        if principal is None:
            spent = self._enforcer.meters.spend(f"peer:{request.peer}", rate=FAILURES, burst=FAILURES_BURST)
            if spent.remaining < 0:
                raise RemoteError(
                    "rate", "too many failed attempts", rpc_code=jsonrpc.RATE_LIMITED, status=429
                )
            self._enforcer.event(
                "auth.failed", f"a key that is unknown, expired or revoked, from {request.peer}"
            )
            raise AuthenticationError(
                "the key is unknown, expired or revoked", 'Bearer error="invalid_token"'
            )
        return principal
