"""Tokens without a browser: client credentials, token exchange (RFC 8693), enterprise-managed authorization."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from keepgate.auth.client.discovery import Authority, Discovery, Found
from keepgate.auth.client.token import Client, Token, ask_token, method_for
from keepgate.model.errors import UpstreamError
from keepgate.ports import Ask

_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TYPES: Final = {
    "access_token": "urn:ietf:params:oauth:token-type:access_token",
    "id_token": "urn:ietf:params:oauth:token-type:id_token",
    "jwt": "urn:ietf:params:oauth:token-type:jwt",
    "id_jag": "urn:ietf:params:oauth:token-type:id-jag",
}

Subject = Callable[[], str]
"""The token of whom something is asked for. Raises UpstreamError if there is none now."""
Obtain = Callable[[Mapping[str, str], tuple[str, ...]], Awaitable[Token]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is configured of the token for one server."""

    server: str
    client: Client
    scopes: tuple[str, ...] = ()
    resource: str = ""
    """Instead of what the server's metadata says."""
    audience: str = ""


def client_credentials(asked: Asked, discovery: Discovery, ask: Ask) -> Obtain:
    """keepgate's own token (RFC 6749 section 4.4), the same for all callers."""

    async def obtain(challenge: Mapping[str, str], scopes: tuple[str, ...]) -> Token:
        found = await discovery.find(challenge)
        form = {"grant_type": "client_credentials", **_target(asked, found, scopes)}
        return await ask_token(ask, found.authority, _as(asked.client, found.authority), form)

    return obtain


def exchange(
    asked: Asked, issuer: str, discovery: Discovery, ask: Ask, subject: Subject, kind: str = "access_token"
) -> Obtain:
    """A token for the server in place of the caller's, from the issuer of the caller's."""

    async def obtain(_: Mapping[str, str], scopes: tuple[str, ...]) -> Token:
        token = subject()
        authority = await discovery.authority(issuer)
        form: dict[str, str | tuple[str, ...]] = {
            "grant_type": _EXCHANGE,
            "subject_token": token,
            "subject_token_type": TYPES[kind],
            "requested_token_type": TYPES["access_token"],
            **_wanted(asked, asked.resource, scopes),
        }
        if asked.audience:
            form["audience"] = asked.audience
        return await ask_token(ask, authority, _as(asked.client, authority), form)

    return obtain


@dataclass(frozen=True, slots=True)
class Provider:
    """The enterprise's identity provider, as it is configured."""

    client: Client
    issuer: str = ""
    token: str = ""
    """Its token endpoint; empty: as the metadata of `issuer` says."""


def identity_assertion(
    asked: Asked,
    provider: Provider,
    discovery: Discovery,
    ask: Ask,
    subject: Subject,
    kind: str = "id_token",
) -> Obtain:
    """An ID-JAG from the enterprise's provider, then a token for it from the server's own authorization server."""

    async def obtain(challenge: Mapping[str, str], scopes: tuple[str, ...]) -> Token:
        identity = subject()
        found = await discovery.find(challenge)
        home = Authority(provider.issuer, provider.token)
        if not provider.token:
            home = await discovery.authority(provider.issuer)
        resource = asked.resource or found.resource
        form = {
            "grant_type": _EXCHANGE,
            "requested_token_type": TYPES["id_jag"],
            "subject_token": identity,
            "subject_token_type": TYPES[kind],
            "audience": found.authority.issuer,
            **_wanted(asked, resource, scopes or found.scopes),
        }
        assertion = await ask_token(ask, home, _as(provider.client, home), form)
        redeemed = {"grant_type": _BEARER, "assertion": assertion.access, **_wanted(asked, resource, scopes)}
        return await ask_token(ask, found.authority, _as(asked.client, found.authority), redeemed)

    return obtain


def _target(asked: Asked, found: Found, scopes: tuple[str, ...]) -> dict[str, str]:
    return _wanted(asked, asked.resource or found.resource, scopes or found.scopes)


def _wanted(asked: Asked, resource: str, scopes: tuple[str, ...]) -> dict[str, str]:
    every = tuple(dict.fromkeys((*asked.scopes, *(scopes if not asked.scopes else ()))))
    wanted = {"resource": resource} if resource else {}
    return {**wanted, "scope": " ".join(every)} if every else wanted


def _as(client: Client, authority: Authority) -> Client:
    return client if client.method != "auto" else replace(client, method=method_for(authority, client))


def no_subject(server: str) -> UpstreamError:
    """There is no token of the caller's to exchange."""
    text = f"server `{server}` is reached with a token exchanged for yours, and you came without one"
    return UpstreamError("auth", text, status=401)
