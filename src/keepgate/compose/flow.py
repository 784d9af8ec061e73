"""Data flow of a configuration: where its servers stand, what is followed, and what follows."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import Final

from keepgate.audit.record import Entry, event
from keepgate.compose.recording import record
from keepgate.compose.secrets import Master
from keepgate.config import Server, Settings
from keepgate.config.values import is_loopback
from keepgate.decide.guards.flow import Flow, Posture
from keepgate.gateway.flows import SAVE, Flows
from keepgate.model.flow import KeptFlow
from keepgate.policy.servers import Place
from keepgate.stores.flows import Flows as FlowFile

_DEFAULTS: Final = {"relaxed": Posture.RECORD, "balanced": Posture.ASK, "strict": Posture.ASK}


def place_of(server: Server, settings: Settings) -> Place:
    """Where a server stands, as far as the configuration tells; in doubt outside, and with something to tell."""
    if server.url:
        return Place(outward=True, holds=bool(server.headers or server.auth or server.tls.cert))
    box = server.sandbox
    if box.mode == "off":
        return Place(outward=True, holds=True)
    given = (box.read, box.write, server.env, server.pass_env, server.cwd != settings.file.parent)
    return Place(outward=_leads_out(box.network), holds=any(given))


def _leads_out(network: str | Iterable[str]) -> bool:
    if isinstance(network, str):
        return network != "none"
    return not all(is_loopback(each.rpartition(":")[0].strip("[]")) for each in network)


def flows_of(settings: Settings) -> Flows:
    """The flows of a gateway."""
    return Flows(file_of(settings), time.time, idle=settings.flow.idle, key=os.urandom(32))


def file_of(settings: Settings) -> FlowFile:
    """Where they are kept."""
    return FlowFile(settings.state, Master(settings.state).master_key(), keep=settings.flow.idle + 2 * SAVE)


def guard_of(settings: Settings) -> tuple[Flow, ...]:
    """What closes the trifecta; none where that is switched off."""
    word, profile = settings.flow.trifecta, settings.content.profile
    if word == "ignore":
        return ()
    return (Flow(Posture(word) if word else _DEFAULTS[profile], strict=profile == "strict"),)


def clear(settings: Settings, principal: str, *, by: str, reason: str) -> bool:
    """Take all labels from a flow; the record exists first. Raises LocalError, AuditError."""
    record(settings, cleared(principal, by, reason))
    return file_of(settings).clear(principal)


def live(settings: Settings, flows: Iterable[KeptFlow]) -> list[KeptFlow]:
    """Those that have not ended: of a running keepgate with an open session there may be more."""
    return [each for each in flows if time.time() - each.last <= settings.flow.idle + SAVE]


def cleared(principal: str, by: str, reason: str) -> Entry:
    """The record of it."""
    return event(time.time_ns(), "flow.cleared", f"labels of {principal[:160]}", principal=by, private=reason)
