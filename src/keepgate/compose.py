"""The only wiring: configuration to objects, and the two ways to run them."""

from __future__ import annotations

import asyncio
import getpass
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from keepgate import __version__, config
from keepgate.auth.apikey import KeyRing
from keepgate.config import Settings
from keepgate.gateway.gateway import Gateway, Outside, Secrets
from keepgate.gateway.settings import Identity, Limits, ServerSettings
from keepgate.model.access import Principal
from keepgate.model.errors import ConfigError, KeepgateError
from keepgate.policy.engine import Engine
from keepgate.ports import Connector
from keepgate.protocol.jsonrpc import JsonLimits
from keepgate.stores.keys import JsonKeyStore

GRACE = 10.0
"""Seconds that running calls get at shutdown."""

log = logging.getLogger("keepgate")


def load_settings(path: Path | None) -> Settings:
    """The configuration with its warnings said. Raises ConfigError."""
    settings = config.load(path, env=os.environ)
    for warning in settings.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return settings


def limits_of(settings: Settings) -> Limits:
    """The configured limits as the gateway takes them."""
    given = settings.limits
    return Limits(
        json=JsonLimits(given.body_bytes, given.depth, given.members),
        response=JsonLimits(given.response_bytes, given.depth, given.members),
        requests_per_second=given.requests_per_second,
        burst=given.burst,
        concurrent_calls=given.concurrent_calls,
        sessions=given.sessions,
        session_idle=given.session_idle,
        call_timeout=given.call_timeout,
        call_maximum=given.call_maximum,
        connect_timeout=given.connect_timeout,
        list_items=given.list_items,
        replay_events=given.replay_events,
        subscriptions=given.subscriptions,
    )


def server_settings(settings: Settings, resolve: config.Resolver, report: Report) -> list[ServerSettings]:
    """Each configured server with the connector that reaches it. Secrets are fetched here, when servers are made."""
    made = []
    for name, server in settings.servers.items():
        made.append(
            ServerSettings(
                id=name,
                connector=connector_of(name, server, resolve, report),
                prefix=server.prefix,
                revision=server.protocol,
                call_timeout=server.timeout,
                instructions=server.instructions,
            )
        )
    return made
