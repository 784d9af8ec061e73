"""The wiring of authorization at servers: configured ways to the credentials that requests carry."""

from __future__ import annotations

import time
from collections.abc import Callable, Container
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from keepgate import config
from keepgate.auth.apikey import KeyRing
from keepgate.auth.client import grants
from keepgate.auth.client.credentials import TokenCredential, UserCredential
from keepgate.auth.client.discovery import Discovery
from keepgate.auth.client.login import Keep, Login, Terms
from keepgate.auth.client.pages import CALLBACK, PATH, Doors
from keepgate.auth.client.tickets import Tickets
from keepgate.auth.client.token import Client
from keepgate.auth.oidc import OidcLogin
from keepgate.compose.identity import authority_of
from keepgate.compose.secrets import grant_store, resolver
from keepgate.config import Auth, Server, Settings
from keepgate.gateway.subjects import Subjects
from keepgate.model.access import Principal
from keepgate.model.errors import ConfigError
from keepgate.ports import Ask, Credential
from keepgate.stores.keys import JsonKeyStore
from keepgate.transports.addresses import is_private
from keepgate.transports.fetch import Fetcher
from keepgate.transports.http_rules import is_loopback

if TYPE_CHECKING:
    from starlette.routing import Route


@dataclass(slots=True)
class Shared:
    """One credential for all callers."""

    credential: Credential


@dataclass(slots=True)
class Own:
    """A credential for each principal."""

    of: Callable[[Principal], Credential]


class Authorizations:
    """How keepgate is authorized at its servers, for one process and over its reloads."""

    def __init__(self, settings: Settings, *, pages: bool = True) -> None:
        """`pages`: this process serves HTTP, so that people can log in by a browser."""
        self._settings = settings
        self._holders: WeakValueDictionary[tuple[str, str], UserCredential] = WeakValueDictionary()
        keys = KeyRing(JsonKeyStore(settings.state))
        url = settings.public_url if pages else ""
        self.doors = Doors(Tickets(time.monotonic), keys, url, {}, self._granted)
        if pages:
            self.doors.provers = provers_of(settings)
        self.subjects = (
            Subjects() if any(_exchanges(each.auth) for each in settings.servers.values()) else None
        )
        self.told: Callable[[str], None] = lambda _principal: None
        """Told the principal of every login."""

    @cached_property
    def keep(self) -> Keep:
        """The vault, opened when the first server needs it."""
        return grant_store(self._settings)

    def way(self, name: str, server: Server, resolve: config.Resolver) -> Shared | Own | None:
        """How a server is to be authorized; None if it is not. Raises ConfigError if a secret is missing."""
        auth = server.auth
        if auth is None:
            return None
        if self._late(auth):
            raise ConfigError(f"restart keepgate: at its start no server had `auth` of type `{auth.type}`")
        ask = ask_for(server)
        local = is_loopback(urlsplit(server.url).hostname or "")
        discovery = Discovery(name, server.url, ask, local=local, issuer=auth.issuer)
        if auth.type == "oauth":
            login = self.login(name, server, resolve)
            return Own(lambda principal: self._user(principal, login))
        client = client_of(auth, resolve)
        assert client is not None  # the configuration was checked
        asked = grants.Asked(name, client, auth.scopes, auth.resource, auth.audience)
        if auth.type == "client_credentials":
            return Shared(TokenCredential(name, grants.client_credentials(asked, discovery, ask), first=b""))
        given = resolve(auth.subject_token) if auth.subject_token is not None else None

        def obtain(subject: grants.Subject) -> grants.Obtain:
            if auth.idp is None:
                return grants.exchange(asked, auth.issuer, discovery, ask, subject, auth.subject)
            secret = auth.idp.client_secret and resolve(auth.idp.client_secret)
            key = auth.idp.client_key and resolve(auth.idp.client_key)
            known = Client(auth.idp.client_id, "auto", secret or "", key or "")
            provider = grants.Provider(known, auth.idp.issuer, auth.idp.token_url)
            return grants.identity_assertion(asked, provider, discovery, ask, subject, auth.subject)

        if given is not None:
            return Shared(TokenCredential(name, obtain(lambda: given), first=b""))
        return Own(lambda principal: self._exchanged(name, principal, obtain))

    def _late(self, auth: Auth) -> bool:
        """Whether what this needs is only made at the start of the process."""
        return _exchanges(auth) and self.subjects is None

    def only(self, servers: Container[str]) -> None:
        """Nobody logs in any more at a server that is not configured."""
        for name in [name for name in self.doors.logins if name not in servers]:
            del self.doors.logins[name]

    def login(self, name: str, server: Server, resolve: config.Resolver) -> Login:
        """Logging in at a server. Raises ConfigError."""
        assert server.auth is not None
        ask, auth = ask_for(server), server.auth
        local = is_loopback(urlsplit(server.url).hostname or "")
        terms = Terms(
            name,
            server.url,
            client_of(auth, resolve),
            auth.scopes,
            auth.issuer,
            auth.client_metadata_url or self._own_document,
        )
        login = Login(
            terms, Discovery(name, server.url, ask, local=local, issuer=auth.issuer), ask, self.keep
        )
        self.doors.logins[name] = login, self.keep
        return login

    def _user(self, principal: Principal, login: Login) -> UserCredential:
        made = UserCredential(principal, login, self.keep, self.doors)
        self._holders[principal.id, login.terms.server] = made
        return made

    def _exchanged(
        self, name: str, principal: Principal, obtain: Callable[[grants.Subject], grants.Obtain]
    ) -> TokenCredential:
        subjects = self.subjects

        def subject() -> str:
            found = subjects.token(principal.id) if subjects is not None else ""
            if not found:
                raise grants.no_subject(name)
            return found

        until = subjects.until if subjects is not None else lambda _: 0.0
        return TokenCredential(name, obtain(subject), until=lambda: until(principal.id))

    async def _granted(self, principal: str, server: str) -> None:
        holder = self._holders.get((principal, server))
        if holder is not None:
            holder.granted()
        self.told(principal)

    # What the HTTP side serves

    @property
    def _own_document(self) -> str:
        """The URL of our own client metadata document, where authorization servers can read it."""
        url = self.doors.public_url
        return f"{url}{PATH}/client.json" if url.startswith("https:") else ""

    def routes(self) -> list[Route]:
        """The pages of logins: there from the start, for a server that needs them can come with a reload."""
        document = None
        if self._own_document:
            document = {
                "client_id": self._own_document,
                "client_name": "keepgate",
                "redirect_uris": [f"{self.doors.public_url}{CALLBACK}"],
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "token_endpoint_auth_method": "none",
                "application_type": "web",
            }
        return self.doors.routes(document)


def _exchanges(auth: Auth | None) -> bool:
    return auth is not None and auth.type in ("token_exchange", "id_jag") and auth.subject_token is None


def ask_for(server: Server) -> Ask:
    """Requests to whoever authorizes for a server: inside only where the server itself is configured to be inside."""
    host = urlsplit(server.url).hostname or ""
    inside = server.allow_private or is_private(host)
    local = is_loopback(host) or server.allow_private
    ca = str(server.tls.ca) if server.tls.ca is not None else None
    return Fetcher(private=inside, local=local, also=ca).ask


def client_of(auth: Auth, resolve: config.Resolver) -> Client | None:
    """The client that was registered beforehand. Raises ConfigError if its secret is missing."""
    if not auth.client_id:
        return None
    secret = resolve(auth.client_secret) if auth.client_secret is not None else ""
    key = resolve(auth.client_key) if auth.client_key is not None else ""
    return Client(auth.client_id, auth.client_auth, secret, key, auth.client_algorithm)


def provers_of(settings: Settings) -> dict[str, OidcLogin]:
    """Where users of each issuer's tokens show at a browser who they are. Raises ConfigError if a secret is missing."""
    resolve, found = resolver(settings), {}
    for name, issuer in settings.identity.issuers.items():
        if (given := issuer.login) is not None:
            text = resolve(given.client_secret) if given.client_secret is not None else None
            secret = partial(str, text) if text is not None else None
            authority = authority_of(name, settings, resolve)
            found[name] = OidcLogin(authority, given.client_id, secret, time.time, given.scopes)
    return found
