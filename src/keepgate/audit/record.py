"""The decision event: what is recorded of every message (DESIGN.md, Audit)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """What the gateway hands to the log for one message; the log adds v, writer, seq, prev, seals and hashes."""

    time_ns: int
    """Unix time in nanoseconds."""
    trace: str
    """The decision id of the request this belongs to: shared by a request, its reply and what came in between."""
    direction: str
    """to_server or to_client"""
    kind: str
    """request, notification, result, error, or event (keepgate's own: start, denied login, upstream lost)"""
    method: str
    principal: str
    client: str
    """clientInfo name/version as the client claims it: display only."""
    server: str
    name: str
    """tool or prompt name, resource URI, in the server's own terms"""
    effect: str
    """allow, redact, ask, deny"""
    reason: str = ""
    policy: str = ""
    """hash of the policy set that decided"""
    rules: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    size: int = 0
    payload: bytes = b""
    """canonical JSON of the params, result or error; sealed, never written in plain"""
