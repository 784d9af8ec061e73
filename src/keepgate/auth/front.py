"""The login front: keepgate as the authorization server of its own endpoints, where the identity provider offers
clients neither metadata documents nor registration. People log in at the provider; clients are told apart here.

The provider knows one client, keepgate, and would not ask again whoever it let in once. So (confused deputy):

1. before anybody is sent to the provider, a page of our own names the client and where it sends people back to;
2. only an answer from that page, by the browser it was shown to, goes on: then `state` is made, for one use and ten
   minutes;
3. the browser that comes back from the provider must be the one that agreed;
4. codes are for one use and one minute, bound to client, redirect, PKCE challenge and resource; tokens are opaque,
   short, kept as hashes and in memory only; refresh tokens rotate, and one that comes again ends all that came of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from hmac import compare_digest
from typing import Any, Final, Generic, TypeVar

from keepgate.auth.access_token import TokenError, accept
from keepgate.auth.front_clients import FrontClient
from keepgate.auth.issuer import Issuer
from keepgate.auth.oidc import OidcLogin, Pending, s256
from keepgate.auth.resource import Resource
from keepgate.model.access import Principal
from keepgate.model.keys import FRONT_PREFIX

ASKING: Final = 600.0
CODE: Final = 60.0
MOST: Final = 5000
_CHALLENGE: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
_VERIFIER: Final = _CHALLENGE | {".", "~"}

T = TypeVar("T")


class FrontError(Exception):
    """What is answered to a client: an OAuth error code and a public text."""

    def __init__(self, code: str, public: str) -> None:
        super().__init__(public)
        self.code = code
        self.public = public


@dataclass(frozen=True, slots=True)
class Asked:
    """An authorization request of a client, checked."""

    client: FrontClient
    redirect_uri: str
    state: str
    challenge: str
    resource: str
    scopes: tuple[str, ...] = ()
    acr: tuple[str, ...] = ()
    max_age: int | None = None


@dataclass(frozen=True, slots=True)
class Consent:
    """A page that was shown: who asked, and to which browser it was shown."""

    asked: Asked
    browser: str
    """Hash of its cookie."""
    csrf: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Away:
    """Somebody who is at the provider."""

    asked: Asked
    browser: str
    pending: Pending


@dataclass(frozen=True, slots=True)
class Code:
    """A code that was given out."""

    asked: Asked
    claims: dict[str, Any]


@dataclass(slots=True)
class Family:
    """All tokens that came of one login. `ends` is Unix seconds."""

    asked: Asked
    claims: dict[str, Any]
    ends: float
    refresh: str = ""
    """Hash of the refresh token that counts now."""
    access: set[str] = field(default_factory=set)
    """Hashes of its access tokens."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint answers."""

    access: str
    refresh: str
    seconds: int
    scope: str


class Kept(Generic[T]):
    """A few things for a while, each taken once. The oldest gives way."""

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._kept: dict[str, tuple[float, T]] = {}

    def put(self, value: T, name: str = "") -> str:
        """A random name for it, unless it has one."""
        while len(self._kept) >= MOST:
            del self._kept[next(iter(self._kept))]
        name = name or secrets.token_urlsafe(32)
        self._kept[digest(name)] = (self._clock() + self._seconds, value)
        return name

    def take(self, name: str) -> T | None:
        """What it is the name of, for the last time."""
        found = self._kept.pop(digest(name), None)
        return found[1] if found is not None and found[0] > self._clock() else None


class Front:
    """The authorization server. `issuer` is the provider's, by which principals are named; times in seconds."""

    def __init__(
        self,
        login: OidcLogin,
        resource: Resource,
        clock: Callable[[], float],
        *,
        access_seconds: float = 600.0,
        login_seconds: float = 28_800.0,
    ) -> None:
        self.login = login
        self.resource = resource
        self._issuer: Issuer = login.authority.issuer
        self._clock = clock
        self._access_seconds = access_seconds
        self._login_seconds = login_seconds
        self._consents: Kept[Consent] = Kept(clock, ASKING)
        self._away: Kept[Away] = Kept(clock, ASKING)
        self._codes: Kept[Code] = Kept(clock, CODE)
        self._spent: dict[str, Family] = {}
        """Codes and refresh tokens that were used, by hash: whoever shows one again has it from somebody else."""
        self._families: dict[str, Family] = {}
        self._access: dict[str, tuple[float, Principal, str]] = {}

    @property
    def url(self) -> str:
        """The issuer of the front."""
        return self.resource.public_url

    @property
    def callback(self) -> str:
        """Where the provider sends people back to."""
        return f"{self.url}/oauth/callback"

    # 1. The page

    def show(self, asked: Asked, browser: str) -> tuple[str, str]:
        """A page is shown to the browser with this cookie: its number, and the second secret of its form."""
        csrf = secrets.token_urlsafe(32)
        return self._consents.put(Consent(asked, digest(browser), csrf)), csrf

    # 2. The answer

    def answered(self, number: str, browser: str, csrf: str) -> Asked:
        """What was agreed to, or not. Raises FrontError for an answer of another browser or page."""
        consent = self._consents.take(number)
        if (
            consent is None
            or not compare_digest(consent.browser, digest(browser))
            or not compare_digest(consent.csrf.encode(), csrf.encode())
        ):
            raise FrontError("access_denied", "this page is not open any more: begin again in the client")
        return consent.asked

    async def leave(self, asked: Asked, browser: str) -> str:
        """Where to send a browser that agreed. Raises RemoteError (503)."""
        state = secrets.token_urlsafe(32)
        url, pending = await self.login.begin(self.callback, state, acr=asked.acr, max_age=asked.max_age)
        self._away.put(Away(asked, digest(browser), pending), state)
        return url

    # 3. The return

    def returned(self, state: str, browser: str) -> Away:
        """Whose login it was. Raises FrontError: unknown, over, or of another browser."""
        away = self._away.take(state)
        if away is None or not compare_digest(away.browser, digest(browser)):
            raise FrontError(
                "access_denied", "this login was not begun here, or is over: begin again in the client"
            )
        return away

    def code_for(self, away: Away, claims: dict[str, Any]) -> str:
        """The code for a client. Raises FrontError if nobody can be made of the claims."""
        kept = {
            name: claims[name]
            for name in claims
            if name not in ("nonce", "at_hash", "c_hash", "s_hash", "cnf")
        }
        self._principal(Family(away.asked, kept, self._clock() + 1), self._clock() + 1)
        return self._codes.put(Code(away.asked, kept))

    # 4. Tokens

    def redeem(self, client_id: str, code: str, redirect_uri: str, verifier: str, resource: str) -> Tokens:
        """RFC 6749 section 4.1.3. Raises FrontError."""
        spent = self._spent.get(digest(code))
        if spent is not None:
            self._end(spent)
            raise FrontError("invalid_grant", "the code was used already: what came of it has ended")
        found = self._codes.take(code)
        if found is None:
            raise FrontError("invalid_grant", "the code is not valid")
        asked = found.asked
        if client_id != asked.client.id or redirect_uri != asked.redirect_uri:
            raise FrontError("invalid_grant", "the code is for another client or redirect address")
        if not 43 <= len(verifier) <= 128 or not _VERIFIER.issuperset(verifier):
            raise FrontError("invalid_grant", "the code verifier is malformed")
        if not compare_digest(s256(verifier), asked.challenge):
            raise FrontError("invalid_grant", "the code verifier does not fit")
        if resource and resource != asked.resource:
            raise FrontError("invalid_target", "the code is for another resource")
        family = Family(asked, found.claims, self._clock() + self._login_seconds)
        self._spend(digest(code), family)
        return self._give(family)

    def refresh(self, client_id: str, token: str, resource: str) -> Tokens:
        """RFC 6749 section 6, rotating. Raises FrontError."""
        name = digest(token)
        spent = self._spent.get(name)
        if spent is not None:
            self._end(spent)
            raise FrontError("invalid_grant", "the refresh token was used already: what came of it has ended")
        family = self._families.get(name)
        if family is None or family.ends <= self._clock() or family.asked.client.id != client_id:
            raise FrontError("invalid_grant", "the refresh token is not valid")
        if resource and resource != family.asked.resource:
            raise FrontError("invalid_target", "the refresh token is for another resource")
        del self._families[name]
        self._spend(name, family)
        return self._give(family)

    def revoke(self, token: str) -> None:
        """RFC 7009: whatever it is a token of ends. One that is not known is fine."""
        name = digest(token)
        family = self._families.get(name)
        if family is None:
            found = self._access.get(name)
            family = self._families.get(found[2]) if found is not None else None
        if family is not None:
            self._end(family)

    def principal(self, token: str, path: str) -> Principal | None:
        """Whose access token it is, at this path; None for any that does not count there."""
        found = self._access.get(digest(token))
        if found is None or found[0] <= self._clock():
            return None
        family = self._families.get(found[2])
        if family is None or family.asked.resource not in (
            self.resource.whole,
            self.resource.identifier(path),
        ):
            return None
        return found[1]

    def _give(self, family: Family) -> Tokens:
        now = self._clock()
        until = min(now + self._access_seconds, family.ends)
        principal = self._principal(family, until)
        access, refresh = FRONT_PREFIX + secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        self._sweep(now)
        for old in family.access:
            self._access.pop(old, None)
        family.refresh, family.access = digest(refresh), {digest(access)}
        self._families[family.refresh] = family
        self._access[digest(access)] = (until, principal, family.refresh)
        return Tokens(access, refresh, int(until - now), " ".join(family.asked.scopes))

    def _principal(self, family: Family, until: float) -> Principal:
        """By the rules that hold for the provider's own access tokens. Raises FrontError."""
        asked, now = family.asked, self._clock()
        claims = {
            **family.claims,
            "client_id": asked.client.id,
            "aud": asked.resource,
            "scope": " ".join(asked.scopes),
            "iat": now,
            "exp": until,
        }
        for name in ("nbf", "act"):
            claims.pop(name, None)
        issuer = replace(
            self._issuer, claims={**self._issuer.claims, "client": ("client_id",)}, dpop_required=False
        )
        try:
            found = accept(claims, issuer, frozenset((asked.resource,)), now).principal
        except TokenError as error:
            raise FrontError("access_denied", f"nobody can be made of this login: {error.public}") from error
        assert found.auth is not None  # `accept` gives one
        return replace(found, auth=replace(found.auth, metadata=self.resource.metadata_url("/mcp")))

    def _spend(self, name: str, family: Family) -> None:
        while len(self._spent) >= 2 * MOST:
            del self._spent[next(iter(self._spent))]
        self._spent[name] = family

    def _end(self, family: Family) -> None:
        self._families.pop(family.refresh, None)
        for name in family.access:
            self._access.pop(name, None)
        family.ends = 0.0

    def _sweep(self, now: float) -> None:
        """Forget what is over; if that is not enough, the oldest logins end."""
        if len(self._families) < MOST and len(self._access) < MOST:
            return
        for family in [each for each in self._families.values() if each.ends <= now]:
            self._end(family)
        self._access = {name: each for name, each in self._access.items() if each[0] > now}
        while len(self._families) >= MOST:
            self._end(next(iter(self._families.values())))


def check_challenge(challenge: str, method: str) -> None:
    """PKCE with S256 and nothing else. Raises FrontError."""
    if method != "S256" or len(challenge) != 43 or not _CHALLENGE.issuperset(challenge):
        raise FrontError(
            "invalid_request", "PKCE is needed: `code_challenge` with `code_challenge_method=S256`"
        )


def digest(text: str) -> str:
    """How a random name is kept."""
    return sha256(text.encode()).hexdigest()
