"""From the tree of a client's file to the servers in it, whatever the client calls their parts.

An entry with errors is read as far as it goes: a client may well start it. Nothing is expanded, resolved or run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from keepgate.clients.formats import is_secret, pointer, show_args
from keepgate.clients.wide.dialects import Parsed
from keepgate.model.scan import ConfiguredServer, Location, Oddity
from keepgate.model.upstream import LaunchEntry, Origin, Transport
from keepgate.protocol.jsonc import Member, Node

MAX_SERVERS: Final = 2000
MAX_DEPTH: Final = 8
"""How deep in a file servers are looked for."""

CONTAINERS: Final = frozenset(
    ("mcpServers", "mcp_servers", "context_servers", "mcp-servers", "mcp.servers", "amp.mcpServers",
     "augment.advanced.mcpServers", "cody.mcpServers", "mcpServer")
)  # fmt: skip
"""Keys that hold servers wherever they stand."""
_FOLDED: Final = {name.casefold(): name for name in CONTAINERS}
MAYBE: Final = frozenset(("servers", "mcp", "extensions"))
"""Keys that hold servers if what they hold looks like it."""
_COMMAND: Final = ("command", "cmd")
_ARGS: Final = ("args", "arguments")
_ENV: Final = ("env", "environment", "envs")
_URL: Final = ("url", "serverUrl", "httpUrl", "uri", "endpoint", "sseUrl", "baseUrl", "server_url")
_HEADERS: Final = ("headers", "http_headers", "httpHeaders")
_LAUNCH: Final = frozenset((*_COMMAND, *_URL))


@dataclass(frozen=True, slots=True)
class Source:
    """Whose file it is."""

    client: str
    scope: str
    file: str


def servers(parsed: Parsed, source: Source) -> Iterator[ConfiguredServer | Oddity]:
    """Every server in a file, in the order in which they stand."""
    for root in parsed.roots:
        for path, node in _containers(root, (), 0):
            yield from _entries(parsed, source, path, node)
        if _flat(root):
            yield from _entries(parsed, source, (), root)
        yield from _bundled(parsed, source, root)


def _containers(node: Node, path: tuple[str, ...], depth: int) -> Iterator[tuple[tuple[str, ...], Node]]:
    if depth > MAX_DEPTH:
        return
    for member in node.members:
        here = (*path, member.key)
        if member.key.casefold() in _FOLDED or (member.key in MAYBE and _holds_servers(member.node)):
            yield here, member.node
        elif member.node.kind == "object":
            yield from _containers(member.node, here, depth + 1)
        elif member.node.kind == "array" and depth < 3:
            for index, item in enumerate(member.node.value[:200]):
                yield from _containers(item, (*here, str(index)), depth + 1)


def _holds_servers(node: Node) -> bool:
    members = node.members if node.kind == "object" else ()
    return any(_is_server(member.node) for member in members)


def _is_server(node: Node) -> bool:
    return node.kind == "object" and any(
        member.key in _LAUNCH and member.node.value not in (None, "") for member in node.members
    )


def _flat(root: Node) -> bool:
    """The servers stand at the root, as in a `.mcp.json` without a wrapper."""
    members = [member for member in root.members if not member.key.startswith("$")]
    return bool(members) and all(_is_server(member.node) for member in members)


def _entries(
    parsed: Parsed, source: Source, path: tuple[str, ...], node: Node
) -> Iterator[ConfiguredServer | Oddity]:
    if node.kind == "array":
        found = [
            (_name_of(item, index), Member("", item.start, item, -1)) for index, item in enumerate(node.value)
        ]
    elif node.kind == "object":
        # The last of several members with one name is the one the client sees; the others may be meant for us.
        found = [(member.key, member) for member in node.members]
    else:
        return
    for name, member in found[:MAX_SERVERS]:
        if member.node.kind != "object":
            if not isinstance(member.node.value, bool | str | None):
                place = Location(source.file, *parsed.lines.place(member.start))
                yield Oddity("bad-entry", "is not an object", place, name, inside=True)
            continue
        scope = f"project {path[1]}" if path[:1] == ("projects",) and len(path) > 2 else source.scope
        yield entry_of(parsed, Source(source.client, scope, source.file), name, (*path, name), member)


def _name_of(node: Node, index: int) -> str:
    name = node.get("name") if node.kind == "object" else None
    return name.value if name is not None and isinstance(name.value, str) else str(index)


def _bundled(parsed: Parsed, source: Source, root: Node) -> Iterator[ConfiguredServer]:
    """What an extension brings along: `server.mcp_config` of an MCP bundle's manifest."""
    server = root.get("server")
    config = server.get("mcp_config") if server is not None else None
    if config is not None and config.kind == "object":
        name = _text(root.get("name")) or "bundle"
        yield entry_of(parsed, source, name, ("server", "mcp_config"), Member(name, config.start, config, -1))


def entry_of(
    parsed: Parsed, source: Source, name: str, path: tuple[str, ...], member: Member
) -> ConfiguredServer:
    """One server."""
    node = member.node
    spots: dict[str, tuple[int, int]] = {"": parsed.lines.place(member.start)}
    for each in node.members:
        spots["/" + each.key] = parsed.lines.place(each.start)
    command, args = _argv(parsed, node, spots)
    env = _table(parsed, node, _ENV, "/env", spots)
    headers = _table(parsed, node, _HEADERS, "/headers", spots)
    url = _first(parsed, node, _URL, "/url", spots)
    raw = node.plain()
    kind = str(raw.get("type", raw.get("transport", ""))).lower()
    transport = Transport.STDIO if command else Transport.SSE if kind == "sse" else Transport.HTTP
    origin = Origin(source.client, source.scope, source.file, pointer(path), *spots[""])
    entry = LaunchEntry(
        name,
        transport,
        origin,
        command=command,
        args=args,
        env=env,
        env_file=_text(node.get("envFile")),
        cwd=_text(node.get("cwd")),
        url="" if command else url,
        headers=headers,
        disabled=raw.get("disabled") is True or raw.get("enabled") is False,
    )
    return ConfiguredServer(entry, raw, spots, _secrets(entry))


def _argv(parsed: Parsed, node: Node, spots: dict[str, tuple[int, int]]) -> tuple[str, tuple[str, ...]]:
    found = next((each for key in _COMMAND if (each := node.get(key)) is not None), None)
    words: list[Node] = []
    if found is not None and found.kind == "object":  # {"path": ..., "args": [...]}
        words = [part for key in ("path", "command") if (part := found.get(key)) is not None][:1]
        more: Node | None = found.get("args")
    elif found is not None:
        words = list(found.value) if found.kind == "array" else [found]
        more = None
    else:
        return "", ()
    given = more or next((each for key in _ARGS if (each := node.get(key)) is not None), None)
    if given is not None:
        words += list(given.value) if given.kind == "array" else [given] if given.value is not None else []
    texts = [_text(word) for word in words]
    for index, word in enumerate(words):
        spots["/command" if index == 0 else f"/args/{index - 1}"] = parsed.lines.place(word.start)
    if len(texts) == 1 and " " in texts[0] and not _is_path(texts[0]):
        texts = texts[0].split()
    return (texts[0], tuple(texts[1:])) if texts else ("", ())


def _is_path(text: str) -> bool:
    """`C:\\Program Files\\x.exe` is one word, `npx -y x` are three."""
    return (text.startswith(("/", "~", ".")) and " -" not in text) or text[1:3] in (":\\", ":/")


def _table(
    parsed: Parsed, node: Node, names: tuple[str, ...], to: str, spots: dict[str, tuple[int, int]]
) -> dict[str, str]:
    """A table of texts: an object, or a list of `NAME=value` or of `{name, value}`."""
    out: dict[str, str] = {}
    for given in (each for key in names if (each := node.get(key)) is not None):
        for name, value, start in _pairs(given):
            out[name] = value
            spots[f"{to}/{name}"] = parsed.lines.place(start)
    return out


def _pairs(given: Node) -> Iterator[tuple[str, str, int]]:
    for member in given.members:
        if member.node.kind == "scalar":
            yield member.key, _text(member.node), member.start
    for item in given.value if given.kind == "array" else ():
        if item.kind == "object":
            yield _text(item.get("name")), _text(item.get("value")), item.start
        elif isinstance(item.value, str):
            name, _, value = item.value.partition("=")
            yield name, value, item.start


def _first(
    parsed: Parsed, node: Node, names: tuple[str, ...], to: str, spots: dict[str, tuple[int, int]]
) -> str:
    for name in names:
        found = node.get(name)
        if found is not None and isinstance(found.value, str) and found.value:
            spots[to] = parsed.lines.place(found.start)
            return found.value
    return ""


def _text(node: Node | None) -> str:
    if node is None or node.kind != "scalar" or node.value is None:
        return ""
    return str(node.value).lower() if isinstance(node.value, bool) else str(node.value)


def _secrets(entry: LaunchEntry) -> frozenset[str]:
    """Where plain secrets seem to stand, by the guess that `keepgate up` seals by."""
    tables: tuple[tuple[str, Mapping[str, str]], ...] = (("/env/", entry.env), ("/headers/", entry.headers))
    found = {
        prefix + name for prefix, table in tables for name, value in table.items() if is_secret(name, value)
    }
    shown = show_args(entry.args)
    found |= {f"/args/{index}" for index, arg in enumerate(entry.args) if shown[index] != arg}
    return frozenset(found)


def case_variants(parsed: Parsed, source: Source) -> Iterator[Oddity]:
    """Keys that some parsers take for `mcpServers` and others do not."""
    for root in parsed.roots:
        for path, node in _containers(root, (), 0):
            key: Any = path[-1]
            meant = _FOLDED.get(str(key).casefold())
            if meant is not None and key not in CONTAINERS:
                place = Location(source.file, *parsed.lines.place(node.start))
                yield Oddity("case-variant", f"`{key}` is not `{meant}`", place, source.file, inside=True)
