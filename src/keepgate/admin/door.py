"""Who asks, on the admin face: a key or the token of a login in `Authorization`, or the cookie of a login."""

from __future__ import annotations

from starlette.requests import Request

from keepgate.admin.access import Identity
from keepgate.admin.cookie import token_of
from keepgate.admin.logins import Login, check_csrf
from keepgate.admin.place import SAFE, Place
from keepgate.admin.problem import ProblemError
from keepgate.admin.reception import Reception
from keepgate.model.administrator import ADMIN_SESSION_PREFIX


class FrontDoor:
    """face.Door. `demand` is `admin.second_factor` of the configuration."""

    def __init__(self, reception: Reception, place: Place, demand: str) -> None:
        self._reception = reception
        self._place = place
        self._demand = demand

    async def admit(self, request: Request) -> Identity:
        """Raises ProblemError (401, 403). What stands in `Authorization` counts alone."""
        if "authorization" in request.headers:
            token = presented(request)
            if token.startswith(ADMIN_SESSION_PREFIX):
                return self._identity(self._reception.logins.find(token, cookie=False))
            return self._by_key(token)
        token = token_of(request, self._place.origin(request))
        if not token:
            raise ProblemError(401, "unauthenticated", "log in, or send `Authorization: Bearer <key>`")
        login = self._reception.logins.find(token, cookie=True)
        identity = self._identity(login)
        if request.method not in SAFE and login is not None:
            self._place.check_own_page(request)
            check_csrf(login, request.headers.get("x-keepgate-csrf", ""))
        return identity

    def _by_key(self, key: str) -> Identity:
        found = self._reception.roll.by_key(key)
        if found is None:
            raise ProblemError(401, "key", "the key is unknown, expired or revoked")
        if self._demand == "always":
            raise ProblemError(
                401, "second-factor", "a key alone opens nothing here: log in with it and a code"
            )
        return Identity(found.name, found.roles, second_factor=self._demand == "never")

    def _identity(self, login: Login | None) -> Identity:
        if login is None:
            raise ProblemError(401, "login", "the login is unknown, or has ended")
        roles = login.roles
        if not roles:
            found = self._reception.roll.get(login.name)
            if found is None or not self._reception.credential_counts(login):
                self._reception.logins.end(login.id)
                raise ProblemError(401, "login", "the login is unknown, or has ended")
            roles = found.roles
        until = self._reception.logins.until(login)
        strong = login.second_factor or self._demand == "never"
        return Identity(login.name, roles, strong, until, login.id, login.csrf if login.cookie else "")


def presented(request: Request) -> str:
    """What stands in `Authorization: Bearer`. Raises ProblemError (401)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ProblemError(401, "unauthenticated", "log in, or send `Authorization: Bearer <key>`")
    return token.strip()
