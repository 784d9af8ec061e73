"""The watch beside a running gateway: it gets what is recorded, alerts go to the log and to people."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
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
from keepgate.model.errors import AuditError, KeepgateError
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
RAISED = 1000
"""Alerts that wait for the log to take them."""

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
        self._found: deque[Alert] = deque(maxlen=RAISED)
        """What is still to be raised."""
        self._seeing = threading.Lock()
        """Held by the thread that uses the watch: when we are cancelled, one may still be at it."""

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
            self._end()
            os.close(self._lock)

    async def _look(self) -> None:
        taken = self._taken()
        # In a thread of its own the loop goes on in between; the watch is used by one thread at a time.
        await asyncio.to_thread(self._see, taken)
        while (alert := self._recorded()) is not None:
            self._respond(alert)
            if not await asyncio.to_thread(self._silenced, alert):
                self._tell(alert)
        await self._escalate()
        if time.monotonic() - self._kept >= KEEP:
            self._kept = time.monotonic()
            await asyncio.to_thread(self._keep)

    def _end(self) -> None:
        """What was recorded last is watched as well: a message just before the end is not a way to go unseen."""
        try:
            self._see(self._taken())
            while (alert := self._recorded()) is not None:
                self._respond(alert)
                if not self._silenced(alert):
                    self._tell(alert)
        except Exception:  # whatever fails, what was learned is kept
            log.exception("what was recorded last could not be watched")
        self._keep()

    def _taken(self) -> list[Heard]:
        heard = self._heard
        taken = [heard.popleft() for _ in range(len(heard))]
        if len(taken) >= BEHIND:
            why = f"more than {BEHIND} records waited: the oldest were not watched"
            self._gateway.enforcer.note("alert.behind", why)
        return taken

    def _see(self, taken: list[Heard]) -> None:
        with self._seeing:
            for event in tally(taken):
                self._found.extend(self._watch.see(event))

    def _keep(self) -> None:
        try:
            with self._seeing:
                state = self._watch.state()
            self._store.keep(state)
        except KeepgateError as error:
            log.error("what the watch has learned cannot be kept: %s", error.public)  # noqa: TRY400 - no traceback

    def _recorded(self) -> Alert | None:
        """The next alert, which is in the log. What the log does not take waits for the next look."""
        if not self._found:
            return None
        alert = self._found[0]
        try:
            self._record(alert)
        except AuditError as error:
            log.error("an alert waits for the audit log: %s", error.public)  # noqa: TRY400 - no traceback
            return None
        return self._found.popleft()

    def _silenced(self, alert: Alert) -> bool:
        """Keep it, and say whether it is to be told to nobody. What cannot be looked up is told."""
        try:
            silence = next((one for one in self._store.silences() if one.covers(alert)), None)
            self._store.add(Raised(alert, silence.id if silence else ""))
        except KeepgateError as error:
            log.error("an alert cannot be kept: %s", error.public)  # noqa: TRY400 - no traceback
            return False
        return silence is not None

    def _tell(self, alert: Alert) -> None:
        for told in self._receivers:
            if not told.wants(alert):
                continue
            if told.receiver.after:
                self._waiting.append((time.monotonic() + told.receiver.after, told, alert))
            else:
                told.send(alert, _when(alert))

    def _record(self, alert: Alert) -> None:
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
                payload=jsonrpc.encode(alert.as_json(_when(alert))),
            )
        )

    def _respond(self, alert: Alert) -> None:
        """What is done at once: it depends on nothing that is only there to tell people."""
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
                self._stop(target, f"alert {alert.id}: {alert.sign}")

    def _stop(self, target: str, reason: str) -> None:
        try:
            if self._quarantine.add(Hold(target, "keepgate", time.time(), reason)):
                self._gateway.enforcer.audit.append(event("quarantine.added", target, "keepgate", reason))
        except KeepgateError as error:
            log.error("`%s` could not be stopped: %s", ascii(target), error.public)  # noqa: TRY400 - no traceback
            self._gateway.enforcer.note("alert.unanswered", f"{reason}: {error.public}"[:300])

    async def _escalate(self) -> None:
        """Tell those who are told later, unless somebody has acknowledged by now."""
        now = time.monotonic()
        due = [each for each in self._waiting if each[0] <= now]
        self._waiting = [each for each in self._waiting if each[0] > now][-1000:]
        for _, told, alert in due:
            if not await asyncio.to_thread(self._acknowledged, alert):
                told.send(alert, _when(alert))

    def _acknowledged(self, alert: Alert) -> bool:
        try:
            known = self._store.get(alert.id)
        except KeepgateError:
            return False  # rather told without need
        return known is not None and bool(known.acknowledged)


def _when(alert: Alert) -> str:
    return rfc3339(int(alert.time * 1e6) * 1000)
