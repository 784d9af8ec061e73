"""Container and Kubernetes files: what they start as MCP servers, said as the `docker run` that would do the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from keepgate.clients.wide.dialects import Parsed
from keepgate.clients.wide.servers import Source
from keepgate.model.scan import ConfiguredServer
from keepgate.model.upstream import LaunchEntry, Origin, Transport
from keepgate.protocol.jsonc import Node

_FLAGS: Final = {
    "network_mode": "--network",
    "pid": "--pid",
    "ipc": "--ipc",
    "userns_mode": "--userns",
    "user": "--user",
}
_LISTS: Final = {
    "volumes": "-v", "ports": "-p", "cap_add": "--cap-add", "security_opt": "--security-opt", "devices": "--device",
}  # fmt: skip

_Word = tuple[str, int]


def containers(parsed: Parsed, source: Source) -> Iterator[ConfiguredServer]:
    """The services of a compose file and the containers of a Kubernetes object that have to do with MCP."""
    for root in parsed.roots:
        services = root.get("services")
        for member in services.members if services is not None else ():
            if _about_mcp(member.key, member.node):
                yield _server(parsed, source, member.key, member.start, _compose(member.node))
        if root.get("apiVersion") is not None and root.get("kind") is not None:
            for name, start, words in _pods(root):
                yield _server(parsed, source, name, start, words)


def _about_mcp(name: str, node: Node) -> bool:
    texts = [name, *(_text(node.get(key)) for key in ("image", "command", "entrypoint", "container_name"))]
    command = node.get("command")
    if command is not None and command.kind == "array":
        texts += [_text(item) for item in command.value]
    return any("mcp" in text.lower() for text in texts)


def _server(parsed: Parsed, source: Source, name: str, start: int, words: list[_Word]) -> ConfiguredServer:
    spots = {"": parsed.lines.place(start)}
    args = ["run"]
    spots["/args/0"] = spots[""]
    for index, (word, at) in enumerate(words, 1):
        args.append(word)
        spots[f"/args/{index}"] = parsed.lines.place(at)
    origin = Origin(source.client, source.scope, source.file, f"/{name}", *spots[""])
    entry = LaunchEntry(name, Transport.STDIO, origin, command="docker", args=tuple(args))
    return ConfiguredServer(entry, {"container": True}, spots)


def _compose(node: Node) -> list[_Word]:
    words: list[_Word] = []
    privileged = node.get("privileged")
    if privileged is not None and privileged.value is True:
        words.append(("--privileged", privileged.start))
    for key, flag in _FLAGS.items():
        if (found := node.get(key)) is not None and _text(found):
            words += [(flag, found.start), (_text(found), found.start)]
    for key, flag in _LISTS.items():
        found = node.get(key)
        for item in found.value if found is not None and found.kind == "array" else ():
            words += [(flag, item.start), (_mount(item), item.start)]
    words += _environment(node.get("environment"))
    image = node.get("image")
    words.append((_text(image) or "built-here", image.start if image is not None else node.start))
    command = node.get("command")
    for item in command.value if command is not None and command.kind == "array" else ():
        words.append((_text(item), item.start))
    return words


def _environment(found: Node | None) -> list[_Word]:
    words: list[_Word] = []
    for member in found.members if found is not None else ():
        words += [("-e", member.start), (f"{member.key}={_text(member.node)}", member.start)]
    for item in found.value if found is not None and found.kind == "array" else ():
        words += [("-e", item.start), (_text(item), item.start)]
    return words


def _mount(item: Node) -> str:
    if item.kind != "object":
        return _text(item)
    source, target = _text(item.get("source")), _text(item.get("target"))
    published = _text(item.get("published"))
    return f"{published}:{target}" if published else f"{source}:{target}"


def _pods(root: Node) -> Iterator[tuple[str, int, list[_Word]]]:
    spec = root.get("spec")
    for _ in range(4):  # CronJob > Job > Pod
        inner = None
        if spec is not None and spec.kind == "object":
            template = spec.get("template") or spec.get("jobTemplate")
            inner = template.get("spec") if template is not None and template.kind == "object" else None
        if inner is None:
            break
        spec = inner
    found = spec.get("containers") if spec is not None and spec.kind == "object" else None
    if spec is None or found is None or found.kind != "array":
        return
    name = _text((root.get("metadata") or root).get("name"))
    pod = _pod_flags(spec)
    for item in found.value:
        if item.kind == "object" and (_about_mcp(f"{name} {_text(item.get('name'))}", item)):
            yield _text(item.get("name")) or name, item.start, [*pod, *_container_flags(item)]


def _pod_flags(spec: Node) -> list[_Word]:
    words: list[_Word] = []
    for key, flag in (("hostNetwork", "--network"), ("hostPID", "--pid"), ("hostIPC", "--ipc")):
        found = spec.get(key)
        if found is not None and found.value is True:
            words += [(flag, found.start), ("host", found.start)]
    volumes = spec.get("volumes")
    for volume in volumes.value if volumes is not None and volumes.kind == "array" else ():
        host = volume.get("hostPath") if volume.kind == "object" else None
        path = host.get("path") if host is not None else None
        if path is not None:
            words += [("-v", path.start), (f"{_text(path)}:/mounted", path.start)]
    return words


def _container_flags(item: Node) -> list[_Word]:
    words: list[_Word] = []
    context = item.get("securityContext")
    if context is not None and context.kind == "object":
        privileged = context.get("privileged")
        if privileged is not None and privileged.value is True:
            words.append(("--privileged", privileged.start))
        capabilities = context.get("capabilities")
        added = (
            capabilities.get("add") if capabilities is not None and capabilities.kind == "object" else None
        )
        for each in added.value if added is not None and added.kind == "array" else ():
            words += [("--cap-add", each.start), (_text(each), each.start)]
    words += _environment(item.get("env"))
    image = item.get("image")
    words.append((_text(image) or "built-here", image.start if image is not None else item.start))
    for key in ("command", "args"):
        found = item.get(key)
        words += [
            (_text(each), each.start)
            for each in (found.value if found is not None and found.kind == "array" else ())
        ]
    return words


def _text(node: Node | None) -> str:
    return str(node.value) if node is not None and node.kind == "scalar" and node.value is not None else ""
