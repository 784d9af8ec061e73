"""The wiring of the login front: a configured issuer, and keepgate before it as the authorization server of clients."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from keepgate.auth.front import Front
from keepgate.auth.front_clients import ClientError, FrontClients, clients_of
from keepgate.auth.oidc import OidcLogin
from keepgate.compose.identity import authority_of, resource_of
from keepgate.config import Resolver, Settings
from keepgate.gateway.enforce import Enforcer
from keepgate.model.errors import ConfigError
from keepgate.transports.fetch import Fetcher

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

RATE, BURST = 2.0, 60.0
"""Requests a second of one address."""


def front_of(settings: Settings, resolve: Resolver) -> Front | None:
    """The front; None if none is configured. Raises ConfigError."""
    given, resource = settings.identity.front, resource_of(settings)
    if given is None or resource is None:
        return None
    secret = None
    if given.client_secret is not None:
        text = resolve(given.client_secret)
        secret = lambda: text  # noqa: E731 - so that no traceback or repr of the client shows it
    authority = authority_of(given.issuer, settings, resolve)
    login = OidcLogin(authority, given.client_id, secret, time.time, given.scopes)
    return Front(
        login, resource, time.time, access_seconds=given.token_seconds, login_seconds=given.login_seconds
    )


def front_routes(settings: Settings, front: Front, enforcer: Enforcer) -> list[BaseRoute]:
    """For the web application beside the endpoint. Raises ConfigError."""
    from keepgate.auth.front_web import FrontWeb

    given = settings.identity.front
    assert given is not None  # there is no front otherwise
    try:
        known = clients_of(given.clients)
    except ClientError as error:
        raise ConfigError(f"`identity.front.clients`: {error}") from None
    clients = FrontClients(known, Fetcher(), time.time, registration=given.registration)
    return FrontWeb(front, clients, settings.identity.scopes, _Desk(enforcer)).routes()


class _Desk:
    """front_web.Desk."""

    def __init__(self, enforcer: Enforcer) -> None:
        self._enforcer = enforcer

    def note(self, event: str, reason: str, *, principal: str = "", private: str = "") -> None:
        """Raises AuditError."""
        self._enforcer.event(event, reason, principal=principal, private=private)

    def spend(self, source: str) -> float:
        """Seconds to wait."""
        left = self._enforcer.meters.spend(f"front:{source}", rate=RATE, burst=BURST)
        return left.resets_in if left.remaining < 0 else 0.0
