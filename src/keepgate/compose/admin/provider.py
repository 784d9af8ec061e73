"""The login of administrators at a configured issuer, with the level that the configuration demands."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from keepgate.admin.elsewhere import Person
from keepgate.admin.problem import ProblemError
from keepgate.auth.access_token import TokenError
from keepgate.auth.oidc import LoginError, OidcLogin, Pending
from keepgate.compose.identity import authority_of
from keepgate.compose.secrets import resolver
from keepgate.config import Settings
from keepgate.config.sections.admin import AdminLogin


class IssuerProvider:
    """elsewhere.Provider."""

    def __init__(self, settings: Settings, given: AdminLogin) -> None:
        """Raises ConfigError."""
        secret = None
        if given.client_secret is not None:
            text = resolver(settings)(given.client_secret)
            secret = lambda: text  # noqa: E731 - so that no repr of the client shows it
        self._login = OidcLogin(
            authority_of(given.issuer, settings, resolver(settings)),
            given.client_id,
            secret,
            time.time,
            given.scopes,
        )
        self._acr = given.acr

    async def begin(self, redirect_uri: str, state: str) -> tuple[str, Pending]:
        """Raises RemoteError (503)."""
        return await self._login.begin(redirect_uri, state, acr=self._acr)

    async def finish(self, pending: Any, answer: Mapping[str, str]) -> Person:
        """Raises ProblemError (401), RemoteError (503)."""
        assert isinstance(pending, Pending)  # `begin` gave it
        try:
            return self._person(await self._login.answered(pending, answer))
        except (LoginError, TokenError) as error:
            raise ProblemError(401, "login", error.public, error.private) from error

    def _person(self, claims: Mapping[str, Any]) -> Person:
        """Raises TokenError."""
        found = self._login.principal(claims)
        if not found.user:
            raise TokenError("the login is nobody's: a client cannot be an administrator")
        return Person(f"{self._login.authority.issuer.name}/{found.user}", found.grantees)
