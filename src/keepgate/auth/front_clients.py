"""Clients of the login front: those that are configured, and those that a document at their own address describes.

A client is public: what protects it is PKCE, its exact redirect addresses, and that people are asked each time.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from keepgate.model.errors import RemoteError, UpstreamError
from keepgate.ports import Fetch
from keepgate.protocol import jsonrpc
from keepgate.protocol.jsonrpc import JsonLimits

KEPT: Final = 600.0
"""Seconds that a document counts."""
MOST: Final = 500
MAX_REDIRECTS: Final = 20
_LIMITS: Final = JsonLimits(size=16 << 10, depth=8, members=500)


class ClientError(Exception):
    """Who asks is no client that can be served. The text is public."""


@dataclass(frozen=True, slots=True)
class FrontClient:
    """A client of the front."""

    id: str
    name: str
    """As it calls itself: shown beside where it sends people back to."""
    redirects: tuple[str, ...]

    def check_redirect(self, given: str) -> None:
        """Raises ClientError unless it is one of the redirects, character by character.

        On this machine the port is the program's own to choose (RFC 8252 section 7.3).
        """
        if given not in self.redirects and _portless(given) not in {
            _portless(each) for each in self.redirects
        }:
            raise ClientError("the redirect address is not one of this client")


class FrontClients:
    """All of them. `registration`: strangers may register, as older clients want to."""

    def __init__(
        self,
        configured: Mapping[str, FrontClient],
        fetch: Fetch,
        clock: Callable[[], float],
        *,
        registration: bool,
    ) -> None:
        self.registration = registration
        self._configured = configured
        self._fetch = fetch
        self._clock = clock
        self._described: dict[str, tuple[float, FrontClient]] = {}
        self._registered: dict[str, FrontClient] = {}

    async def get(self, client_id: str) -> FrontClient:
        """Raises ClientError."""
        known = self._configured.get(client_id) or self._registered.get(client_id)
        if known is not None:
            return known
        if not client_id.startswith("https://"):
            raise ClientError("the client is not known here")
        kept = self._described.get(client_id)
        if kept is None or kept[0] <= self._clock():
            if len(self._described) >= MOST:
                self._described.clear()
            kept = self._described[client_id] = (self._clock() + KEPT, await self._describe(client_id))
        return kept[1]

    async def _describe(self, client_id: str) -> FrontClient:
        """The document at the client's own address, which must call itself by that address."""
        parts = urlsplit(client_id)
        dotted = any(piece in (".", "..") for piece in parts.path.split("/"))
        if parts.path in ("", "/") or parts.fragment or parts.username or len(client_id) > 512 or dotted:
            raise ClientError("the address of the client's document is not usable")
        try:
            document = jsonrpc.parse(await self._fetch(client_id), _LIMITS)
        except UpstreamError as error:
            raise ClientError(f"the client's document cannot be had: {error.public}") from error
        except RemoteError as error:
            raise ClientError("the client's document is not valid JSON") from error
        if not isinstance(document, dict) or document.get("client_id") != client_id:
            raise ClientError("the client's document is that of another client")
        return described(client_id, document)

    def register(self, document: Mapping[str, Any]) -> FrontClient:
        """RFC 7591, for public clients. Raises ClientError."""
        if not self.registration:
            raise ClientError("nobody registers here")
        made = described(f"reg-{secrets.token_urlsafe(16)}", document)
        while len(self._registered) >= MOST:
            del self._registered[next(iter(self._registered))]
        self._registered[made.id] = made
        return made


def described(client_id: str, document: Mapping[str, Any]) -> FrontClient:
    """A client by its own words. Raises ClientError."""
    name, redirects = document.get("client_name", ""), document.get("redirect_uris")
    if not isinstance(name, str) or len(name) > 100 or not name.isprintable():
        raise ClientError("the name of the client is not usable")
    if not isinstance(redirects, list) or not 0 < len(redirects) <= MAX_REDIRECTS:
        raise ClientError("the client has no redirect addresses, or too many")
    for redirect in redirects:
        check_redirect(redirect)
    if document.get("token_endpoint_auth_method", "none") != "none":
        raise ClientError("only public clients are served: `token_endpoint_auth_method` must be `none`")
    return FrontClient(client_id, name, tuple(redirects))


def check_redirect(redirect: object) -> None:
    """HTTPS, or this machine: raises ClientError for anything else, schemes of programs included."""
    if (
        not isinstance(redirect, str)
        or len(redirect) > 512
        or not redirect.isascii()
        or not redirect.isprintable()
    ):
        raise ClientError("a redirect address is not usable")
    try:
        parts = urlsplit(redirect)
        _ = parts.port
    except ValueError:
        raise ClientError("a redirect address is not usable") from None
    local = parts.scheme == "http" and _is_loopback(parts.hostname or "")
    if (parts.scheme != "https" and not local) or not parts.hostname or parts.fragment or "@" in parts.netloc:
        raise ClientError("a redirect address must be https, or http on this machine")
    if "*" in redirect or "\\" in redirect or " " in redirect:
        raise ClientError("a redirect address must be written out")


def _portless(url: str) -> str:
    """A redirect to this machine without its port; any other as it is."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return url
    host = parts.hostname or ""
    if parts.scheme != "http" or not _is_loopback(host) or parts.username or parts.fragment or port is None:
        return url
    literal = f"[{host}]" if ":" in host else host
    return urlunsplit((parts.scheme, literal, parts.path, parts.query, ""))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def clients_of(given: Mapping[str, Sequence[str]]) -> dict[str, FrontClient]:
    """Configured clients by id. Raises ClientError."""
    for redirects in given.values():
        for redirect in redirects:
            check_redirect(redirect)
    return {name: FrontClient(name, name, tuple(redirects)) for name, redirects in given.items()}
