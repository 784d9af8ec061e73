"""Bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from keepgate.config.sections.types import MIB, Bytes, CallSeconds, Count, Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on what outsiders control. Sizes in bytes, times in seconds."""

    body_bytes: Bytes = 4 * MIB
    """One message from a client."""
    response_bytes: Bytes = 16 * MIB
    """One message from a server."""
    depth: Annotated[int, Field(ge=8, le=128)] = 64
    """Nested objects and lists in a message."""
    members: Count = 200_000
    """Keys and values in a message."""
    requests_per_second: Rate = 200.0
    """For each principal."""
    burst: Rate = 400.0
    """Requests that a principal may send at once after a pause."""
    concurrent_calls: Count = 64
    """In flight, for each principal."""
    sessions: Count = 32
    """Open at a time, for each principal."""
    session_idle: Annotated[float, Field(ge=10, le=86_400)] = 3600.0
    """A session without traffic ends after this time."""
    subscriptions: Count = 16
    """Open listening streams, for each principal."""
    tasks: Count = 256
    """Kept at a time, for each principal."""
    task_ttl: Annotated[float, Field(ge=1, le=2_592_000)] = 86_400.0
    """A task is forgotten after this time, whatever its server says."""
    replay_events: Annotated[int, Field(ge=0, le=100_000)] = 256
    """Kept for each event stream, so that a client can resume it."""
    call_timeout: CallSeconds = 60.0
    """A call ends after this time without any sign of life from the server."""
    call_maximum: CallSeconds = 600.0
    """A call ends after this time whatever the server says."""
    connect_timeout: CallSeconds = 30.0
    """Reaching or starting a server."""
    list_items: Count = 10_000
    """Tools, resources or prompts that one server may offer."""
