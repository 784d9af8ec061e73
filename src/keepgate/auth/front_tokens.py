"""Access tokens of the login front beside those of issuers (ports.AccessTokens): told apart by how they begin."""

from __future__ import annotations

from keepgate.auth.front import Front
from keepgate.auth.resource_server import ResourceServer
from keepgate.model.access import Principal
from keepgate.model.errors import AuthenticationError
from keepgate.model.keys import FRONT_PREFIX
from keepgate.ports import HttpRequest
from keepgate.protocol.challenge import joined


class FrontTokens:
    """Tokens of the front are known here; whatever else is shown is the resource server's business."""

    def __init__(self, front: Front, others: ResourceServer) -> None:
        self._front = front
        self._others = others
        self.scopes = others.scopes

    def challenge(self, path: str, *, error: str = "") -> str:
        """For a request without a token, or with a credential of another kind."""
        return self._others.challenge(path, error=error)

    def remembered(self, request: HttpRequest) -> Principal | None:
        """Tokens of the front are looked up each time: they end when their login does."""
        return self._others.remembered(request)

    def recognise(self, request: HttpRequest, scheme: str, token: str) -> Principal | None:
        """Whose token it is if that can be said at once. Raises AuthenticationError, RemoteError."""
        if not token.startswith(FRONT_PREFIX):
            return self._others.recognise(request, scheme, token)
        found = self._front.principal(token, request.path) if scheme == "bearer" else None
        if found is None:
            public = "the token is unknown, has expired, or is for another resource"
            raise AuthenticationError(
                public,
                self._front.resource.challenge(
                    request.path,
                    error="invalid_token",
                    error_description=public,
                    scope=joined(self._front.resource.scopes),
                ),
            )
        return found

    async def verify(self, request: HttpRequest, scheme: str, token: str) -> Principal:
        """Whose token it is, asking its issuer. Raises AuthenticationError, RemoteError."""
        return await self._others.verify(request, scheme, token)
