"""The decisions of the log with what policy was asked, for commands that decide them anew (docs/audit.md).

Who reads payloads must be allowed to by a role (`administer: [read_payloads]`), and every reading is itself recorded,
before it begins.
"""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from keepgate.model.access import Administration, Principal, ResourceKind
from keepgate.model.errors import LocalError
from keepgate.model.verdict import Effect
from keepgate.policy.declared import Declared
from keepgate.policy.recorded import Recorded, UnreadableError, recorded

if TYPE_CHECKING:
    from keepgate.config import Settings

READ = "payloads.read"
"""`method` of the event that tells of a reading."""


@dataclass(slots=True)
class Decisions:
    """The recorded requests of a log. `unreadable` counts, while they are read, those that do not say enough."""

    settings: Settings
    since: str = ""
    """RFC 3339, inclusive."""
    until: str = ""
    """RFC 3339, exclusive."""
    unreadable: int = 0
    declared: Declared | None = None
    """If given, lists of tools are read as well, and each call has the schema that its tool then had."""
    _listing: set[str] = field(default_factory=set)
    """Decision ids of lists that were asked for."""

    def read(self, purpose: str) -> Iterator[Recorded]:
        """The decisions in the order of their times.

        Raises LocalError if the user of this process may not read payloads, ConfigError, EvidenceError, AuditError.
        """
        from keepgate.stores.audit import load_kek
        from keepgate.stores.audit.payloads import Payloads

        permit(self.settings, purpose)
        self.unreadable = 0
        payloads = Payloads(self.settings.state, load_kek(self.settings.state, os.environ, create_file=False))
        for opened in payloads.opened(since=self.since, until=self.until, wanted=self._is_wanted):
            if opened.record["kind"] != "request":
                if self.declared is not None and opened.envelope is not None:
                    self.declared.learn(opened.envelope.get("body"))
                continue
            try:
                found = recorded(opened.record, opened.envelope, opened.principal)
            except UnreadableError:
                self.unreadable += 1
                continue
            if found is None:
                continue
            if self.declared is not None and found.request.resource.kind is ResourceKind.TOOL:
                found.request.context["schema"] = self.declared.of(found.request.resource)
            yield found

    def _is_wanted(self, record: dict[str, Any]) -> bool:
        if record["kind"] == "request":
            if record["method"] == "tools/list" and self.declared is not None:
                self._listing.add(record["trace"])
            return True
        if record["kind"] != "result" or record["trace"] not in self._listing:
            return False
        self._listing.discard(record["trace"])
        return True


def permit(settings: Settings, purpose: str) -> None:
    """As `allow`, for reading payloads."""
    allow(settings, Administration.READ_PAYLOADS, READ, purpose)


def allow(
    settings: Settings,
    what: Administration,
    method: str,
    purpose: str,
    rules: tuple[str, ...] = (),
) -> None:
    """Ask policy whether the user of this process may do this, then record it, before it is done.

    The event `method` says `purpose`, in the clear, and `rules` beside the policy's own. Raises LocalError, AuditError.
    """
    from keepgate.audit.record import event
    from keepgate.compose.recording import record
    from keepgate.policy.administration import decide

    principal = Principal(f"local:{getpass.getuser()}", "local")
    access = settings.access
    decision = decide(access.roles, access.grants, principal, what)
    happened = event(
        time.time_ns(),
        method,
        purpose,
        direction="",
        principal=principal.id,
        rules=(*decision.rules, *rules),
        private="; ".join(decision.errors),
    )
    record(settings, happened._replace(effect=decision.effect.name.lower()))
    if decision.effect is not Effect.ALLOW:
        words = {Administration.READ_PAYLOADS: "read payloads", Administration.ERASE: "erase"}
        raise LocalError(
            "payloads",
            f"`{principal.id}` may not {words[what]}: {decision.reason}. Grant it a role with "
            f"`administer: [{what}]`",
        )
