"""The watch beside a running gateway: it gets what is recorded, alerts go to the log and to people."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import Coroutine

from keepgate.audit import record
from keepgate.audit.record import Heard, rfc3339
from keepgate.compose.quarantine import event
from keepgate.compose.receivers import Told, receivers_of
from keepgate.compose.secrets import Master
from keepgate.config import Settings
from keepgate.gateway.gateway import Gateway
from keepgate.gateway.tally import tally
from keepgate.model.errors import KeepgateError
from keepgate.model.finding import Severity
from keepgate.model.quarantine import Hold
from keepgate.protocol import jsonrpc
from keepgate.stores.alerts import Alerts, Raised
from keepgate.stores.audit import SegmentLog
from keepgate.stores.files import only_one
from keepgate.stores.quarantine import QuarantineFile
from keepgate.watch.alert import Alert
from keepgate.watch.engine import Watch

PAUSE = 2.0
"""Seconds between two looks at what was recorded."""
KEEP = 60.0
"""Seconds between two savings of the baselines."""
BEHIND = 50_000
"""Records that wait for the watch; if there are more, the oldest are passed over, and that is recorded."""

log = logging.getLogger("keepgate")


def alerts_of(settings: Settings) -> Alerts:
    """The store. Raises ConfigError for a key that cannot be had."""
    return Alerts(settings.state, Master(settings.state).master_key(), time.time)


def watched(gateway: Gateway, settings: Settings, audit: SegmentLog) -> list[Coroutine[None, None, None]]:
    """What is to run beside a gateway for its records to be watched.

    Nothing where that is switched off, or another process watches: baselines have one owner.
    """
    if not settings.alerts.watch or (lock := only_one(settings.state / "alerts.lock")) is None:
        return []
    audit.heard = deque(maxlen=BEHIND)
    return [Watching(gateway, settings, audit.heard, lock).run()]


class Watching:
    """One for each process that serves."""

    def __init__(self, gateway: Gateway, settings: Settings, heard: deque[Heard], lock: int) -> None:
        """`heard` is what the log fills; `lock` an open file that is held as long as it is open."""
        self._lock = lock
        self._gateway = gateway
        self._settings = settings
        self._heard = heard
        self._store = alerts_of(settings)
        self._quarantine = QuarantineFile(settings.state)
        self._receivers = receivers_of(settings, gateway.enforcer.note)
        self._watch = self._restored()
        self._kept = time.monotonic()
        self._waiting: list[tuple[float, Told, Alert]] = []

    def _restored(self) -> Watch:
        try:
            state = self._store.baselines()
            return Watch() if state is None else Watch.restored(state)
        except (KeepgateError, KeyError, TypeError, ValueError, IndexError) as error:
            log.error("the watch begins to learn anew: %s", error)  # noqa: TRY400 - no traceback
            return Watch()

    async def run(self) -> None:
        """Until cancelled; then the baselines are kept."""
        try:
            while True:
                await asyncio.sleep(PAUSE)
                try:
                    await self._look()
                except Exception:  # whatever fails, the next look must come
                    log.exception("what was recorded could not be watched")
        finally:
            self._keep()
            os.close(self._lock)

    async def _look(self) -> None:
        heard = self._heard
        taken = [heard.popleft() for _ in range(len(heard))]
        if len(taken) >= BEHIND:
            self._gateway.enforcer.note(
                "alert.behind", f"more than {BEHIND} records waited: the oldest were not watched"
            )
        # In a thread of its own the loop goes on in between; the watch is used by one thread at a time.
        for alert in await asyncio.to_thread(self._see, taken):
            self._raise(alert)
        self._escalate()
        if time.monotonic() - self._kept >= KEEP:
            self._kept = time.monotonic()
            await asyncio.to_thread(self._keep)

    def _see(self, taken: list[Heard]) -> list[Alert]:
        return [alert for event in tally(taken) for alert in self._watch.see(event)]

    def _keep(self) -> None:
        try:
            self._store.keep(self._watch.state())
        except KeepgateError as error:
            log.error("what the watch has learned cannot be kept: %s", error.public)  # noqa: TRY400 - no traceback

    def _raise(self, alert: Alert) -> None:
        """The log first, then what is done at once, then people."""
        when = rfc3339(int(alert.time * 1e6) * 1000)
        self._record(alert, when)
        silence = next((one for one in self._store.silences() if one.covers(alert)), None)
        self._store.add(Raised(alert, silence.id if silence else ""))
        self._respond(alert)
        if silence is not None:
            return
        for told in self._receivers:
            if not told.wants(alert):
                continue
            if told.receiver.after:
                self._waiting.append((time.monotonic() + told.receiver.after, told, alert))
            else:
                told.send(alert, when)

    def _record(self, alert: Alert, when: str) -> None:
        subject = alert.subject
        self._gateway.enforcer.audit.append(
            record.event(
                time.time_ns(),
                "alert.raised",
                f"{alert.severity.name.lower()} {alert.sign}",
                trace=alert.records[-1] if alert.records else "",
                principal=subject.principal,
                client=subject.client,
                server=subject.server,
                name=subject.name,
                payload=jsonrpc.encode(alert.as_json(when)),
            )
        )

    def _respond(self, alert: Alert) -> None:
        for response in self._settings.alerts.respond:
            if response.sign != alert.sign or alert.severity < Severity[response.severity.upper()]:
                continue
            subject = alert.subject
            target = {
                "principal": subject.principal and f"principal:{subject.principal}",
                "server": subject.server and f"server:{subject.server}",
                "tool": subject.server and subject.name and f"tool:{subject.server}/{subject.name}",
            }[response.quarantine]
            if target:
                reason = f"alert {alert.id}: {alert.sign}"
                self._quarantine.add(Hold(target, "keepgate", time.time(), reason))
                self._gateway.enforcer.audit.append(event("quarantine.added", target, "keepgate", reason))

    def _escalate(self) -> None:
        """Tell those who are told later, unless somebody has acknowledged by now."""
        now = time.monotonic()
        due = [each for each in self._waiting if each[0] <= now]
        self._waiting = [each for each in self._waiting if each[0] > now][-1000:]
        for _, told, alert in due:
            known = self._store.get(alert.id)
            if known is None or not known.acknowledged:
                told.send(alert, rfc3339(int(alert.time * 1e6) * 1000))
