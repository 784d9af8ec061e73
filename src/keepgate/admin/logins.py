"""Logins: who showed more than a key, for how long, and what ends it. In memory only: a restart ends all of them.

A login is known by 256 random bits, of which a hash is kept. As a cookie it counts only together with a second secret
that pages of other sites cannot read; as a token it stands in `Authorization`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from keepgate.admin.problem import ProblemError
from keepgate.model.administrator import ADMIN_SESSION_PREFIX

MOST: Final = 1000
MOST_EACH: Final = 10
"""Of one administrator; the oldest gives way."""


@dataclass(slots=True)
class Login:
    """One login. Times are Unix seconds."""

    id: str
    """Public: the first characters of the hash."""
    name: str
    roles: tuple[str, ...]
    """Of somebody who is no local administrator; else empty, and those of now count."""
    credential: str
    """What was shown, joined by `+`: `key:<id>`, `password:<mark>`, `totp:<mark>`, `passkey:<id>`, `oidc`.

    When one of them ends or is replaced, so does the login.
    """
    second_factor: bool
    began: float
    seen: float
    cookie: bool
    csrf: str = field(repr=False)


class Logins:
    """All of one process. `idle` and `longest` in seconds."""

    def __init__(self, clock: Callable[[], float], *, idle: float, longest: float) -> None:
        self._now = clock
        self._idle = idle
        self._longest = longest
        self._by_hash: dict[bytes, Login] = {}

    def begin(
        self, name: str, credential: str, *, second_factor: bool, cookie: bool, roles: tuple[str, ...] = ()
    ) -> tuple[str, Login]:
        """A new login and the secret it is known by. Raises ProblemError (503) while there are too many."""
        self._sweep()
        own = [key for key, login in self._by_hash.items() if login.name == name]
        for key in own[: max(0, len(own) - MOST_EACH + 1)]:
            del self._by_hash[key]
        if len(self._by_hash) >= MOST:
            raise ProblemError(503, "busy", "too many logins at once")
        token = ADMIN_SESSION_PREFIX + secrets.token_urlsafe(32)
        key, now = _hash(token), self._now()
        login = Login(
            key.hex()[:16],
            name,
            roles,
            credential,
            second_factor,
            now,
            now,
            cookie,
            secrets.token_urlsafe(32),
        )
        self._by_hash[key] = login
        return token, login

    def find(self, token: str, *, cookie: bool) -> Login | None:
        """The login of a secret, if it still counts. A cookie opens nothing as a token, nor a token as a cookie."""
        login = self._by_hash.get(_hash(token))
        if login is None or login.cookie is not cookie or not self._counts(login):
            return None
        login.seen = self._now()
        return login

    def until(self, login: Login) -> float:
        """When it ends if nothing more is done, Unix seconds."""
        return min(login.seen + self._idle, login.began + self._longest)

    def end(self, login_id: str) -> None:
        """End one login."""
        self._by_hash = {key: login for key, login in self._by_hash.items() if login.id != login_id}

    def end_of(self, name: str) -> None:
        """End all logins of somebody."""
        self._by_hash = {key: login for key, login in self._by_hash.items() if login.name != name}

    def _counts(self, login: Login) -> bool:
        return self._now() < self.until(login)

    def _sweep(self) -> None:
        self._by_hash = {key: login for key, login in self._by_hash.items() if self._counts(login)}


def check_csrf(login: Login, presented: str) -> None:
    """Raises ProblemError (403) unless it is the second secret of the login."""
    if not compare_digest(presented.encode(), login.csrf.encode()):
        raise ProblemError(403, "csrf", "the header `X-Keepgate-CSRF` is missing or wrong: log in again")


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()
