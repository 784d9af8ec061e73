"""Translation between the eras: pure functions on params, results and errors (wire.md section 3).

Same-era traffic never passes here, so nothing is lost in it.
"""

from __future__ import annotations

from typing import Any

from keepgate.protocol import jsonrpc
from keepgate.protocol.envelope import (
    CAPABILITIES_KEY,
    CLIENT_INFO_KEY,
    ENVELOPE_KEYS,
    LOG_LEVEL_KEY,
    SERVER_INFO_KEY,
    VERSION_KEY,
    with_meta,
)
from keepgate.protocol.eras import CACHEABLE_METHODS, LOG_LEVELS, R2026_07


def params_to_stateless(
    params: dict[str, Any], capabilities: dict[str, Any], info: dict[str, Any], log_level: str = ""
) -> dict[str, Any]:
    """Add the envelope: the client's own handshake capabilities, never more."""
    entries: dict[str, Any] = {VERSION_KEY: R2026_07, CAPABILITIES_KEY: capabilities}
    if info:
        entries[CLIENT_INFO_KEY] = info
    if log_level:
        entries[LOG_LEVEL_KEY] = log_level
    return with_meta(params, **entries)


def params_to_handshake(params: dict[str, Any]) -> dict[str, Any]:
    """Remove the envelope and what answers questions; other `_meta` stays."""
    kept = {key: value for key, value in params.items() if key not in ("inputResponses", "requestState")}
    return with_meta(kept, **dict.fromkeys(ENVELOPE_KEYS))


def declared_to_handshake(capabilities: dict[str, Any]) -> dict[str, Any]:
    """What a stateless client declares, as a handshake server may hear it: roots cannot be told to have changed."""
    roots = capabilities.get("roots")
    if not isinstance(roots, dict) or "listChanged" not in roots:
        return capabilities
    return {**capabilities, "roots": {key: value for key, value in roots.items() if key != "listChanged"}}


def within(less: dict[str, Any], more: dict[str, Any]) -> bool:
    """Whether a client that declares `more` also declares `less`: elicitation without a mode means forms."""
    return _within(_explicit(less), _explicit(more))


def _explicit(capabilities: dict[str, Any]) -> dict[str, Any]:
    return (
        {**capabilities, "elicitation": {"form": {}}}
        if capabilities.get("elicitation") == {}
        else capabilities
    )


def _within(less: Any, more: Any) -> bool:
    if isinstance(less, dict) and isinstance(more, dict):
        return all(key in more and _within(value, more[key]) for key, value in less.items())
    return jsonrpc.canonical(less) == jsonrpc.canonical(more)  # in Python 1 is True


def as_request(asked: dict[str, Any]) -> dict[str, Any]:
    """An entry of `inputRequests` as the JSON-RPC request it stands for: what it adds must not make it a reply."""
    kept = {key: value for key, value in asked.items() if key not in ("result", "error")}
    return {**kept, "jsonrpc": "2.0", "id": 0}


def as_input(request: dict[str, Any]) -> dict[str, Any]:
    """A server's request as `inputRequests` has it: no id, and no token for progress that cannot come."""
    out = {key: value for key, value in request.items() if key not in ("jsonrpc", "id")}
    meta = request.get("params", {}).get("_meta")
    if isinstance(meta, dict) and "progressToken" in meta:
        out["params"] = with_meta(request["params"], progressToken=None)
    return out


def result_to_handshake(method: str, result: dict[str, Any]) -> dict[str, Any]:
    """Remove what only the stateless era has."""
    out = {key: value for key, value in result.items() if key not in ("resultType", "ttlMs", "cacheScope")}
    out = with_meta(out, **{SERVER_INFO_KEY: None})
    if not isinstance(out.get("structuredContent", {}), dict):
        del out["structuredContent"]  # the handshake era allows objects only; the text content stays
    if method == "tools/list":
        tools = result.get("tools")
        given = tools if isinstance(tools, list) else []
        out["tools"] = [_tool_to_handshake(tool) for tool in given if isinstance(tool, dict)]
    return out


def _tool_to_handshake(tool: dict[str, Any]) -> dict[str, Any]:
    schema = tool.get("outputSchema")
    if schema is None or (isinstance(schema, dict) and schema.get("type") == "object"):
        return tool
    return {key: value for key, value in tool.items() if key != "outputSchema"}


def result_to_stateless(method: str, result: dict[str, Any], server_info: dict[str, Any]) -> dict[str, Any]:
    """Add what every complete result of the stateless era must carry: uncacheable, private."""
    out = {"resultType": "complete", **result}
    if method in CACHEABLE_METHODS:
        out = {"ttlMs": 0, "cacheScope": "private", **out}
    return with_meta(out, **{SERVER_INFO_KEY: server_info}) if server_info else out


def log_wanted(params: dict[str, Any], message: dict[str, Any]) -> bool:
    """Whether a stateless request asked for a log message of this level; without a level it wants none."""
    meta = params.get("_meta")
    least = meta.get(LOG_LEVEL_KEY) if isinstance(meta, dict) else None
    level = message.get("level")
    if least not in LOG_LEVELS or level not in LOG_LEVELS:
        return False
    return LOG_LEVELS.index(level) >= LOG_LEVELS.index(least)


def error_to_handshake(method: str, error: dict[str, Any]) -> dict[str, Any]:
    """A missing resource is -32602 in the stateless era and -32002 before."""
    if method == "resources/read" and error["code"] == jsonrpc.INVALID_PARAMS:
        return {**error, "code": jsonrpc.RESOURCE_NOT_FOUND}
    return error


def error_to_stateless(error: dict[str, Any], capabilities: dict[str, Any]) -> dict[str, Any]:
    """-32002 and -32042 must not be emitted on the stateless wire.

    A client that cannot be sent to a URL hears what it would have to declare; its elicitations stay in the data.
    """
    if error["code"] == jsonrpc.RESOURCE_NOT_FOUND:
        return {**error, "code": jsonrpc.INVALID_PARAMS}
    if error["code"] != jsonrpc.URL_ELICITATION_REQUIRED:
        return error
    declared = capabilities.get("elicitation")
    if isinstance(declared, dict) and "url" in declared:
        return {**error, "code": jsonrpc.INTERNAL_ERROR}
    data = error.get("data")
    needed: dict[str, Any] = {"requiredCapabilities": {"elicitation": {"url": {}}}}
    data = {**data, **needed} if isinstance(data, dict) else needed
    return {**error, "code": jsonrpc.MISSING_CAPABILITY, "data": data}
