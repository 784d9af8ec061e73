"""Where URIs stand in messages, and rewriting them in place of names that collide between servers (wire.md section 6).

URIs are left as they are wherever possible, since clients may fetch `https:` resources themselves. Only when two
servers behind one endpoint offer the same URI does the second get an alias `keepgate://<server>/<original, quoted>`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

SCHEME = "keepgate://"

Rewrite = Callable[[str], str]


def alias(server: str, uri: str) -> str:
    """The alias of a URI on a server."""
    return f"{SCHEME}{server}/{quote(uri, safe='{}')}"


def parse_alias(uri: str) -> tuple[str, str] | None:
    """Server id and original URI of an alias, or None."""
    if not uri.startswith(SCHEME):
        return None
    server, slash, rest = uri[len(SCHEME) :].partition("/")
    return (server, unquote(rest)) if server and slash and rest else None


def _swap(holder: Any, key: str, rewrite: Rewrite) -> None:
    if isinstance(holder, dict) and isinstance(holder.get(key), str):
        holder[key] = rewrite(holder[key])


def _content(block: Any, rewrite: Rewrite) -> None:
    if not isinstance(block, dict):
        return
    if block.get("type") == "resource_link":
        _swap(block, "uri", rewrite)
    elif block.get("type") == "resource":
        _swap(block.get("resource"), "uri", rewrite)


def _ui(item: Any, rewrite: Rewrite) -> None:
    """MCP Apps: the tool names the `ui://` resource that renders it."""
    meta = item.get("_meta") if isinstance(item, dict) else None
    if isinstance(meta, dict):
        _swap(meta.get("ui"), "resourceUri", rewrite)
        _swap(meta, "ui/resourceUri", rewrite)


def _each(value: Any, visit: Callable[[Any, Rewrite], None], rewrite: Rewrite) -> None:
    if isinstance(value, list):
        for item in value:
            visit(item, rewrite)


def rewrite_result(method: str, result: dict[str, Any], rewrite: Rewrite) -> None:
    """Rewrite every URI of a result in place."""
    if method == "tools/call":
        _each(result.get("content"), _content, rewrite)
    elif method == "prompts/get":
        _each(result.get("messages"), _message, rewrite)
    elif method == "resources/read":
        _each(result.get("contents"), lambda item, change: _swap(item, "uri", change), rewrite)
    elif method == "resources/list":
        _each(result.get("resources"), lambda item, change: _swap(item, "uri", change), rewrite)
    elif method == "resources/templates/list":
        _each(
            result.get("resourceTemplates"), lambda item, change: _swap(item, "uriTemplate", change), rewrite
        )
    elif method == "tools/list":
        _each(result.get("tools"), _ui, rewrite)


def _message(message: Any, rewrite: Rewrite) -> None:
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, list):
        _each(content, _content, rewrite)
    else:
        _content(content, rewrite)


def rewrite_error(error: dict[str, Any], rewrite: Rewrite) -> None:
    """Rewrite `data.uri` of an error in place."""
    _swap(error.get("data"), "uri", rewrite)


def mentioned(method: str, body: dict[str, Any]) -> list[str]:
    """The URIs of a reply: links need not be listed and may be read later."""
    found: list[str] = []

    def note(uri: str) -> str:
        found.append(uri)
        return uri

    if "error" in body:
        rewrite_error(body["error"], note)
    else:
        rewrite_result(method, body["result"], note)
    return found
