"""An authorization server that keepgate trusts: where its documents are, and its keys as they change.

Keys are fetched when first needed, again in the background once they are ten minutes old, and at once (but not more
often than every half minute) when a token names a key that is not among them. Keys that could not be confirmed for an
hour are not believed any more: a key that was withdrawn may be among them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from keepgate.auth import jose
from keepgate.auth.jose import Compact, JoseError, PublicKey
from keepgate.model.errors import RemoteError, UpstreamError
from keepgate.ports import Fetch
from keepgate.protocol import jsonrpc
from keepgate.protocol.jsonrpc import JsonLimits

if TYPE_CHECKING:
    from joserfc.jwk import Key

REFRESH: Final = 600.0
STALE: Final = 3600.0
COOL_DOWN: Final = 30.0
_LIMITS: Final = JsonLimits(size=256 << 10, depth=16, members=10_000)

log = logging.getLogger("keepgate")


class KeysNeededError(Exception):
    """The keys must be fetched before anything can be said."""


@dataclass(frozen=True, slots=True)
class Introspection:
    """How the issuer is asked about a token (RFC 7662)."""

    client_id: str
    client_secret: Callable[[], str] = field(repr=False)
    url: str = ""
    """Empty: as the issuer's metadata says."""
    always: bool = False
    """Ask about signed tokens as well, so that a revoked one is noticed."""
    interval: float = 60.0
    """Seconds that an answer counts."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """What is configured of one issuer."""

    name: str
    url: str
    """Exactly the `iss` of its tokens."""
    jwks_url: str = ""
    """Empty: as the issuer's metadata says."""
    audience: frozenset[str] = frozenset()
    """Audiences that mean this gateway, besides its own URLs."""
    algorithms: tuple[str, ...] = ("RS256", "PS256", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
    types: tuple[str, ...] = ("at+jwt",)
    prefix: str = ""
    """Put before every user, client, group and tenant of this issuer."""
    foreign: tuple[str, ...] = ()
    """Prefixes of other issuers: names that begin with one are not this issuer's to give."""
    claims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Where the names are: path of claim names by `user`, `client`, `groups`, `tenant`."""
    leeway: float = 30.0
    max_age: float = 86_400.0
    """Seconds since a token was issued; older ones are refused whatever they say."""
    dpop_required: bool = False
    introspection: Introspection | None = None


class Authority:
    """A trusted issuer at work: its metadata, keys, endpoints."""

    def __init__(self, issuer: Issuer, fetch: Fetch, clock: Callable[[], float]) -> None:
        self.issuer = issuer
        self.fetch = fetch
        self.generation = 0
        """Changes when the keys do: what was verified before has to be verified again."""
        self._clock = clock
        self._keys: tuple[PublicKey, ...] = ()
        self._confirmed = float("-inf")
        self._tried = float("-inf")
        self._fetching: asyncio.Task[None] | None = None
        self._metadata: Mapping[str, Any] | None = None

    def key_for(self, compact: Compact) -> Key:
        """The key that a token is signed with. Raises KeysNeededError, or JoseError if there is no such key."""
        now = self._clock()
        jose.check_algorithm(compact.alg, self.issuer.algorithms)
        if now - self._confirmed > STALE:
            raise KeysNeededError
        key = jose.choose(self._keys, compact)
        if key is None and now - self._tried >= COOL_DOWN:
            raise KeysNeededError
        if now - self._confirmed > REFRESH and now - self._tried >= COOL_DOWN:
            self._start()
        if key is None:
            raise JoseError("the token is signed with a key that the issuer does not have")
        return key

    async def renew(self) -> None:
        """Fetch the keys, together with whoever else waits for them. Raises RemoteError (503) if there are none now."""
        now = self._clock()
        if self._fetching is None and now - self._tried >= COOL_DOWN:
            self._start()
        if self._fetching is not None:
            await asyncio.shield(self._fetching)
        if self._clock() - self._confirmed > STALE:
            raise unavailable(self.issuer.name)

    async def metadata(self) -> Mapping[str, Any]:
        """What the issuer says of itself. Raises RemoteError (503)."""
        try:
            if self._metadata is None:
                self._metadata = await discover(self.issuer.url, self.fetch)
        except UpstreamError as error:
            raise unavailable(self.issuer.name, str(error)) from error
        return self._metadata

    async def endpoint(self, name: str) -> str:
        """An endpoint out of the issuer's metadata. Raises RemoteError (503)."""
        found = (await self.metadata()).get(name)
        if not isinstance(found, str) or not found.startswith(_schemes(self.issuer.url)):
            raise unavailable(self.issuer.name, f"its metadata has no usable `{name}`")
        return found

    def _start(self) -> None:
        self._tried = self._clock()
        self._fetching = asyncio.get_running_loop().create_task(self._renew())

    async def _renew(self) -> None:
        """Never raises: what is missing is missed by whoever needs it."""
        try:
            url = self.issuer.jwks_url or await self.endpoint("jwks_uri")
            keys = jose.key_set(await self.fetch(url))
        except (UpstreamError, RemoteError, JoseError) as error:
            self._metadata = None
            log.warning("the keys of issuer %s cannot be fetched: %s", self.issuer.name, error)
        else:
            if _identity(keys) != _identity(self._keys):
                self.generation += 1
            self._keys = keys
            self._confirmed = self._clock()
        finally:
            self._fetching = None


def unavailable(name: str, private: str = "") -> RemoteError:
    """Nothing can be said about a token now. It opens nothing."""
    return RemoteError(
        "issuer",
        f"the issuer `{name}` cannot be asked now, so the token cannot be verified: try again",
        private,
        rpc_code=jsonrpc.UNDECIDED,
        status=503,
    )


def documents(issuer: str) -> tuple[str, ...]:
    """Where an issuer's metadata may be, in the order of the MCP authorization page (RFC 8414, OpenID Discovery)."""
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    oauth, openid = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
    if not path:
        return (origin + oauth, origin + openid)
    return (origin + oauth + path, origin + openid + path, origin + path + openid)


async def discover(issuer: str, fetch: Fetch) -> Mapping[str, Any]:
    """The metadata of an issuer; its `issuer` must be the one asked for, byte by byte. Raises UpstreamError."""
    failure = UpstreamError("protocol", "it has no metadata")
    for url in documents(issuer):
        try:
            document = jsonrpc.parse(await fetch(url), _LIMITS)
        except UpstreamError as error:
            failure = error
            continue
        except RemoteError:
            failure = UpstreamError("protocol", "its metadata is not valid JSON")
            continue
        if isinstance(document, dict) and document.get("issuer") == issuer:
            return document
        failure = UpstreamError("protocol", "its metadata is that of another issuer")
    raise failure


def _schemes(issuer: str) -> tuple[str, ...]:
    """An issuer on plain HTTP (loopback only) may name endpoints like itself, any other only HTTPS."""
    return ("https://",) if issuer.startswith("https://") else ("https://", "http://")


def _identity(keys: tuple[PublicKey, ...]) -> set[tuple[str | None, str]]:
    return {(key.kid, jose.thumbprint(key.key)) for key in keys}
