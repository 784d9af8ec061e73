"""What keepgate says it can do: the union of what the permitted servers behind an endpoint declare, never more."""

from __future__ import annotations

from typing import Any

from keepgate.gateway.backends import HandshakeBackend, StatelessBackend
from keepgate.gateway.caller import Caller
from keepgate.gateway.settings import Identity
from keepgate.gateway.view import View
from keepgate.model.access import Principal
from keepgate.protocol.envelope import SERVER_INFO_KEY, display, with_meta
from keepgate.protocol.eras import STATELESS_REVISIONS, negotiate

LISTABLE = ("tools", "prompts", "resources")
TASKS = "tasks"
TASKS_EXTENSION = "io.modelcontextprotocol/tasks"


def relayed(capabilities: dict[str, Any]) -> dict[str, Any]:
    """What one side declared, as the other may hear it: without tasks, which this version does not relay."""
    out = {name: value for name, value in capabilities.items() if name != TASKS}
    extensions = out.get("extensions")
    if isinstance(extensions, dict) and TASKS_EXTENSION in extensions:
        out["extensions"] = {name: value for name, value in extensions.items() if name != TASKS_EXTENSION}
    return out


def introduced(principal: Principal, params: dict[str, Any]) -> Caller:
    """Who sends `initialize` with these params, at the revision that was negotiated."""
    capabilities, info = params.get("capabilities"), params.get("clientInfo")
    return Caller(
        principal,
        negotiate(params.get("protocolVersion")),
        relayed(capabilities) if isinstance(capabilities, dict) else {},
        info if isinstance(info, dict) else {},
        display(info) if isinstance(info, dict) else "",
    )


def merged(view: View) -> dict[str, Any]:
    """The union over a view's servers. Over several servers lists can always change: one may come or go."""
    out: dict[str, Any] = {}
    for backend in view.backends.values():
        for name, value in relayed(backend.capabilities).items():
            if not isinstance(value, dict):
                continue
            current = out.setdefault(name, {})
            for key, flag in value.items():
                current[key] = (
                    (current.get(key, False) or flag) if isinstance(flag, bool) else current.get(key, flag)
                )
    if not view.single:
        for name in LISTABLE:
            if name in out or not view.backends:
                out.setdefault(name, {})["listChanged"] = True
    return out


def instructions(view: View) -> str:
    """Of servers configured to pass them, or of a server mounted alone unless configured not to.

    Instructions are text of a server that goes straight to the model and names un-prefixed tools.
    """
    wanted = [
        backend.instructions
        for backend in view.backends.values()
        if backend.instructions
        and (view.single if backend.settings.instructions is None else backend.settings.instructions)
    ]
    return "\n\n".join(wanted)


def initialize_result(view: View, revision: str, identity: Identity) -> dict[str, Any]:
    """The result of `initialize`. A server mounted alone answers for itself, unknown fields included."""
    result: dict[str, Any] = {"protocolVersion": revision, "serverInfo": identity.info}
    if view.single:
        (backend,) = view.backends.values()
        if isinstance(backend, HandshakeBackend):
            result = {**backend.initialized}
        elif backend.server_info:
            result["serverInfo"] = backend.server_info
    return _with_common(result, view)


def discover_result(view: View, identity: Identity) -> dict[str, Any]:
    """The result of `server/discover`; private, since it depends on what the principal may use."""
    result: dict[str, Any] = {}
    info = identity.info
    if view.single:
        (backend,) = view.backends.values()
        if isinstance(backend, StatelessBackend):
            result = {**backend.upstream.discovered}
        info = backend.server_info or info
    result |= {
        "resultType": "complete",
        "ttlMs": 0,
        "cacheScope": "private",
        "supportedVersions": list(STATELESS_REVISIONS),
    }
    return with_meta(_with_common(result, view), **{SERVER_INFO_KEY: info})


def _with_common(result: dict[str, Any], view: View) -> dict[str, Any]:
    result["capabilities"] = merged(view)
    result.pop("instructions", None)
    text = instructions(view)
    if text:
        result["instructions"] = text
    return result
