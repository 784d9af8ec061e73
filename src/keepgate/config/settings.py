"""The configuration file as a whole; the docstring under a key is its description in editors and docs.

`Document` is the file, its parts are in `sections`; `Settings` is the file with its defaults worked out for this
machine and user. Checks that need more than one key are in `check`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator

from keepgate.config import values
from keepgate.config.sections.access import Access
from keepgate.config.sections.admin import Admin
from keepgate.config.sections.alerts import Alerts
from keepgate.config.sections.approvals import Approvals
from keepgate.config.sections.audit import Audit
from keepgate.config.sections.budgets import Budget
from keepgate.config.sections.flow import Flow
from keepgate.config.sections.identity import Identity, Tls
from keepgate.config.sections.inspection import Content, Schemas
from keepgate.config.sections.limits import Limits
from keepgate.config.sections.lock import LockRules
from keepgate.config.sections.server import Server
from keepgate.config.sections.types import Name
from keepgate.config.sections.vault import Sealing
from keepgate.config.values import Secret, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The configuration of keepgate."""

    version: Literal[1]
    """Of this format."""
    listen: Annotated[str, AfterValidator(values.listen)] = "127.0.0.1:8700"
    """Address and port to serve on; the endpoint is `/mcp`."""
    state: Path | None = None
    """Directory for keys and records. Without this key: `keepgate` in the user's state directory."""
    storage: Annotated[str, AfterValidator(values.storage)] = "sqlite:///index.db"
    """Database of what can be rebuilt from the records. Relative paths start at `state`."""
    durability: Literal["batch", "sync"] = "batch"
    """`batch`: a record survives a killed keepgate. `sync`: a power failure too; each reply waits for the disk."""
    tls: Tls | None = None
    """Serve HTTPS."""
    unsafe_plaintext_behind_proxy: bool = False
    """Serve plain HTTP off loopback. Only where a proxy in front terminates TLS and nothing else reaches this port."""
    allowed_hosts: tuple[Annotated[str, AfterValidator(values.host)], ...] = ()
    """Names that clients may use for this endpoint (`Host` header), besides the address it listens on."""
    allowed_origins: tuple[Annotated[str, AfterValidator(values.origin)], ...] = ()
    """Web origins whose pages may call this endpoint, besides its own: `https://app.example.com`."""
    identity: Identity = Identity()
    """Who may be served without a key."""
    limits: Limits = Limits()
    """Bounds on what outsiders control."""
    budgets: tuple[Budget, ...] = ()
    """What callers may use of things: rates, calls at a time, quotas."""
    content: Content = Content()
    """Inspection of what messages say."""
    schemas: Schemas = Schemas()
    """Checks against the schemas of tools."""
    vault: Sealing = Sealing()
    """How secrets are kept, and what users were granted at servers."""
    audit: Audit = Audit()
    """Where checkpoints of the log are kept besides, and where its events are sent."""
    approvals: Approvals = Approvals()
    """Requests that wait for a person."""
    flow: Flow = Flow()
    """What callers were shown, and what must not leave together."""
    alerts: Alerts = field(default_factory=Alerts)
    """What is unusual: who is told, and what is done."""
    lock: LockRules = LockRules()
    """What servers must be like to be used."""
    servers: Mapping[Name, Server] = field(default_factory=dict)
    """The MCP servers behind this gateway, by id."""
    access: Access = Access()
    """Who may use what."""
    admin: Admin | None = None
    """Serve the admin API. Without this key there is none."""

    @property
    def address(self) -> tuple[str, int]:
        """Host (an IPv6 address without brackets) and port of `listen`."""
        return values.split_listen(self.listen)

    @property
    def public_url(self) -> str:
        """Scheme and authority of this gateway for its clients; empty if that cannot be told from `listen`."""
        if self.identity.public_url:
            return self.identity.public_url
        known = self.loopback and self.address[1]
        return f"{'https' if self.tls else 'http'}://{self.listen}" if known else ""

    @property
    def loopback(self) -> bool:
        """True if only this machine can connect."""
        return values.is_loopback(self.address[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Document):
    """A valid configuration with every path absolute and every prefix written out."""

    file: Path = field(compare=False)
    """Where it was read."""
    state: Path
    database: Path
    """The SQLite file that `storage` names."""
    warnings: tuple[str, ...] = field(compare=False)
    """What is allowed but probably not meant, each with file, line and column."""


Resolver = Callable[[Secret], str]
"""Fetches a secret when it is needed. Raises ConfigError naming the reference, never the secret."""


def resolve(given: Value, resolver: Resolver) -> str:
    """The text of a configured value: itself, or what its reference stands for now."""
    return resolver(given) if isinstance(given, Secret) else given
