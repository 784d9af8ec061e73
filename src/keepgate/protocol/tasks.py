"""Tasks of both eras as data: what is declared, what a task looks like, how one era's task is said in the other.

2025-11-25: the caller asks for a task (`params.task`), the receiver answers `{task: {...}}`, and the outcome comes from
`tasks/result`. 2026-07-28: an extension that a request declares; the server alone decides, answers `resultType: task`,
and `tasks/get` carries the outcome. Pure functions on raw JSON; nothing is changed in place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from keepgate.model.errors import RemoteError, UpstreamError
from keepgate.protocol import jsonrpc
from keepgate.protocol.envelope import CAPABILITIES_KEY, PREFIX, with_meta

CAPABILITY: Final = "tasks"
"""2025-11-25"""
EXTENSION: Final = PREFIX + "tasks"
"""2026-07-28"""
RELATED_KEY: Final = PREFIX + "related-task"
"""2025-11-25: `_meta` key that says which task a message belongs to."""

METHODS: Final = frozenset(("tasks/get", "tasks/result", "tasks/list", "tasks/cancel", "tasks/update"))
STATUS: Final = "notifications/tasks/status"
"""2025-11-25"""
CHANGED: Final = "notifications/tasks"
"""2026-07-28"""

TERMINAL: Final = frozenset(("completed", "failed", "cancelled"))
STATUSES: Final = TERMINAL | {"working", "input_required"}
MAX_ID_CHARS: Final = 1024
OUTCOMES: Final = ("result", "error", "inputRequests")
"""What `tasks/get` of the extension inlines, and nothing else may carry."""

_RENAMED: Final = {"ttl": "ttlMs", "pollInterval": "pollIntervalMs"}


@dataclass(frozen=True, slots=True)
class State:
    """What keepgate itself reads of a task. `ttl` and `poll` in milliseconds, None if unlimited or not said."""

    id: str
    status: str
    ttl: int | None
    poll: int | None

    @property
    def ended(self) -> bool:
        """It will not change any more."""
        return self.status in TERMINAL


def read(task: Any) -> State:
    """The state in a task object of either era. Raises UpstreamError: whoever made it is at fault."""
    if not isinstance(task, dict):
        raise UpstreamError("protocol", "the task is no object")
    own, status = task.get("taskId"), task.get("status")
    if not isinstance(own, str) or not 0 < len(own) <= MAX_ID_CHARS:
        raise UpstreamError("protocol", f"a task id must be a string of 1 to {MAX_ID_CHARS} characters")
    if not isinstance(status, str) or status not in STATUSES:
        raise UpstreamError("protocol", "the task has an unknown status")
    ttl = _milliseconds(task.get("ttlMs", task.get("ttl")))
    return State(own, status, ttl, _milliseconds(task.get("pollIntervalMs", task.get("pollInterval"))))


def _milliseconds(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise UpstreamError("protocol", "a time of the task is no positive number")
    return int(value)


def wanted_ttl(params: dict[str, Any]) -> int | None:
    """2025-11-25: the lifetime in milliseconds that a caller asks for. Raises RemoteError (-32602)."""
    wanted = params.get("task")
    ttl = wanted.get("ttl") if isinstance(wanted, dict) else wanted
    if not isinstance(wanted, dict) or (
        ttl is not None and (isinstance(ttl, bool) or not isinstance(ttl, int | float) or ttl < 0)
    ):
        raise RemoteError(
            "params",
            "`params.task.ttl` must be a positive number of milliseconds",
            rpc_code=jsonrpc.INVALID_PARAMS,
        )
    return None if ttl is None else int(ttl)


# What is declared


def declared(capabilities: Any) -> bool:
    """2026-07-28: whether a client or a server has the extension."""
    extensions = capabilities.get("extensions") if isinstance(capabilities, dict) else None
    return isinstance(extensions, dict) and isinstance(extensions.get(EXTENSION), dict)


def may_create(method: str, params: dict[str, Any]) -> bool:
    """2026-07-28: whether the server may answer this request with a task."""
    meta = params.get("_meta")
    return method == "tools/call" and isinstance(meta, dict) and declared(meta.get(CAPABILITIES_KEY))


def augmentable(capabilities: Any, method: str) -> bool:
    """2025-11-25: whether a receiver with these capabilities takes `method` as a task: exhaustive, so default no."""
    found = capabilities.get(CAPABILITY) if isinstance(capabilities, dict) else None
    for key in ("requests", *method.split("/")):
        found = found.get(key) if isinstance(found, dict) else None
    return isinstance(found, dict)


def operations(capabilities: Any) -> frozenset[str]:
    """2025-11-25: which `tasks/*` methods a receiver with these capabilities has."""
    found = capabilities.get(CAPABILITY) if isinstance(capabilities, dict) else None
    if not isinstance(found, dict):
        return frozenset()
    more = {f"tasks/{name}" for name in ("list", "cancel") if isinstance(found.get(name), dict)}
    return frozenset({"tasks/get", "tasks/result", *more})


def without(capabilities: dict[str, Any]) -> dict[str, Any]:
    """Capabilities with the tasks of neither era."""
    out = {name: value for name, value in capabilities.items() if name != CAPABILITY}
    extensions = out.get("extensions")
    if isinstance(extensions, dict) and EXTENSION in extensions:
        out["extensions"] = {name: value for name, value in extensions.items() if name != EXTENSION}
    return out


def with_extension(capabilities: dict[str, Any]) -> dict[str, Any]:
    """Capabilities with the extension declared."""
    extensions = capabilities.get("extensions")
    return {
        **capabilities,
        "extensions": {**(extensions if isinstance(extensions, dict) else {}), EXTENSION: {}},
    }


def envelope_declares(params: dict[str, Any], *, tasks: bool) -> dict[str, Any]:
    """2026-07-28: params whose envelope declares the extension, or does not."""
    meta = params.get("_meta")
    given = meta.get(CAPABILITIES_KEY) if isinstance(meta, dict) else None
    current = given if isinstance(given, dict) else {}
    changed = with_extension(current) if tasks else without(current)
    return with_meta(params, **{CAPABILITIES_KEY: changed})


def support(tool: Any) -> str:
    """2025-11-25: `required`, `optional` or `forbidden`, as a listed tool says."""
    execution = tool.get("execution") if isinstance(tool, dict) else None
    found = execution.get("taskSupport") if isinstance(execution, dict) else None
    return found if found in ("required", "optional") else "forbidden"


def needs_extension(error: dict[str, Any]) -> bool:
    """2026-07-28: whether a server refused a request because it can only answer it with a task."""
    data = error.get("data")
    return (
        error["code"] == jsonrpc.MISSING_CAPABILITY
        and isinstance(data, dict)
        and declared(data.get("requiredCapabilities"))
    )


REQUIRED: Final[dict[str, Any]] = {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}
"""`data` of -32021"""


# What is said


def named(task: dict[str, Any], task_id: str, ttl: int | None) -> dict[str, Any]:
    """A task under another id, with the lifetime it really has here."""
    out = {**task, "taskId": task_id}
    for key in ("ttl", "ttlMs"):
        if key in out:
            out[key] = ttl
    return out


def to_extension(task: dict[str, Any]) -> dict[str, Any]:
    """A task of 2025-11-25 as one of 2026-07-28."""
    out = {_RENAMED.get(name, name): value for name, value in task.items()}
    out.setdefault("ttlMs", None)
    return out


def related(holder: Any) -> str | None:
    """The task id that params or a result belong to, if `_meta` says so."""
    meta = holder.get("_meta") if isinstance(holder, dict) else None
    found = meta.get(RELATED_KEY) if isinstance(meta, dict) else None
    task_id = found.get("taskId") if isinstance(found, dict) else None
    return task_id if isinstance(task_id, str) else None


def mentions(holder: Any) -> bool:
    """Whether `_meta` has the key at all, whatever stands there."""
    meta = holder.get("_meta") if isinstance(holder, dict) else None
    return isinstance(meta, dict) and RELATED_KEY in meta


def relate(holder: dict[str, Any], task_id: str | None) -> dict[str, Any]:
    """A copy that belongs to this task, or (None) to none."""
    if task_id is None:
        return with_meta(holder, **{RELATED_KEY: None})
    meta = holder.get("_meta")
    old = meta.get(RELATED_KEY) if isinstance(meta, dict) else None
    return with_meta(holder, **{RELATED_KEY: {**(old if isinstance(old, dict) else {}), "taskId": task_id}})
