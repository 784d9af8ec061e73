"""Finds out who authorizes for a server, and holds what it finds against what was configured.

Every document is fetched by `ask`, which bounds it and refuses addresses inside; redirects are not followed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from keepgate.auth.client import documents
from keepgate.model.errors import RemoteError, UpstreamError
from keepgate.ports import Ask
from keepgate.protocol import jsonrpc
from keepgate.protocol.jsonrpc import JsonLimits

_LIMITS: Final = JsonLimits(size=256 << 10, depth=16, members=10_000)


@dataclass(frozen=True, slots=True)
class Authority:
    """An authorization server as its metadata says, checked."""

    issuer: str
    token: str
    authorize: str = ""
    register: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)
    """Empty for a server of 2025-03-26 that has no metadata, whose endpoints are at fixed places."""

    @property
    def names_itself(self) -> bool:
        """It promises `iss` in its authorization responses (RFC 9207)."""
        return self.document.get("authorization_response_iss_parameter_supported") is True

    @property
    def reads_client_documents(self) -> bool:
        """It takes the URL of a client's metadata document as its id."""
        return self.document.get("client_id_metadata_document_supported") is True

    @property
    def scopes(self) -> tuple[str, ...]:
        """Those it says it knows."""
        return documents.scopes_of(self.document.get("scopes_supported"))

    @property
    def methods(self) -> tuple[str, ...]:
        """How clients can authenticate."""
        return documents.texts(self.document, "token_endpoint_auth_methods_supported")


@dataclass(frozen=True, slots=True)
class Found:
    """Who authorizes for a server, and what for."""

    authority: Authority
    resource: str
    """The resource identifier to ask a token for (RFC 8707)."""
    scopes: tuple[str, ...] = ()
    """Those that its metadata names."""


class Discovery:
    """For one server. `local` admits plain http, on this machine only; `issuer` is the only one that may authorize."""

    def __init__(self, server: str, url: str, ask: Ask, *, local: bool, issuer: str = "") -> None:
        self._server = server
        self._url = url
        self._ask = ask
        self._local = local
        self._issuer = issuer

    async def find(self, challenge: Mapping[str, str]) -> Found:
        """From a challenge, else the well-known places. Raises UpstreamError."""
        resource = await self._resource(challenge)
        if resource is None:
            return await self._without_metadata()
        if not documents.covers(resource.get("resource"), self._url):
            raise self._wrong("its metadata is that of another resource")
        issuers = documents.texts(resource, "authorization_servers")[:8]
        issuer = self._issuer or (issuers[0] if issuers else documents.origin_of(self._url))
        if self._issuer and issuers and self._issuer not in issuers:
            raise self._wrong(f"it names other authorization servers than the configured `{self._issuer}`")
        authority = await self.authority(issuer)
        return Found(
            authority, str(resource["resource"]), documents.scopes_of(resource.get("scopes_supported"))
        )

    async def authority(self, issuer: str) -> Authority:
        """The metadata of an issuer, which must name itself exactly so. Raises UpstreamError."""
        if not documents.is_web(issuer, local=self._local):
            raise self._wrong("its authorization server is not at an https address")
        for place in documents.issuer_places(issuer):
            found = await self._document(place)
            if found is not None:
                return self._checked(issuer, found)
        raise self._wrong("the metadata of its authorization server was not found")

    async def _resource(self, challenge: Mapping[str, str]) -> Mapping[str, Any] | None:
        named = challenge.get("resource_metadata", "")
        if named:
            if not documents.is_web(named, local=self._local):
                raise self._wrong("it names metadata that is not at an https address")
            found = await self._document(named)
            if found is None:
                raise self._wrong("the metadata that it names was not found")
            return found
        for place in documents.resource_places(self._url):
            found = await self._document(place)
            if found is not None:
                return found
        return None

    async def _without_metadata(self) -> Found:
        """A server of 2025-03-26: it authorizes itself, at its origin."""
        origin = documents.origin_of(self._url)
        if self._issuer and self._issuer != origin:
            return Found(await self.authority(self._issuer), self._url)
        found = await self._document(documents.issuer_places(origin)[0])
        if found is not None:
            return Found(self._checked(origin, found), self._url)
        fixed = Authority(origin, f"{origin}/token", f"{origin}/authorize", f"{origin}/register")
        return Found(fixed, self._url)

    def _checked(self, issuer: str, document: Mapping[str, Any]) -> Authority:
        if document.get("issuer") != issuer:
            raise self._wrong("its authorization server's metadata names another issuer")
        places = {
            name: document.get(key, "")
            for name, key in (
                ("token", "token_endpoint"),
                ("authorize", "authorization_endpoint"),
                ("register", "registration_endpoint"),
            )
        }
        for name, place in places.items():
            if (place or name == "token") and not documents.is_web(place, local=self._local):
                raise self._wrong(f"its authorization server's {name} endpoint is not at an https address")
        return Authority(issuer, document=document, **places)

    async def _document(self, url: str) -> Mapping[str, Any] | None:
        """A JSON object, or None if there is none at this place. Raises UpstreamError if it cannot be asked."""
        answer = await self._ask(url)
        if answer.status != 200 or not answer.is_json:
            return None
        try:
            found = jsonrpc.parse(answer.body, _LIMITS)
        except RemoteError as error:
            raise self._wrong("a document of its authorization is not valid JSON") from error
        return found if isinstance(found, dict) else None

    def _wrong(self, text: str) -> UpstreamError:
        return UpstreamError("auth", f"server `{self._server}` cannot be authorized: {text}")
