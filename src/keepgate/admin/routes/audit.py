"""The audit log: searched, verified; what was said only with a permission of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol

from pydantic import Field, StringConstraints

from keepgate.admin.access import Permission
from keepgate.admin.problem import not_found
from keepgate.admin.route import route, shape

Word = Annotated[str, StringConstraints(max_length=1024)]
Moment = Annotated[
    str, StringConstraints(pattern=r"^$|^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$", max_length=40)
]
Writer = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Number = Annotated[int, Field(ge=0, le=2**62)]


@shape
@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Every field narrows."""

    principal: Word = ""
    """By name or pseudonym."""
    server: Word = ""
    name: Word = ""
    method: Word = ""
    verdict: Literal["", "allow", "redact", "ask", "deny"] = ""
    trace: Word = ""
    """A decision id."""
    since: Moment = ""
    until: Moment = ""
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    after: Number = 0
    """Only what was indexed after this id."""


@shape
@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One record."""

    id: int
    """In the index, for `after`."""
    principal: str
    """By name, if its key is at hand; else the pseudonym."""
    record: dict[str, Any]
    """As it stands in the log."""


@shape
@dataclass(frozen=True, slots=True)
class AuditEvents:
    """The newest that match, oldest first."""

    events: tuple[AuditEvent, ...]


@shape
@dataclass(frozen=True, slots=True)
class WriterReport:
    """What was found about the log of one writer."""

    writer: str
    status: Literal["pass", "fail", "unknown"]
    records: int
    signed: int
    unsigned: int
    checkpoints: int
    failed: tuple[str, ...]
    unknown: tuple[str, ...]


@shape
@dataclass(frozen=True, slots=True)
class Verification:
    """Whether the log holds together."""

    verdict: Literal["pass", "fail", "unknown"]
    writers: tuple[WriterReport, ...]


@shape
@dataclass(frozen=True, slots=True)
class Payload:
    """What was said: params, result or error, with what only the log may know."""

    writer: str
    seq: int
    principal: str
    body: Any
    name: str
    private: str


class Log(Protocol):
    """The log of this gateway. All raise LocalError."""

    async def query(self, query: AuditQuery) -> tuple[AuditEvent, ...]:
        """What matches."""

    async def verify(self) -> Verification:
        """Raises ProblemError (429) while another one runs."""

    async def payload(self, writer: str, seq: int) -> Payload | None:
        """None if there is no such record, or nothing was said."""


@route("GET", "/audit/events", Permission.AUDIT_READ, problems=(409,))
async def query_events(log: Log, query: AuditQuery) -> AuditEvents:
    """Search the log: who did what, and how it was decided."""
    return AuditEvents(await log.query(query))


@route("GET", "/audit/verification", Permission.AUDIT_READ, problems=(409,))
async def verify_log(log: Log) -> Verification:
    """Check that no record was changed, added, moved or removed. One at a time."""
    return await log.verify()


@route(
    "GET",
    "/audit/events/{writer}/{seq}/payload",
    Permission.AUDIT_PAYLOADS,
    strong=True,
    problems=(409,),
)
async def read_payload(log: Log, writer: Writer, seq: Number) -> Payload:
    """What was said in one message. That it was read stays in the log."""
    found = await log.payload(writer, seq)
    if found is None:
        raise not_found("payload")
    return found
