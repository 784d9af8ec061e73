"""What nobody wants to be told for a while: still seen and recorded, but sent to nobody."""

from __future__ import annotations

from dataclasses import dataclass

from keepgate.watch.alert import Alert, Sign


@dataclass(frozen=True, slots=True)
class Silence:
    """For alerts of one sign, about one principal, server, tool, client or address, or both; until a time.

    A tool is named with its server: a server could otherwise hide behind the name of what is silenced.
    """

    id: str
    until: float
    """Unix seconds"""
    by: str
    reason: str
    sign: str = ""
    about: str = ""
    """A value of the subject, or `server/name` of a tool."""

    def __post_init__(self) -> None:
        if self.sign and self.sign not in tuple(Sign):
            raise ValueError(f"there is no sign `{self.sign[:40]}`: {', '.join(Sign)}")
        if not (self.sign or self.about):
            raise ValueError("a silence names a sign, or what the alerts are about")

    def covers(self, alert: Alert) -> bool:
        """True for an alert that it is about, while it lasts."""
        subject = alert.subject
        named = {
            subject.principal,
            subject.client,
            subject.server,
            subject.source,
            f"{subject.server}/{subject.name}",
        }
        return (
            alert.time < self.until
            and self.sign in {"", alert.sign}
            and (not self.about or self.about in named)
        )
