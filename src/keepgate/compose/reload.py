"""A changed configuration, taken up by a running gateway."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable

from keepgate import config
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
    """Follow changes of the configuration and of the lock: validate first, keep the last good, say what changed.

    `taken` is told what is in force from then on.
    """
    from watchfiles import awatch

    seen: tuple[object, ...] = ()
    locked = await asyncio.to_thread(lock_of, settings)
    directories = {settings.file.parent, lock_path(settings).parent}
    async for _ in awatch(*directories, recursive=False, step=int(RELOAD_PAUSE * 1000)):
        if (found := (config.stamp(settings.file), config.stamp(lock_path(settings)))) == seen:
            continue  # something else in that directory
        seen = found
        try:
            fresh = await asyncio.to_thread(config.load, settings.file, env=os.environ)
            lock = await asyncio.to_thread(_next_lock, fresh, locked)
            changed = (*config.diff(settings, fresh), *(["keepgate.lock"] if lock != locked else []))
            if not changed:
                continue
            fixed = [
                key for key in changed if not key.startswith(("servers", "access", "lock", "keepgate.lock"))
            ]
            if fixed:
                log.warning("a restart is needed for: %s", ", ".join(fixed))
            policy = policy_of(fresh)
            made = servers_of(fresh, resolver(fresh), authorizations, lock)
            gateway.use_policy(policy)  # first: no new server may be met by the old policy
            if "keepgate.lock" in changed or any(key.startswith("lock") for key in changed):
                gateway.use_pins(pins_of(fresh, lock))
            await gateway.use_servers(made)
            settings, locked = fresh, lock
            taken(fresh)
            log.warning("configuration reloaded: %s", ", ".join(changed))
            if policy.observing:
                log.warning("observe mode, what policy refuses is let through: %s", policy.said)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the last good one stays
            log.error("the changed configuration is not used, the last good one stays: %s", error)  # noqa: TRY400 - no traceback
