"""The configuration as it is loaded, and its limits as the gateway takes them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from keepgate import config
from keepgate.config import Settings
from keepgate.gateway.settings import Limits
from keepgate.protocol.jsonrpc import JsonLimits


def load_settings(path: Path | None) -> Settings:
    """The configuration, with its warnings said on stderr. Raises ConfigError."""
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
        tasks=given.tasks,
        task_ttl=given.task_ttl,
    )
