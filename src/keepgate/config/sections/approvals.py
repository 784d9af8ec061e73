"""Requests that wait for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

from keepgate.config import values
from keepgate.config.sections.types import AnySecret


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Who is told that something waits, and where to decide on it. Nothing is decided by answering."""

    url: Annotated[str, AfterValidator(values.url)]
    """Where a JSON text is posted for each request that begins to wait: `https://...`."""
    secret: AnySecret
    """A reference to the key of the signature, 16 characters or more: `{secret: "env:WEBHOOK_KEY"}`."""
    private_network: bool = False
    """It may have a private address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """What `ask` patterns and policies leave to a person."""

    expire: Annotated[float, Field(ge=10, le=86_400)] = 900.0
    """Seconds that a request waits for a decision, and that an approval waits for being used."""
    wait: Annotated[float, Field(ge=1, le=600)] = 120.0
    """Seconds that a call of a session waits for the answer in the client's own form."""
    elicit: tuple[str, ...] = ()
    """What the answer in the client's own form is enough for though it reaches out, as `server/name` patterns."""
    out_of_band: tuple[str, ...] = ()
    """What it is never enough for, as patterns. They win over `elicit`."""
    webhook: Webhook | None = None
    """Who is told that something waits."""
