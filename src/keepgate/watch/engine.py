"""Events in, alerts out: every measure asked for each event, what belongs together told once."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import Any, Final

from keepgate.watch.alert import Alert, Sign, Subject
from keepgate.watch.certain import certain
from keepgate.watch.event import Event
from keepgate.watch.levels import MEASURES, Levels
from keepgate.watch.novelty import KINDS, Novelty, UnusualHours

QUIET: Final = 3600
"""Seconds without it until the same alert is told again."""
TOGETHER: Final = 1800
"""Seconds within which alerts about the same make one incident."""
_MANY: Final = 10_000
OF_ONE: Final = 50
"""Alerts of one sign about one principal, else one server, within `QUIET`; whoever is neither shares one such number.
Addresses, names of programs and URIs cost nobody anything: each of them must not be a mail."""
VERSION: Final = 1


class Watch:
    """All baselines. Feed it events in the order of their times; one that is late counts as of the newest."""

    def __init__(self) -> None:
        self._levels = [Levels(measure) for measure in MEASURES]
        self._novelties = [Novelty(kind) for kind in KINDS]
        self._hours = UnusualHours()
        self._open: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._incidents: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._counts: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()
        self._begun = self._newest = 0.0

    def see(self, event: Event) -> list[Alert]:
        """The alerts that this event raises."""
        if event.time < self._newest:
            event = event._replace(time=self._newest)
        self._newest = event.time
        self._begun = self._begun or event.time
        found = [certain(event), self._hours.see(event)]
        found += [levels.see(event, self._begun) for levels in self._levels]
        found += [novelty.see(event) for novelty in self._novelties]
        fresh = (alert for alert in found if alert is not None and self._fresh(alert, event))
        return [self._joined(alert) for each in fresh if (alert := self._bounded(each)) is not None]

    def _fresh(self, alert: Alert, event: Event) -> bool:
        """True unless this was told, of the same or of somebody narrower, and has not ended since."""
        fresh = self._last(alert.sign, str(alert.subject), alert.time) >= QUIET
        if fresh:
            for wider in (
                Subject(client=event.client),
                Subject(server=event.server),
                Subject(server=event.server, name=event.name),
            ):
                self._last(alert.sign, str(wider), alert.time)
            if alert.sign is Sign.FIRST_USE:
                self._last(
                    alert.sign,
                    str(Subject(principal=event.principal, server=event.server, name=event.name)),
                    alert.time,
                )
        return fresh

    def _bounded(self, alert: Alert) -> Alert | None:
        """The alert; the last one that is told says so; None for what comes after it."""
        key = alert.sign, alert.subject.principal or alert.subject.server
        since, count = self._counts.pop(key, (alert.time, 0))
        if alert.time - since >= QUIET:
            since, count = alert.time, 0
        self._counts[key] = since, count + 1
        if len(self._counts) > _MANY:
            self._counts.popitem(last=False)
        if count + 1 < OF_ONE:
            return alert
        more = f"{alert.seen}; this is the {OF_ONE}th within an hour: of more, none is told until it is over"
        return replace(alert, seen=more) if count + 1 == OF_ONE else None

    def _last(self, sign: Sign, about: str, now: float) -> float:
        """Seconds since this was met, which it is now."""
        last = self._open.pop((sign, about), -QUIET - now)
        self._open[sign, about] = now
        if len(self._open) > _MANY:
            self._open.popitem(last=False)
        return now - last

    def _joined(self, alert: Alert) -> Alert:
        subject = alert.subject
        about = subject.principal or subject.source or subject.server or subject.client
        when, incident = self._incidents.pop(about, (0.0, ""))
        if not incident or alert.time - when > TOGETHER:
            incident = alert.id
        self._incidents[about] = (alert.time, incident)
        if len(self._incidents) > _MANY:
            self._incidents.popitem(last=False)
        return replace(alert, incident=incident)

    def learning(self) -> dict[str, tuple[int, int]]:
        """By measure: how many baselines have learned enough, of how many."""
        now = self._newest
        found = {levels.measure.id: levels.learning(now) for levels in self._levels}
        found |= {f"first-{novelty.kind.id}": novelty.learning(now) for novelty in self._novelties}
        return found | {"hours": self._hours.learning()}

    def state(self) -> dict[str, Any]:
        """The baselines as JSON; what goes on at this moment is not in it."""
        return {
            "version": VERSION,
            "begun": self._begun,
            "newest": self._newest,
            "levels": {levels.measure.id: levels.state() for levels in self._levels},
            "novelties": {novelty.kind.id: novelty.state() for novelty in self._novelties},
            "hours": self._hours.state(),
        }

    @classmethod
    def restored(cls, state: dict[str, Any]) -> Watch:
        """Of what `state` gave. Raises KeyError, TypeError, ValueError or IndexError for anything else."""
        watch = cls()
        if state["version"] != VERSION:
            raise ValueError(f"version {state['version']!r}")
        watch._begun, watch._newest = float(state["begun"]), float(state["newest"])
        for levels in watch._levels:
            levels.restore(state["levels"][levels.measure.id])
        for novelty in watch._novelties:
            novelty.restore(state["novelties"][novelty.kind.id])
        watch._hours.restore(state["hours"])
        return watch


__all__ = ["Alert", "Event", "Subject", "Watch"]
