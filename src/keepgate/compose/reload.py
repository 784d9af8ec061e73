"""A changed configuration, taken up by a running gateway."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable

from keepgate import config
from keepgate.compose.gateway import policy_of
from keepgate.compose.secrets import resolver
from keepgate.compose.servers import servers_of
from keepgate.config import Settings
from keepgate.gateway.gateway import Gateway

RELOAD_PAUSE = 0.2
"""Seconds to let an editor finish writing before a changed configuration is read."""

log = logging.getLogger("keepgate")


async def watch(
    gateway: Gateway, settings: Settings, taken: Callable[[Settings], None] = lambda _: None
) -> None:
    """Follow changes of the configuration file: validate first, keep the last good one, say what changed.

    `taken` is told what is in force from then on.
    """
    from watchfiles import awatch

    seen: tuple[int, ...] | None = None
    async for _ in awatch(settings.file.parent, recursive=False, step=int(RELOAD_PAUSE * 1000)):
        if (found := config.stamp(settings.file)) == seen:
            continue  # something else in that directory
        seen = found
        try:
            fresh = await asyncio.to_thread(config.load, settings.file, env=os.environ)
            changed = config.diff(settings, fresh)
            if not changed:
                continue
            fixed = [key for key in changed if not key.startswith(("servers", "access"))]
            if fixed:
                log.warning("a restart is needed for: %s", ", ".join(fixed))
            policy = policy_of(fresh)
            made = servers_of(fresh, resolver(fresh))
            gateway.use_policy(policy)  # first: no new server may be met by the old policy
            await gateway.use_servers(made)
            settings = fresh
            taken(fresh)
            log.warning("configuration reloaded: %s", ", ".join(changed))
            if policy.observing:
                log.warning("observe mode, what policy refuses is let through: %s", policy.said)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the last good one stays
            log.error("the changed configuration is not used, the last good one stays: %s", error)  # noqa: TRY400 - no traceback
