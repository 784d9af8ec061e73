"""`keepgate.lock` as data: strict to read, canonical to write.

The file is JSON meant for review and version control. Its format is `keepgate.lock.schema`; what does not fit it is
refused whole. The signature covers everything else in canonical form (RFC 8785).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

import jsonschema_rs

from keepgate.lock.fingerprint import canonical
from keepgate.lock.schema import SCHEMA
from keepgate.model.errors import LocalError
from keepgate.model.message import Json

VERSION: Final = 1
KINDS: Final = {
    "tools": "tool",
    "prompts": "prompt",
    "resources": "resource",
    "resourceTemplates": "resource template",
}
"""Member of the result of a list method, and of a server in the lock, to what one of its items is called."""


class LockError(LocalError):
    """The lock cannot be used as it is; the text says what to do."""

    def __init__(self, public: str) -> None:
        super().__init__("lock", public)


@dataclass(frozen=True, slots=True)
class Pin:
    """One approved definition."""

    hash: str
    fields: Mapping[str, str] = field(default_factory=dict)
    effects: tuple[str, ...] = ()
    """What it does, by keepgate's own assessment."""

    def value(self) -> dict[str, Json]:
        """As the file has it."""
        out: dict[str, Json] = {"hash": self.hash, "fields": dict(self.fields)}
        return {**out, "effects": list(self.effects)} if self.effects else out


@dataclass(frozen=True, slots=True)
class Launch:
    """How the server is started or reached: names of variables and headers, never their values."""

    command: tuple[str, ...] = ()
    url: str = ""
    env: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()

    def value(self) -> dict[str, Json]:
        """As the file has it."""
        if self.url:
            return {"url": self.url, "headers": list(self.headers)}
        return {"command": list(self.command), "env": list(self.env)}


@dataclass(frozen=True, slots=True)
class Approval:
    """Who approved a server, when, until when (RFC 3339; "" is no end), and why."""

    by: str
    at: str
    until: str = ""
    reason: str = ""

    def value(self) -> dict[str, Json]:
        """As the file has it."""
        pairs = {"by": self.by, "at": self.at, "until": self.until, "reason": self.reason}
        return {key: text for key, text in pairs.items() if text}


@dataclass(frozen=True, slots=True)
class LockedServer:
    """One server as it was approved."""

    launch: Launch
    name: str
    """As it calls itself in `serverInfo`."""
    instructions: str
    """Digest of its instructions; "" if it gave none."""
    capabilities: tuple[str, ...]
    pins: Mapping[str, Mapping[str, Pin]]
    """By the member of the list result (`KINDS`), then by name, URI or template."""
    packages: tuple[Mapping[str, str], ...] = ()
    """`purl` and `integrity` of what is run."""
    verdict: str = "unknown"
    tier: str = "unknown"
    evidence: tuple[str, ...] = ()
    approved: Approval | None = None

    def value(self) -> dict[str, Json]:
        """As the file has it."""
        out: dict[str, Json] = {
            "launch": self.launch.value(),
            "packages": [dict(package) for package in self.packages],
            "identity": {"name": self.name, "instructions": self.instructions},
            "capabilities": list(self.capabilities),
            **{kind: {name: pin.value() for name, pin in self.pins.get(kind, {}).items()} for kind in KINDS},
            "verdict": self.verdict,
            "tier": self.tier,
            "evidence": list(self.evidence),
        }
        return {**out, "approved": self.approved.value()} if self.approved is not None else out


@dataclass(frozen=True, slots=True)
class Lock:
    """The whole file."""

    servers: Mapping[str, LockedServer] = field(default_factory=dict)
    key: str = ""
    """Public key that signed it, base64 of 32 bytes; "" while nobody has."""
    signature: str = ""

    def signed(self) -> bytes:
        """What the signature covers."""
        return canonical(self._unsigned())

    def value(self) -> dict[str, Json]:
        """As the file has it."""
        out = self._unsigned()
        return {**out, "signature": {"key": self.key, "value": self.signature}} if self.signature else out

    def _unsigned(self) -> dict[str, Json]:
        return {"version": VERSION, "servers": {name: one.value() for name, one in self.servers.items()}}

    def with_(self, name: str, server: LockedServer | None) -> Lock:
        """The lock with a server put in, or taken out; not signed any more."""
        servers = {key: one for key, one in self.servers.items() if key != name}
        if server is not None:
            servers[name] = server
        return replace(self, servers=servers, key="", signature="")


def lock_of(value: Json) -> Lock:
    """The lock in a parsed file. Raises LockError naming the place that does not fit."""
    if isinstance(value, dict) and value.get("version") not in (None, VERSION):
        raise LockError(f"it is of version {str(value['version'])[:20]}, and this keepgate reads version 1")
    fault = next(_validator().iter_errors(value), None)
    if fault is not None:
        place = "/".join(str(part) for part in fault.instance_path)
        raise LockError(
            f"it is no lockfile of version 1: `/{place}` does not fit (docs/keepgate-lock.schema.json)"
        )
    given: dict[str, Any] = value
    signature = given.get("signature", {})
    return Lock(
        {name: _server(one) for name, one in given["servers"].items()},
        signature.get("key", ""),
        signature.get("value", ""),
    )


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(SCHEMA)


def _server(given: dict[str, Any]) -> LockedServer:
    launch, approved = given["launch"], given.get("approved")
    return LockedServer(
        Launch(
            tuple(launch.get("command", ())),
            launch.get("url", ""),
            tuple(launch.get("env", ())),
            tuple(launch.get("headers", ())),
        ),
        given["identity"]["name"],
        given["identity"]["instructions"],
        tuple(given["capabilities"]),
        {
            kind: {
                name: Pin(pin["hash"], pin["fields"], tuple(pin.get("effects", ())))
                for name, pin in given.get(kind, {}).items()
            }
            for kind in KINDS
        },
        tuple(given["packages"]),
        given["verdict"],
        given["tier"],
        tuple(given["evidence"]),
        Approval(**approved) if approved is not None else None,
    )
