"""Logging in, with two factors: a key or password and a code, or a passkey. And the way to a first passkey.

What can be guessed is slowed down for the account and the source; what failed is told in one sentence, whatever of it
was wrong; a code opens once.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from hmac import compare_digest
from typing import Any, Final

from keepgate.admin import password, totp
from keepgate.admin.administrators import Roll, edit
from keepgate.admin.lockout import Lockout
from keepgate.admin.logins import Login, Logins
from keepgate.admin.passkeys import MAX_PASSKEYS, Passkeys, Site, refused
from keepgate.admin.problem import ProblemError
from keepgate.model.administrator import Administrator, Enrolment, Passkey
from keepgate.model.errors import LocalError, RemoteError
from keepgate.protocol.seal import Sealer

ENROLMENT: Final = 600.0
"""Seconds to add a passkey."""
AT_ONCE: Final = 2
"""Passwords that are being checked: each takes 64 MiB."""
_WRONG: Final = "the name, the password, the key or the code is wrong, or the code was used already"


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody shows to log in: a key, or a name and password; and a code."""

    name: str = ""
    password: str = ""
    key: str = ""
    code: str = ""


class Reception:
    """Where administrators log in. `demand` is `admin.second_factor` of the configuration."""

    def __init__(
        self,
        roll: Roll,
        logins: Logins,
        lockout: Lockout,
        sealer: Sealer,
        clock: Callable[[], float],
        demand: str,
    ) -> None:
        self.roll = roll
        self.logins = logins
        self.passkeys = Passkeys(clock)
        self._lockout = lockout
        self._sealer = sealer
        self._clock = clock
        self._demand = demand
        self._slow = asyncio.Semaphore(AT_ONCE)

    async def by_code(self, source: str, said: Said, *, cookie: bool) -> tuple[str, Login]:
        """A login by key or password, with a code. Raises ProblemError (401, 429)."""
        self._lockout.check("source", source)
        if said.key:
            found, account = self.roll.by_key(said.key), ""
            if found is not None:
                account = f"code {found.name}"
        else:
            account = f"password {said.name}"
            found = await self._by_password(said, account)
        if found is not None:
            self._lockout.check("account", account)
        second = found is not None and await self._code_counts(found, said.code)
        if found is None or not (second or (self._demand == "never" and not said.code and not found.totp)):
            self._lockout.failed("source", source)
            if account:
                self._lockout.failed("account", account)
            raise ProblemError(401, "login", _WRONG)
        self._lockout.succeeded("account", account)
        credential = f"key:{said.key[4:12]}" if said.key else f"password:{_mark(found.password)}"
        if second:
            credential += f"+totp:{_mark(found.totp)}"
        return self.logins.begin(found.name, credential, second_factor=second, cookie=cookie)

    async def _by_password(self, said: Said, account: str) -> Administrator | None:
        async with self._slow:
            # Not before: many tries that wait here together must not all get in before the first has failed.
            self._lockout.check("account", account)
            found = self.roll.get(said.name)
            same = await asyncio.to_thread(
                password.matches, said.password[: password.LONGEST + 1], found.password if found else ""
            )
        return found if same else None

    async def _code_counts(self, found: Administrator, code: str) -> bool:
        """Whether the code is right and was not used; it is used now."""
        if not found.totp:
            return False
        try:
            secret = totp.unseal(self._sealer, found.name, found.totp)
        except RemoteError as error:
            raise ProblemError(
                409, "totp-sealed", "the shared secret cannot be read: enroll again"
            ) from error
        step = totp.step_of(secret, code, self._clock(), found.totp_step)
        if not step:
            return False

        def use(each: Administrator) -> Administrator:
            if step <= each.totp_step:  # somebody else was faster
                raise LocalError("code-used", "the code was used already")
            return replace(each, totp_step=step)

        try:
            await asyncio.to_thread(edit, self.roll.store, found.name, use)
        except LocalError:
            return False
        finally:
            self.roll.look_again()
        return True

    async def by_passkey(
        self, site: Site, source: str, question: str, answer: Mapping[str, Any], *, cookie: bool
    ) -> tuple[str, Login]:
        """A login by passkey. Raises ProblemError (401, 429)."""
        self._lockout.check("source", source)
        try:
            found, known = self._owner(answer.get("id"))
            count = self.passkeys.check(site, question, answer, known)
        except ProblemError:
            self._lockout.failed("source", source)
            raise
        fresh = replace(known, count=count)

        def counted(each: Administrator) -> Administrator:
            return replace(each, passkeys=tuple(fresh if p == known else p for p in each.passkeys))

        await asyncio.to_thread(edit, self.roll.store, found.name, counted)
        self.roll.look_again()
        return self.logins.begin(found.name, f"passkey:{known.id}", second_factor=True, cookie=cookie)

    def _owner(self, credential: object) -> tuple[Administrator, Passkey]:
        for each in self.roll.all():
            for known in each.passkeys:
                if known.id == credential:
                    return each, known
        raise refused()

    def ask_enrolment(self, site: Site, source: str, token: str) -> tuple[str, dict[str, Any]]:
        """What a new passkey is made with. Raises ProblemError (401, 429)."""
        found = self._enrolling(source, token)
        return self.passkeys.ask_new(site, found.name, found.passkeys)

    async def enroll(
        self, site: Site, source: str, token: str, question: str, answer: Mapping[str, Any], label: str
    ) -> str:
        """Add a passkey; the permission is used up. Whose it is. Raises ProblemError (401, 429)."""
        found = self._enrolling(source, token)
        made = self.passkeys.new(site, found.name, question, answer, label)

        def add(each: Administrator) -> Administrator:
            if each.enrolment is None or each.enrolment.digest != _digest(token):
                raise LocalError("enrolment", "the link was used already")
            if len(each.passkeys) >= MAX_PASSKEYS:
                raise LocalError("passkeys-full", f"more than {MAX_PASSKEYS} passkeys")
            return replace(each, passkeys=(*each.passkeys, made), enrolment=None)

        await asyncio.to_thread(edit, self.roll.store, found.name, add)
        self.roll.look_again()
        return found.name

    def _enrolling(self, source: str, token: str) -> Administrator:
        self._lockout.check("source", source)
        digest, found = _digest(token), None
        for each in self.roll.all():
            enrolment = each.enrolment
            if enrolment is not None and compare_digest(enrolment.digest, digest):
                found = each if enrolment.expires > self._clock() else None
        if found is None:
            self._lockout.failed("source", source)
            raise ProblemError(401, "enrolment", "the link is not valid, was used already, or has expired")
        return found

    def credential_counts(self, login: Login) -> bool:
        """Whether what a login began with is still there."""
        found = self.roll.get(login.name)
        if found is None:
            return False
        return all(self._is_there(found, each) for each in login.credential.split("+"))

    def _is_there(self, found: Administrator, credential: str) -> bool:
        kind, _, name = credential.partition(":")
        if kind == "key":
            now = self._clock()
            return any(key.id == name and (key.expires is None or key.expires > now) for key in found.keys)
        if kind in ("password", "totp"):
            kept = found.password if kind == "password" else found.totp
            return bool(kept) and _mark(kept) == name
        return any(each.id == name for each in found.passkeys)


def permit_enrolment(roll: Roll, name: str, now: float) -> str:
    """A token with which `name` may add one passkey within some minutes. Raises LocalError."""
    token = secrets.token_urlsafe(32)
    permission = Enrolment(_digest(token), now + ENROLMENT)
    edit(roll.store, name, lambda each: replace(each, enrolment=permission))
    roll.look_again()
    return token


def _mark(kept: str) -> str:
    """Tells one password, or shared secret, from the one that takes its place."""
    return sha256(kept.encode()).hexdigest()[:16]


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
