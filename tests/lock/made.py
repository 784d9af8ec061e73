"""A server as it was approved, and ways in which it changes."""

from __future__ import annotations

import copy
from typing import Any

from keepgate.lock.compare import Offer
from keepgate.lock.document import Approval, Launch, LockedServer, Pin
from keepgate.lock.fingerprint import digest, fingerprint, parts

LAUNCH = Launch(("npx", "-y", "server@1.0.0"), env=("HOME",))
READ = {
    "name": "read_file",
    "description": "Read a file.",
    "inputSchema": {
        "type": "object",
        "properties": {"path": {"type": "string", "maxLength": 100}},
        "required": ["path"],
        "additionalProperties": False,
    },
}
ASK = {"name": "ask", "description": "A prompt."}


def offer(**changed: Any) -> Offer:
    """What the server offers; `tools` and `prompts` are lists of definitions."""
    tools = changed.pop("tools", [READ])
    prompts = changed.pop("prompts", [ASK])
    given = {
        "launch": LAUNCH,
        "name": "files",
        "instructions": "Be kind.",
        "capabilities": ("tools", "prompts"),
    }
    items = {
        "tools": {tool["name"]: tool for tool in tools},
        "prompts": {one["name"]: one for one in prompts},
    }
    return Offer(**{**given, **changed}, items=items)


def locked(given: Offer | None = None) -> LockedServer:
    """The lock's entry for an offer."""
    given = given or offer()
    pins = {
        kind: {name: Pin(fingerprint(item), parts(item)) for name, item in items.items()}
        for kind, items in given.items.items()
    }
    return LockedServer(
        given.launch,
        given.name,
        digest(given.instructions) if given.instructions else "",
        given.capabilities,
        pins,
        approved=Approval("alice", "2026-11-21T00:00:00Z", reason="read it"),
    )


def kept(given: Offer | None = None) -> dict[str, Any]:
    """Fingerprint to text, as the store of definitions has it."""
    given = given or offer()
    out: dict[str, Any] = {
        fingerprint(item): item for items in given.items.values() for item in items.values()
    }
    return {**out, digest(given.instructions): given.instructions}


def tool(**changed: Any) -> dict[str, Any]:
    """READ with other members; `schema` is a dict of changes of its inputSchema."""
    out = copy.deepcopy(READ)
    out["inputSchema"].update(changed.pop("schema", {}))
    return {**out, **changed}
