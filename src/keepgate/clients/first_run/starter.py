"""The first `keepgate.yaml`: what was found, who had it, and a role per server that names each thing it grants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from keepgate.clients.first_run.adopt import Adoption, Server
from keepgate.clients.formats import printable

MAX_NAMES = 500
"""In one role: what nobody would read through is not granted by name."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server was seen to offer, or why that is not known."""

    tools: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    """URIs and URI templates"""
    unknown: str = ""


def starter(adoption: Adoption, offers: Mapping[str, Offer]) -> str:
    """The text of the file. A server without an offer gets a role that grants nothing yet."""
    return "\n".join(_lines(adoption, offers)) + "\n"


def _lines(adoption: Adoption, offers: Mapping[str, Offer]) -> Iterator[str]:
    yield "# keepgate: which MCP servers there are, and who may use what of them."
    yield "# Written by `keepgate up` from the configurations of your clients; yours to edit, reloaded when saved."
    yield "version: 1"
    yield ""
    yield "# Secrets are references: `keepgate secrets list` shows the names in keepgate's own store."
    yield "servers:"
    for server in adoption.servers:
        yield from _server(server)
    for server in adoption.waiting:
        yield from _waiting(server)
    for entry, why in adoption.left:
        yield f"  # not taken over: {printable(entry.name, 80)} of {entry.origin.client}, {printable(why)}"
    yield ""
    yield "# Nothing is vetted yet: each role lists what its server offered at first sight, so what a server adds"
    yield "# later is not allowed until you say so. Delete what you do not use."
    yield "access:"
    yield "  roles:"
    for server in adoption.servers:
        yield from _role(server, offers.get(server.id, Offer(unknown="it was not asked")))
    yield "  grants:"
    for server in adoption.servers:
        for client in server.clients:
            yield f"    - {{to: {quoted(f'key:{client}')}, role: {server.id}}}"


def _server(server: Server) -> Iterator[str]:
    had = ", ".join(f"{entry.origin.client} ({printable(entry.name, 80)})" for entry in server.entries)
    yield f"  # {had}"
    for note in server.notes:
        yield f"  # note: {printable(note)}"
    yield f"  {server.id}:"
    for key, value in server.config.items():
        if isinstance(value, dict):
            yield f"    {key}:"
            yield from (f"      {_key(name)}: {_value(item)}" for name, item in value.items())
        else:
            yield f"    {key}: {_value(value)}"


def _waiting(server: Server) -> Iterator[str]:
    for name, what in server.missing.items():
        yield f"  # To do: `keepgate secrets set {name}`, {printable(what)}."
    yield f"  # Then uncomment this, and give `{server.id}` a role and grants as the others have:"
    yield from (f"  # {line[2:]}" for line in _server(server))


def _role(server: Server, offer: Offer) -> Iterator[str]:
    patterns = list(_patterns(server.id, offer))
    unknown = offer.unknown
    if len(patterns) > MAX_NAMES:
        patterns, unknown = [], f"it offers more than {MAX_NAMES} things"
    yield f"    {server.id}:"
    if unknown:
        yield f"      # Not listed: {printable(unknown)}."
        yield "      # To grant all it offers, now and later, put this in the place of the next line:"
        yield f'      # allow: ["{server.id}/*"]'
    if not patterns:
        yield "      allow: []"
        return
    yield "      allow:"
    yield from (f"        - {quoted(pattern)}" for pattern in patterns)


def _patterns(server: str, offer: Offer) -> Iterator[str]:
    for kind, names in (("tool", offer.tools), ("prompt", offer.prompts)):
        yield from (f"{kind}:{server}/{_exact(name)}" for name in _clean(names))
    yield from (f"resource:{server}/{_template(uri)}" for uri in _clean(offer.resources))


def _clean(names: Iterable[str]) -> Iterator[str]:
    """Each name once, in the server's order; what is not text at all cannot be named in a file."""
    return filter(_encodes, dict.fromkeys(names))


def _encodes(name: str) -> bool:
    try:
        return bool(name.encode())
    except UnicodeEncodeError:
        return False


def _exact(name: str) -> str:
    """A name as a pattern that matches nothing else."""
    return name.replace("\\", "\\\\").replace("*", "\\*")


def _template(uri: str) -> str:
    """A URI, or a URI template with `*` for each variable part, as a pattern."""
    out, rest = "", uri
    while "{" in rest:
        head, _, rest = rest.partition("{")
        _, _, rest = rest.partition("}")
        out += _exact(head) + "*"
    return out + _exact(rest)


def _key(name: str) -> str:
    return name if name.isascii() and name.replace("-", "_").isidentifier() else quoted(name)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(quoted, value)) + "]"
    return f"{{secret: {quoted(value['secret'])}}}" if isinstance(value, dict) else quoted(value)


def quoted(text: str) -> str:
    """A double-quoted YAML scalar in which nothing invisible stands as itself."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in ('"', "\\"):
        return "\\" + char
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
