"""What keepgate says it can do: the union of what the permitted servers behind an endpoint declare, never more."""

from __future__ import annotations

from typing import Any

from keepgate.gateway.backends import HandshakeBackend, StatelessBackend
from keepgate.gateway.caller import Caller
from keepgate.gateway.settings import Identity
from keepgate.gateway.view import View
from keepgate.model.access import Principal
from keepgate.protocol import tasks
from keepgate.protocol.envelope import SERVER_INFO_KEY, display, with_meta
from keepgate.protocol.eras import STATELESS_REVISIONS, may_have_tasks, negotiate

LISTABLE = ("tools", "prompts", "resources")


def relayed(capabilities: dict[str, Any], revision: str) -> dict[str, Any]:
    """What a handshake client declared, as servers may hear it: tasks only since there are any, never the extension."""
    kept = capabilities.get(tasks.CAPABILITY) if may_have_tasks(revision) else None
    out = tasks.without(capabilities)
    return out if kept is None else {**out, tasks.CAPABILITY: kept}


def introduced(principal: Principal, params: dict[str, Any]) -> Caller:
    """Who sends `initialize` with these params, at the revision that was negotiated."""
    capabilities, info = params.get("capabilities"), params.get("clientInfo")
    revision = negotiate(params.get("protocolVersion"))
    return Caller(
        principal,
        revision,
        relayed(capabilities, revision) if isinstance(capabilities, dict) else {},
        info if isinstance(info, dict) else {},
        display(info) if isinstance(info, dict) else "",
    )


def merged(view: View) -> dict[str, Any]:
    """The union over a view's servers. Over several servers lists can always change: one may come or go."""
    out: dict[str, Any] = {}
    for backend in view.backends.values():
        for name, value in backend.capabilities.items():
            if isinstance(value, dict):
                out[name] = _united(out.get(name, {}), value)
    if not view.single:
        for name in LISTABLE:
            if name in out or not view.backends:
                out.setdefault(name, {})["listChanged"] = True
    return out


def _united(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """What either has; of two settings that are neither flags nor objects the first counts."""
    out = dict(one)
    for key, value in other.items():
        known = out.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            out[key] = _united(known, value)
        elif isinstance(value, bool):
            out[key] = bool(known) or value
        else:
            out.setdefault(key, value)
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
    out = _with_common(result, view)
    if not may_have_tasks(out["protocolVersion"]):
        out["capabilities"].pop(tasks.CAPABILITY, None)
    return out


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
