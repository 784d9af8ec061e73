"""Who asks, on the admin face: a key or the token of a login in `Authorization`, or the cookie of a login."""

from __future__ import annotations

from starlette.requests import Request

from keepgate.admin.access import Identity
from keepgate.admin.administrators import Roll
from keepgate.admin.problem import ProblemError


class KeyDoor:
    """face.Door for keys alone. `demand` is `admin.second_factor` of the configuration."""

    def __init__(self, roll: Roll, demand: str) -> None:
        self._roll = roll
        self._demand = demand

    async def admit(self, request: Request) -> Identity:
        """Raises ProblemError (401)."""
        return self.by_key(presented(request))

    def by_key(self, key: str) -> Identity:
        """Raises ProblemError (401)."""
        found = self._roll.by_key(key)
        if found is None:
            raise ProblemError(401, "key", "the key is unknown, expired or revoked")
        return Identity(found.name, found.roles, second_factor=self._demand == "never")


def presented(request: Request) -> str:
    """What stands in `Authorization: Bearer`. Raises ProblemError (401)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ProblemError(401, "unauthenticated", "log in, or send `Authorization: Bearer <key>`")
    return token.strip()
