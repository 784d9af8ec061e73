"""Keys, policy and administrators, as the admin face shows and changes them. Threads touch the disk, not the loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Literal

from keepgate.admin import administrators
from keepgate.admin.administrators import Roll
from keepgate.admin.logins import Logins
from keepgate.admin.problem import ProblemError
from keepgate.admin.reception import permit_enrolment
from keepgate.admin.routes.administrators import AdministratorShape
from keepgate.admin.routes.keys import Key
from keepgate.admin.routes.policy import (
    GrantShape,
    PolicyFinding,
    PolicyShape,
    Question,
    RoleEffect,
    RoleShape,
    RuleSource,
    Why,
)
from keepgate.auth import apikey
from keepgate.compose.gateway import compiler_of, policy_of
from keepgate.config import Settings, check
from keepgate.model.administrator import Administrator
from keepgate.model.keys import ApiKey
from keepgate.policy.explain import Explanation, Source, explain
from keepgate.policy.lint import findings
from keepgate.policy.question import question
from keepgate.policy.roles import VERBS, Grant, described
from keepgate.stores.keys import JsonKeyStore


class KeyDesk:
    """routes.keys.Keys."""

    def __init__(self, settings: Settings) -> None:
        self._store = JsonKeyStore(settings.state)

    async def all(self) -> tuple[Key, ...]:
        """Dead ones included."""
        now = time.time()
        return tuple(_key(each, now) for each in await asyncio.to_thread(self._store.read))

    async def create(self, name: str, lifetime: float | None) -> str:
        """The text of a new key. Raises LocalError."""
        return await asyncio.to_thread(apikey.create, self._store, name, now=time.time(), lifetime=lifetime)

    async def rotate(self, name: str, overlap: float, lifetime: float | None) -> str:
        """The text of the new key. Raises LocalError."""
        return await asyncio.to_thread(
            apikey.rotate, self._store, name, now=time.time(), lifetime=lifetime, overlap=overlap
        )

    async def revoke(self, name: str) -> None:
        """Raises LocalError."""
        await asyncio.to_thread(apikey.revoke, self._store, name, now=time.time())


def _key(key: ApiKey, now: float) -> Key:
    state: Literal["live", "expired", "revoked"] = "live" if key.live(now) else "expired"
    return Key(key.id, key.name, key.created, key.expires, "revoked" if key.revoked is not None else state)


class PolicyDesk:
    """routes.policy.Policy. `current` gives the configuration in force."""

    def __init__(self, current: Callable[[], Settings]) -> None:
        self._current = current

    def current(self) -> PolicyShape:
        """As it is in force."""
        settings = self._current()
        return PolicyShape(
            policy_of(settings).hash,
            tuple(
                RoleShape(
                    name, role.description, *(tuple(map(described, getattr(role, verb))) for verb in VERBS)
                )
                for name, role in settings.access.roles.items()
            ),
            tuple(map(_grant, settings.access.grants)),
        )

    async def check(self) -> tuple[PolicyFinding, ...]:
        """What is odd."""
        return await asyncio.to_thread(self._check)

    def _check(self) -> tuple[PolicyFinding, ...]:
        settings = self._current()
        access = settings.access
        found = [remark for remark in check.warnings(settings) if remark[0][0] == "access"]
        found += findings(access.roles, access.grants)
        return tuple(PolicyFinding(".".join(map(str, place)), text) for place, text in found)

    async def why(self, asked: Question) -> Why:
        """Raises ProblemError (409)."""
        try:
            request = question([asked.principal, *asked.also], asked.action, asked.resource)
        except ValueError as error:
            raise ProblemError(409, "question", str(error)) from None
        settings = self._current()
        roles, grants = settings.access.roles, settings.access.grants
        return _why(await asyncio.to_thread(explain, roles, grants, request, compiler_of(settings)))


def _why(found: Explanation) -> Why:
    effects: dict[str, Literal["allow", "ask", "deny"]] = {"ALLOW": "allow", "ASK": "ask", "DENY": "deny"}
    return Why(
        effects[found.decision.effect.name],
        found.decision.reason,
        tuple(map(_rule, found.sources)),
        tuple(_grant(grant) for _, grant in found.held),
        tuple(RoleEffect(role, effect.name.lower()) for role, effect in found.helpful),
    )


def _rule(source: Source) -> RuleSource:
    verbs: dict[str, Literal["allow", "ask", "deny"]] = {"allow": "allow", "ask": "ask", "deny": "deny"}
    return RuleSource(source.role, verbs[source.verb], source.pattern)


def _grant(grant: Grant) -> GrantShape:
    return GrantShape(grant.to, grant.role, grant.reason, grant.owner)


class Staff:
    """routes.administrators.Administrators."""

    def __init__(self, roll: Roll, logins: Logins) -> None:
        self._roll = roll
        self._logins = logins

    async def all(self) -> tuple[AdministratorShape, ...]:
        """Everybody."""
        return tuple(map(_administrator, await asyncio.to_thread(self._roll.store.read)))

    async def add(self, name: str, roles: tuple[str, ...]) -> str:
        """The first key. Raises LocalError."""
        made = await asyncio.to_thread(self._add, name, roles)
        self._roll.look_again()
        return made

    def _add(self, name: str, roles: tuple[str, ...]) -> str:
        administrators.add(self._roll.store, name, roles, now=time.time())
        return administrators.make_key(self._roll.store, name, now=time.time())

    async def set_roles(self, name: str, roles: tuple[str, ...]) -> None:
        """Raises LocalError."""
        await asyncio.to_thread(administrators.set_roles, self._roll.store, name, roles)
        self._roll.look_again()

    async def permit_enrolment(self, name: str) -> str:
        """Raises LocalError."""
        return await asyncio.to_thread(permit_enrolment, self._roll, name, time.time())

    def end_logins(self, name: str) -> None:
        """All of somebody."""
        self._logins.end_of(name)

    async def remove(self, name: str) -> None:
        """Raises LocalError."""
        await asyncio.to_thread(administrators.remove, self._roll.store, name)
        self._roll.look_again()


def _administrator(each: Administrator) -> AdministratorShape:
    return AdministratorShape(
        each.name,
        each.roles,
        each.created,
        len(each.keys),
        bool(each.password),
        bool(each.totp),
        len(each.passkeys),
    )
