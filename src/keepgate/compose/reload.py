"""A changed configuration, taken up by a running gateway."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from keepgate import config
from keepgate.compose.asking import use_terms
from keepgate.compose.gateway import policy_of
from keepgate.compose.lock import lock_of, lock_path, pins_of
from keepgate.compose.secrets import resolver
from keepgate.compose.servers import servers_of
from keepgate.compose.upstream_auth import Authorizations
from keepgate.config import Settings
from keepgate.gateway.gateway import Gateway
from keepgate.lock.document import Lock
from keepgate.model.errors import ConfigError

RELOAD_PAUSE = 0.2
"""Seconds to let an editor finish writing before a changed configuration is read."""
_OURS = ("servers", "access", "lock", "keepgate.lock", "policies")
"""What can change without a restart."""

log = logging.getLogger("keepgate")


def _next_lock(settings: Settings, last: Lock | None) -> Lock | None:
    """The lock as it is now. One that was taken away must not open anything. Raises ConfigError."""
    lock = lock_of(settings)
    if lock is None and last is not None:
        raise ConfigError("the lock is gone: restart keepgate to run without one")
    return lock


async def watch(
    gateway: Gateway,
    settings: Settings,
    authorizations: Authorizations,
    taken: Callable[[Settings], None] = lambda _: None,
) -> None:
    """Follow changes of the configuration, of its policy files and of the lock.

    Validates first, keeps the last good, says what changed. `taken` is told what is in force from then on.
    """
    from watchfiles import awatch

    following = Following(gateway, settings, await asyncio.to_thread(lock_of, settings), authorizations)
    following.taken = taken
    while True:
        directories = following.directories
        async for _ in awatch(*directories, recursive=False, step=int(RELOAD_PAUSE * 1000)):
            await following.look()
            if following.directories != directories:
                break  # a policy file elsewhere: watch there as well


class Following:
    """What is in force, and what it was made from."""

    def __init__(
        self, gateway: Gateway, settings: Settings, locked: Lock | None, authorizations: Authorizations
    ) -> None:
        self._gateway = gateway
        self._settings = self._first = settings
        self._locked = locked
        self._authorizations = authorizations
        self.taken: Callable[[Settings], None] = lambda _: None
        """Told what is in force from then on."""
        self._policy = gateway.enforcer.rules.policy_hash
        self._seen: tuple[tuple[int, ...], ...] = ()

    @property
    def _files(self) -> tuple[Path, ...]:
        return (self._settings.file, lock_path(self._settings), *self._settings.access.policies)

    @property
    def directories(self) -> frozenset[Path]:
        """Where those files are, as far as the directories exist."""
        return frozenset(each.parent for each in self._files if each.parent.is_dir())

    async def look(self) -> None:
        """Something may have changed."""
        if (found := tuple(map(config.stamp, self._files))) == self._seen:
            return  # something else in those directories
        self._seen = found
        try:
            await self._take_up()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the last good one stays
            log.error("the changed configuration is not used, the last good one stays: %s", error)  # noqa: TRY400 - no traceback

    def _fixed(self, fresh: Settings) -> dict[str, Any]:
        """The sections of the start that stay in force, whatever stands in the file now."""
        ours = {key.partition(".")[0] for key in _OURS}
        return {
            each.name: getattr(self._first, each.name)
            for each in fields(fresh)
            if each.name not in ours and each.name != "warnings"
        }

    async def _take_up(self) -> None:
        fresh = await asyncio.to_thread(config.load, self._settings.file, env=os.environ)
        lock = await asyncio.to_thread(_next_lock, fresh, self._locked)
        policy = await asyncio.to_thread(policy_of, fresh)
        changed = list(config.diff(self._settings, fresh))
        if lock != self._locked:
            changed.append("keepgate.lock")
        if not changed:
            if policy.hash == self._policy:
                return
            changed.append("policies")
        fixed = [key for key in changed if not key.startswith(_OURS)]
        if fixed:
            log.warning("a restart is needed for: %s", ", ".join(fixed))
        made = servers_of(fresh, resolver(fresh), self._authorizations, lock)
        self._gateway.use_policy(policy)  # first: no new server may be met by the old policy
        if any(key.startswith(("lock", "keepgate.lock")) for key in changed):
            self._gateway.use_pins(pins_of(fresh, lock))
        use_terms(self._gateway, fresh)
        await self._gateway.use_servers(made)
        self._settings, self._locked, self._policy = fresh, lock, policy.hash
        self.taken(replace(fresh, **self._fixed(fresh)))
        log.warning("configuration reloaded: %s", ", ".join(changed))
        if policy.observing:
            log.warning("observe mode, what policy refuses is let through: %s", policy.said)
