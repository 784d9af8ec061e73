"""The wiring of identity: configured issuers to the resource server that judges their tokens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from keepgate.auth import dpop
from keepgate.auth.apikey import KeyRing
from keepgate.auth.certificate import Certificates
from keepgate.auth.front import Front
from keepgate.auth.front_tokens import FrontTokens
from keepgate.auth.issuer import Authority, Introspection, Issuer
from keepgate.auth.resource import Resource, routes
from keepgate.auth.resource_server import ResourceServer
from keepgate.config import Resolver, Settings
from keepgate.gateway.gateway import Outside
from keepgate.gateway.subjects import Subjects
from keepgate.model.errors import ConfigError
from keepgate.ports import AccessTokens, AuditLog
from keepgate.stores.keys import JsonKeyStore
from keepgate.transports.fetch import Fetcher
from keepgate.transports.http_rules import is_loopback

if TYPE_CHECKING:
    from starlette.routing import Route


def resource_of(settings: Settings) -> Resource | None:
    """What keepgate is as a protected resource; None if it takes no access tokens."""
    issuers = settings.identity.issuers.values()
    if not issuers:
        return None
    return Resource(
        settings.public_url,
        _authorities(settings),
        settings.identity.scopes,
        dpop.ALGORITHMS,
        dpop_required=all(issuer.dpop == "required" for issuer in issuers),
        certificates=settings.tls is not None and settings.tls.client_ca is not None,
    )


def _authorities(settings: Settings) -> tuple[str, ...]:
    """Where clients get tokens: at the login front, in place of the issuer that it stands before, and at the others."""
    front = settings.identity.front
    behind = front.issuer if front is not None else ""
    others = tuple(issuer.url for name, issuer in settings.identity.issuers.items() if name != behind)
    return (settings.public_url, *others) if front is not None else others


def metadata_of(settings: Settings) -> list[Route]:
    """The RFC 9728 documents; none if keepgate takes no access tokens."""
    resource = resource_of(settings)
    return routes(resource) if resource is not None else []


def tokens_of(settings: Settings, resolve: Resolver) -> ResourceServer | None:
    """Who judges access tokens; None if none are taken. Raises ConfigError."""
    resource = resource_of(settings)
    if resource is None:
        return None
    authorities = [authority_of(name, settings, resolve) for name in settings.identity.issuers]
    return ResourceServer(resource, authorities, time.time, nonces=settings.identity.dpop_nonce)


def authority_of(name: str, settings: Settings, resolve: Resolver) -> Authority:
    """A configured issuer at work. Raises ConfigError if its secret or its authorities cannot be had."""
    given = settings.identity.issuers[name]
    asked = given.introspection
    introspection = None
    if asked is not None:
        secret = resolve(asked.client_secret)
        introspection = Introspection(
            asked.client_id, lambda: secret, asked.url, always=asked.always, interval=asked.interval
        )
    if given.ca is not None and not given.ca.is_file():
        raise ConfigError(f"the file `{given.ca}` under `identity.issuers.{name}.ca` does not exist")
    issuer = Issuer(
        name=name,
        url=given.url,
        jwks_url=given.jwks_url,
        audience=frozenset(given.audience),
        algorithms=given.algorithms,
        types=given.types,
        prefix=given.prefix,
        foreign=tuple(
            other.prefix for other in settings.identity.issuers.values() if other.prefix and not given.prefix
        ),
        claims={
            key: path
            for key in ("user", "client", "groups", "tenant")
            if (path := getattr(given.claims, key))
        },
        leeway=given.leeway,
        max_age=given.max_age,
        dpop_required=given.dpop == "required",
        introspection=introspection,
    )
    local = is_loopback(urlsplit(given.url).hostname or "")
    fetch = Fetcher(private=given.private_network, local=local, ca=str(given.ca) if given.ca else None)
    return Authority(issuer, fetch, time.time)


def outside_of(
    settings: Settings,
    audit: AuditLog,
    resolve: Resolver,
    subjects: Subjects | None = None,
    front: Front | None = None,
) -> Outside:
    """What the gateway uses of the world, tokens of a login front included. Raises ConfigError."""
    keys = KeyRing(JsonKeyStore(settings.state))
    tokens: AccessTokens | None = tokens_of(settings, resolve)
    certificates = certificates_of(settings)
    if front is not None and isinstance(tokens, ResourceServer):
        tokens = FrontTokens(front, tokens)
    return Outside(audit, keys, time.time_ns, time.monotonic, tokens, certificates, subjects=subjects)


def certificates_of(settings: Settings) -> Certificates | None:
    """Who judges client certificates; None if none are asked for."""
    if settings.tls is None or settings.tls.client_ca is None:
        return None
    return Certificates(frozenset(settings.identity.trust_domains), time.time)


def tls_of(settings: Settings) -> tuple[str, str, str] | None:
    """Certificate, key, authorities of clients (empty: none are asked)."""
    tls = settings.tls
    return None if tls is None else (str(tls.cert), str(tls.key), str(tls.client_ca or ""))


def hosts_of(settings: Settings) -> tuple[str, ...]:
    """The names that clients may use besides the address: the configured ones, and those of URLs of its own."""
    urls = [settings.identity.public_url]
    if settings.admin is not None:
        urls.append(settings.admin.url)
        if not settings.admin.url and not settings.loopback:
            urls += [f"http://{name}:{settings.address[1]}" for name in ("localhost", "127.0.0.1", "[::1]")]
    return (*settings.allowed_hosts, *filter(None, (urlsplit(url).netloc for url in urls)))
