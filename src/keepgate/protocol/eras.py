"""Both protocol eras as one table: method x revision x direction.

Handshake era: 2024-11-05 to 2025-11-25 (initialize, sessions). Stateless era: 2026-07-28 (an envelope per request). A
method that is not in the table for a revision and direction is refused. `docs/eras.md` shows the same table; the test
suite diffs it against the official SDK's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from keepgate.model.access import Action
from keepgate.model.message import Direction, Kind


class Era(StrEnum):
    """The two families of revisions."""

    HANDSHAKE = "handshake"
    STATELESS = "stateless"


R2024_11: Final = "2024-11-05"
R2025_03: Final = "2025-03-26"
R2025_06: Final = "2025-06-18"
R2025_11: Final = "2025-11-25"
R2026_07: Final = "2026-07-28"

HANDSHAKE_REVISIONS: Final = (R2024_11, R2025_03, R2025_06, R2025_11)
STATELESS_REVISIONS: Final = (R2026_07,)
REVISIONS: Final = HANDSHAKE_REVISIONS + STATELESS_REVISIONS

_ALL = frozenset(REVISIONS)
_OLD = frozenset(HANDSHAKE_REVISIONS)
_NEW = frozenset(STATELESS_REVISIONS)
_FROM_2025_06 = frozenset((R2025_06, R2025_11))
_2025_11 = frozenset((R2025_11,))
_TASKS = frozenset((R2025_11, R2026_07))

_UP = Direction.TO_SERVER
_DOWN = Direction.TO_CLIENT


@dataclass(frozen=True, slots=True)
class Method:
    """One row: a method, who sends it, since and until when, and what it names.

    `name` is the params key that names what is asked for (mirrored as `Mcp-Name` in the stateless era), `action` the
    policy action, `items` the result key of a list.
    """

    method: str
    direction: Direction
    kind: Kind
    revisions: frozenset[str]
    action: Action | None = None
    name: str = ""
    items: str = ""


def _up(
    method: str, revisions: frozenset[str], action: Action | None = None, name: str = "", items: str = ""
) -> Method:
    return Method(method, _UP, Kind.REQUEST, revisions, action, name, items)


TABLE: Final = (
    # client to server, requests
    _up("initialize", _OLD),
    _up("ping", _OLD),
    _up("server/discover", _NEW),
    _up("tools/list", _ALL, items="tools"),
    _up("tools/call", _ALL, Action.CALL_TOOL, "name"),
    _up("prompts/list", _ALL, items="prompts"),
    _up("prompts/get", _ALL, Action.GET_PROMPT, "name"),
    _up("resources/list", _ALL, items="resources"),
    _up("resources/templates/list", _ALL, items="resourceTemplates"),
    _up("resources/read", _ALL, Action.READ_RESOURCE, "uri"),
    _up("resources/subscribe", _OLD, Action.SUBSCRIBE_RESOURCE, "uri"),
    _up("resources/unsubscribe", _OLD, Action.SUBSCRIBE_RESOURCE, "uri"),
    _up("completion/complete", _ALL, Action.COMPLETE),
    _up("logging/setLevel", _OLD),
    _up("subscriptions/listen", _NEW),
    # tasks: core in 2025-11-25, an extension in 2026-07-28; policy decides by the tool that made the task
    _up("tasks/get", _TASKS, name="taskId"),
    _up("tasks/result", _2025_11),
    _up("tasks/list", _2025_11),
    _up("tasks/cancel", _TASKS, name="taskId"),
    _up("tasks/update", _NEW, name="taskId"),
    # client to server, notifications
    Method("notifications/initialized", _UP, Kind.NOTIFICATION, _OLD),
    Method("notifications/cancelled", _UP, Kind.NOTIFICATION, _ALL),
    Method("notifications/progress", _UP, Kind.NOTIFICATION, _OLD),
    Method("notifications/roots/list_changed", _UP, Kind.NOTIFICATION, _OLD),
    Method("notifications/tasks/status", _UP, Kind.NOTIFICATION, _2025_11),
    # server to client, requests (the stateless era has none)
    Method("ping", _DOWN, Kind.REQUEST, _OLD),
    Method("roots/list", _DOWN, Kind.REQUEST, _OLD),
    Method("sampling/createMessage", _DOWN, Kind.REQUEST, _OLD),
    Method("elicitation/create", _DOWN, Kind.REQUEST, _FROM_2025_06),
    # 2025-11-25: a client that executes tasks is asked for them
    Method("tasks/get", _DOWN, Kind.REQUEST, _2025_11),
    Method("tasks/result", _DOWN, Kind.REQUEST, _2025_11),
    Method("tasks/list", _DOWN, Kind.REQUEST, _2025_11),
    Method("tasks/cancel", _DOWN, Kind.REQUEST, _2025_11),
    # server to client, notifications
    Method("notifications/cancelled", _DOWN, Kind.NOTIFICATION, _ALL),
    Method("notifications/progress", _DOWN, Kind.NOTIFICATION, _ALL),
    Method("notifications/message", _DOWN, Kind.NOTIFICATION, _ALL),
    Method("notifications/tools/list_changed", _DOWN, Kind.NOTIFICATION, _ALL),
    Method("notifications/prompts/list_changed", _DOWN, Kind.NOTIFICATION, _ALL),
    Method("notifications/resources/list_changed", _DOWN, Kind.NOTIFICATION, _ALL),
    Method("notifications/resources/updated", _DOWN, Kind.NOTIFICATION, _ALL),
    Method("notifications/elicitation/complete", _DOWN, Kind.NOTIFICATION, _2025_11),
    Method("notifications/tasks/status", _DOWN, Kind.NOTIFICATION, _2025_11),
    Method("notifications/tasks", _DOWN, Kind.NOTIFICATION, _NEW),
    Method("notifications/subscriptions/acknowledged", _DOWN, Kind.NOTIFICATION, _NEW),
)

_INDEX: Final[dict[tuple[str, Direction, Kind, str], Method]] = {
    (row.method, row.direction, row.kind, revision): row for row in TABLE for revision in row.revisions
}

LISTS: Final = {row.method: row.items for row in TABLE if row.items}
"""List method to the result key of its items."""

INPUT_REQUIRED_METHODS: Final = frozenset(("tools/call", "prompts/get", "resources/read"))
"""Stateless era: methods that may answer `input_required`."""

CACHEABLE_METHODS: Final = frozenset((*LISTS, "server/discover", "resources/read"))
"""Stateless era: methods whose complete results must carry ttlMs and cacheScope."""

ACKNOWLEDGED: Final = "notifications/subscriptions/acknowledged"
LISTEN_FLAGS: Final = {
    "toolsListChanged": "notifications/tools/list_changed",
    "promptsListChanged": "notifications/prompts/list_changed",
    "resourcesListChanged": "notifications/resources/list_changed",
}
"""Stateless era: flag of a `subscriptions/listen` to the notification it asks for."""

LOG_LEVELS: Final = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
"""RFC 5424 severities by name, least severe first."""

CALLBACK_CAPABILITY: Final = {
    "roots/list": "roots",
    "sampling/createMessage": "sampling",
    "elicitation/create": "elicitation",
}
"""Server-initiated request to the client capability it needs."""


def lookup(method: str, direction: Direction, kind: Kind, revision: str) -> Method | None:
    """The row for a message at a revision, or None: refuse it."""
    return _INDEX.get((method, direction, kind, revision))


def era_of(revision: str) -> Era:
    """The era of a known revision. Raises KeyError for an unknown one."""
    if revision in _OLD:
        return Era.HANDSHAKE
    if revision in _NEW:
        return Era.STATELESS
    raise KeyError(revision)


def negotiate(requested: object) -> str:
    """Handshake era: the revision to answer `initialize` with: the requested one if we speak it, else our newest."""
    return requested if isinstance(requested, str) and requested in _OLD else R2025_11


def may_batch(revision: str) -> bool:
    """Only 2025-03-26 has JSON-RPC batches (and must accept them)."""
    return revision == R2025_03


def may_prime(revision: str) -> bool:
    """2025-11-25: event streams start with a priming event and may be closed and resumed by the server."""
    return revision == R2025_11


def may_have_tasks(revision: str) -> bool:
    """Handshake era: only 2025-11-25 has tasks."""
    return revision == R2025_11
