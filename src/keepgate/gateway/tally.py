"""What was recorded, put together for the watch: records that differ in nothing but time and size are one event.

A call makes two records, and the watch takes twenty microseconds for an event: under load most records are alike, and
alike they are counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from keepgate.audit.record import Entry, Heard
from keepgate.model.errors import KeepgateError
from keepgate.protocol import jsonrpc
from keepgate.watch.event import Event, peer_of, shape_of

SHAPES: Final = 16
"""Calls of one sort whose argument names are looked at in one tally."""
OWN: Final = "alert."
"""Events of the watch itself are not watched."""


def tally(heard: Iterable[Heard]) -> list[Event]:
    """The events of these records, in the order of their last times."""
    found: dict[tuple[object, ...], list[Any]] = {}
    for one in heard:
        known = found.get(one.shared)
        if known is None:
            found[one.shared] = [one, 1, one.size, _shape(one)]
            continue
        known[0] = one
        known[1] += 1
        known[2] += one.size
        if known[1] <= SHAPES:
            known[3] |= _shape(one)
    events = [_event(last.entry(), *rest) for last, *rest in found.values()]
    return sorted(
        (event for event in events if not (event.own and event.method.startswith(OWN))),
        key=lambda event: event.time,
    )


def _event(entry: Entry, times: int, size: int, shape: set[str]) -> Event:
    to_server = entry.direction == "to_server"
    return Event(
        time=entry.time_ns / 1e9,
        id=entry.trace,
        principal=entry.principal,
        client=entry.client,
        server=entry.server,
        name=entry.name,
        method=entry.method,
        kind=entry.kind,
        to_server=to_server,
        effect=entry.effect,
        rules=entry.rules,
        findings=entry.findings,
        sent=size if to_server else 0,
        received=0 if to_server else size,
        source=peer_of(entry.reason) if entry.kind == "event" else "",
        shape=tuple(sorted(shape)),
        failed=entry.kind == "error",
        times=times,
        own=entry.kind == "event",
    )


def _shape(heard: Heard) -> set[str]:
    """Names of the arguments of a tool call; the payload is what was parsed before, so it is JSON."""
    if not heard.payload or heard.entry().method != "tools/call":
        return set()
    try:
        params = jsonrpc.parse(heard.payload, _LIMITS)
    except KeepgateError:
        return set()
    return set(shape_of(params.get("arguments") if isinstance(params, dict) else None))


_LIMITS: Final = jsonrpc.JsonLimits()
