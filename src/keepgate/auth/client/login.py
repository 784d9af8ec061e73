"""The authorization code flow of one server: PKCE, resource indicator, issuer check, registration, refresh.

What is granted is kept with the issuer and the client it was granted by and to: a server that comes to name another
authorization server does not get what the first one gave, and neither does the other authorization server.
"""

from __future__ import annotations

import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Final, Protocol
from urllib.parse import urlencode, urlsplit

from keepgate.auth.client import documents
from keepgate.auth.client.discovery import Authority, Discovery, Found
from keepgate.auth.client.token import Client, Token, ask_token, method_for
from keepgate.model.errors import RemoteError, UpstreamError
from keepgate.ports import Ask
from keepgate.protocol import jsonrpc

_OFFLINE: Final = "offline_access"
_BIG: Final = 16 << 10


class Keep(Protocol):
    """Where grants are kept, sealed: by principal (empty for keepgate's own) and server."""

    def get(self, principal: str, server: str) -> dict[str, Any] | None: ...
    def put(self, principal: str, server: str, value: dict[str, Any]) -> None: ...
    def remove(self, principal: str, server: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Terms:
    """What is configured of one server."""

    server: str
    url: str
    client: Client | None = None
    """Registered beforehand, with the configured issuer; its method may still be open (`auto`)."""
    scopes: tuple[str, ...] = ()
    """To be asked for, whatever the server says; empty: as it says."""
    issuer: str = ""
    """The only one that may authorize; empty: as the server says."""
    client_document: str = ""
    """URL of keepgate's client metadata document."""
    name: str = "keepgate"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a principal was granted at a server."""

    issuer: str
    resource: str
    client: Client
    token: Token

    @property
    def usable(self) -> bool:
        """For half a minute at least."""
        return time.time() + 30 < self.token.expires


@dataclass(frozen=True, slots=True)
class Begun:
    """A login on its way through the user's browser."""

    url: str
    """Where the browser is sent."""
    state: str
    found: Found
    client: Client
    redirect: str
    scopes: tuple[str, ...]
    verifier: str = field(repr=False)


class Login:
    """Logs principals in at one server."""

    def __init__(self, terms: Terms, discovery: Discovery, ask: Ask, keep: Keep) -> None:
        self.terms = terms
        self.discovery = discovery
        self._ask = ask
        self._keep = keep

    async def begin(self, challenge: Mapping[str, str], scopes: tuple[str, ...], redirect: str) -> Begun:
        """Find out where the user has to log in. `scopes` are needed besides those that the server asks of anybody.

        Raises UpstreamError.
        """
        found = await self.discovery.find(challenge)
        authority = found.authority
        if not authority.authorize:
            raise self._cannot("its authorization server has no authorization endpoint")
        methods = authority.document.get("code_challenge_methods_supported")
        if authority.document and not (isinstance(methods, list) and "S256" in methods):
            raise self._cannot("its authorization server does not offer PKCE with S256")
        client = await self._client(authority, redirect)
        wanted = tuple(dict.fromkeys((*(self.terms.scopes or scopes or found.scopes), *scopes)))
        if _OFFLINE in authority.scopes and _OFFLINE not in wanted and wanted:
            wanted = (*wanted, _OFFLINE)
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(32)
        asked = {
            "response_type": "code",
            "client_id": client.id,
            "redirect_uri": redirect,
            "state": state,
            "code_challenge": urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "resource": found.resource,
        }
        if wanted:
            asked["scope"] = " ".join(wanted)
        if _OFFLINE in wanted:
            asked["prompt"] = "consent"
        join = "&" if urlsplit(authority.authorize).query else "?"
        url = f"{authority.authorize}{join}{urlencode(asked)}"
        return Begun(url, state, found, client, redirect, wanted, verifier)

    async def finish(self, begun: Begun, answer: Mapping[str, str]) -> Grant:
        """Redeem what the browser brought back. Raises UpstreamError."""
        authority = begun.found.authority
        issuer = answer.get("iss")
        if issuer is not None and issuer != authority.issuer:
            raise self._cannot("the answer to the login came from another issuer")
        if issuer is None and authority.names_itself:
            raise self._cannot("the answer to the login does not say which issuer it is from")
        code = answer.get("code", "")
        if answer.get("error") or not 0 < len(code) <= _BIG:
            said = answer.get("error", "")
            shown = f": `{said}`" if said.replace("_", "").isalnum() and len(said) <= 64 else ""
            raise self._cannot(f"the login was refused{shown}")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": begun.redirect,
            "code_verifier": begun.verifier,
            "resource": begun.found.resource,
        }
        token = await ask_token(self._ask, authority, begun.client, form)
        if token.scopes is None:
            token = replace(token, scopes=begun.scopes)
        return Grant(authority.issuer, begun.found.resource, begun.client, token)

    async def refresh(self, grant: Grant) -> Grant:
        """A new token for an old grant, at the issuer that gave it. Raises GrantError, UpstreamError."""
        origin_only = grant.client.method == "none" and not grant.token.refresh
        if origin_only:
            raise self._cannot("it cannot be refreshed")
        authority = await self._again(grant.issuer)
        form = {
            "grant_type": "refresh_token",
            "refresh_token": grant.token.refresh,
            "resource": grant.resource,
        }
        token = await ask_token(self._ask, authority, grant.client, form)
        scopes = grant.token.scopes if token.scopes is None else token.scopes
        token = replace(token, refresh=token.refresh or grant.token.refresh, scopes=scopes)
        return replace(grant, token=token)

    async def _again(self, issuer: str) -> Authority:
        """The authority of an issuer; one of 2025-03-26 has no metadata."""
        try:
            return await self.discovery.authority(issuer)
        except UpstreamError:
            found = await self.discovery.find({})
            if found.authority.issuer != issuer:
                raise
            return found.authority

    # Who keepgate is there

    async def _client(self, authority: Authority, redirect: str) -> Client:
        """Registered beforehand, else by document, else registered now. Raises UpstreamError."""
        given = self.terms.client
        if given is not None:
            return given if given.method != "auto" else replace(given, method=method_for(authority, given))
        if self.terms.client_document and authority.reads_client_documents:
            return Client(self.terms.client_document)
        if not authority.register:
            text = "its authorization server registers no clients: register keepgate there, and write `client_id`"
            raise self._cannot(text)
        place = f"client/{self.terms.server}/{authority.issuer}"
        known = self._keep.get("", place)
        if known is not None and known["redirect"] == redirect and known["until"] > time.time():
            return client_from(known["client"])
        client, until = await self._register(authority, redirect)
        self._keep.put("", place, {"client": client_to(client), "redirect": redirect, "until": until})
        return client

    async def _register(self, authority: Authority, redirect: str) -> tuple[Client, float]:
        """RFC 7591."""
        methods = authority.methods or ("client_secret_basic",)
        known = ("none", "client_secret_basic", "client_secret_post")
        method = next((each for each in known if each in methods), "none")
        local = urlsplit(redirect).scheme == "http"
        body = {
            "client_name": self.terms.name,
            "redirect_uris": [redirect],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": method,
            "application_type": "native" if local else "web",
        }
        headers = {"Content-Type": "application/json"}
        answer = await self._ask(authority.register, jsonrpc.encode(body), headers)
        try:
            made = jsonrpc.parse(answer.body) if answer.is_json and answer.status in (200, 201) else None
        except RemoteError:
            made = None
        identifier = made.get("client_id") if isinstance(made, dict) else None
        if not isinstance(made, dict) or not isinstance(identifier, str) or not 0 < len(identifier) <= 2048:
            raise self._cannot(f"its authorization server did not register keepgate (status {answer.status})")
        secret, until = made.get("client_secret"), made.get("client_secret_expires_at")
        secret = secret if isinstance(secret, str) and len(secret) <= _BIG else ""
        chosen = made.get("token_endpoint_auth_method", method if secret else "none")
        if chosen not in known or (chosen != "none" and not secret):
            raise self._cannot("its authorization server registered keepgate with a method that is not known")
        lasts = float(until) if isinstance(until, int) and until > 0 else float(2**53)
        return Client(identifier, chosen, secret), lasts

    def _cannot(self, text: str) -> UpstreamError:
        return UpstreamError("auth", f"you cannot be logged in at server `{self.terms.server}`: {text}")


def client_to(client: Client) -> dict[str, Any]:
    """As it is kept."""
    return {"id": client.id, "method": client.method, "secret": client.secret}


def client_from(kept: Mapping[str, Any]) -> Client:
    """As it was kept."""
    return Client(kept["id"], kept["method"], kept["secret"])


def grant_to(grant: Grant, *, configured: bool) -> dict[str, Any]:
    """As it is kept; a configured client's secret stays where it is configured."""
    token = grant.token
    client = client_to(grant.client)
    if configured:
        client["secret"] = ""
    return {
        "issuer": grant.issuer,
        "resource": grant.resource,
        "client": client,
        "configured": configured,
        "access": token.access,
        "refresh": token.refresh,
        "expires": None if token.expires == float("inf") else token.expires,
        "scopes": None if token.scopes is None else list(token.scopes),
    }


def grant_from(kept: Mapping[str, Any], terms: Terms) -> Grant | None:
    """As it was kept; None if it is not for this server as it is configured now.

    A token for the address that a server had must not go to another one under the same name, nor a client's secret to
    an issuer that is not the configured one any more.
    """
    if not documents.covers(kept["resource"], terms.url) or terms.issuer not in ("", kept["issuer"]):
        return None
    configured = terms.client
    client = client_from(kept["client"])
    if kept["configured"]:
        if configured is None or configured.id != client.id:
            return None
        client = replace(configured, method=client.method)
    expires = float("inf") if kept["expires"] is None else kept["expires"]
    scopes = None if kept["scopes"] is None else tuple(kept["scopes"])
    return Grant(
        kept["issuer"], kept["resource"], client, Token(kept["access"], expires, kept["refresh"], scopes)
    )
