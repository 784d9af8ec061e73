"""The audit log: where checkpoints of it are kept besides, and where its events are sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from keepgate.config import values
from keepgate.config.sections.types import AnySecret, HeaderName, Name


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """Who signs checkpoints of the log after having seen that it only grew (C2SP tlog-witness)."""

    url: Annotated[str, AfterValidator(values.url)]
    """Where it takes them: its submission prefix."""
    key: Annotated[str, StringConstraints(pattern=r"^[^+\s]{1,256}\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44}$")]
    """As it publishes it: `name+hash+base64`."""
    private_network: bool = False
    """It may have a private address."""
    ca: Path | None = None
    """Authorities for its certificate instead of the system's, a PEM file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitRemote:
    """A Git repository that keeps checkpoints."""

    remote: Annotated[str, StringConstraints(pattern=r"^[^-\s\x00-\x1f\x7f][^\x00-\x20\x7f]{0,1023}$")]
    """As `git push` takes it: `git@example.com:evidence.git`, `https://…`, or an absolute path."""
    branch: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")] = "keepgate"
    """Protect it there against being pushed to by force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Where events are sent as they are recorded: each at least once, in the order of their log."""

    kind: Literal["webhook", "otlp", "syslog"]
    """A signed webhook (Standard Webhooks), OTLP/HTTP logs, or syslog (RFC 5424) over TLS."""
    url: Annotated[str, AfterValidator(values.receiver)]
    """`https://host/path`; for syslog `tls://host:6514`."""
    format: Literal["json", "ocsf", "cef"] = "json"
    """Of an event: as `audit query` prints it, OCSF, or CEF."""
    secret: AnySecret | None = None
    """Of a webhook: a reference to the key of the signature, 16 characters or more."""
    headers: Mapping[HeaderName, AnySecret] = field(default_factory=dict)
    """Of webhook and OTLP: for instance `Authorization`, by reference."""
    private_network: bool = False
    """It may have a private address."""
    ca: Path | None = None
    """Authorities for its certificate instead of the system's, a PEM file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payloads:
    """What of arguments and results is not stored, not even sealed. A record is made of every message all the same."""

    drop: tuple[str, ...] = ()
    """Things whose payloads are left out, as `server/name` patterns."""
    mask: tuple[Annotated[str, StringConstraints(min_length=1, max_length=256)], ...] = ()
    """Names of members, in any case and at any depth, whose values are left out: `password`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The audit log."""

    payloads: Payloads = Payloads()
    """What is not stored."""
    witnesses: tuple[Witness, ...] = ()
    """Who signs that it only ever grew."""
    git: tuple[GitRemote, ...] = ()
    """Where checkpoints are kept as well."""
    anchor_every: Annotated[float, Field(ge=1, le=86_400)] = 300.0
    """Seconds between two times that a running keepgate sends checkpoints to `witnesses` and `git`."""
    exports: Mapping[Name, Export] = field(default_factory=dict)
    """Where events are sent, by a name of your choice."""
