"""What is unusual: who is told, and what keepgate does by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from keepgate.config import values
from keepgate.config.sections.types import AnySecret, Name

Level = Literal["info", "low", "medium", "high", "critical"]
SignName = Literal[
    "failed_authentication",
    "repeated_denials",
    "first_use",
    "unusual_hour",
    "rate",
    "data_transfer",
    "new_shape",
    "enumeration",
    "error_burst",
    "drift",
    "flow",
    "honeytoken",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Somebody who is told."""

    type: Literal["webhook", "slack", "teams", "pagerduty", "email"]
    """The form of what is sent: a signed webhook, a message of Slack or Teams, an event of PagerDuty, a mail."""
    url: Annotated[str, AfterValidator(values.url)] | None = None
    """Where it is posted: of `webhook` and `pagerduty` (default `https://events.pagerduty.com/v2/enqueue`), and of
    `slack` and `teams` where their address is no secret."""
    secret: AnySecret | None = None
    """The key of a webhook's signature, the routing key of PagerDuty, the whole address of Slack or Teams, or the
    password of the mail server, as a reference: `{secret: "env:SLACK_URL"}`."""
    server: str = ""
    """Of `email`: host and port, `mail.example.com:465` (TLS) or `:587` (STARTTLS)."""
    sender: str = ""
    """Of `email`: from whom, also the name at login where there is a `secret`."""
    to: tuple[str, ...] = ()
    """Of `email`: to whom."""
    severity: Level = "low"
    """The least severity that is told."""
    signs: tuple[SignName, ...] = ()
    """Only these; all if none is named."""
    after: Annotated[float, Field(ge=0, le=86_400)] = 0.0
    """Seconds that an alert must have waited for being acknowledged: whom to escalate to."""
    private_network: bool = False
    """It may have a private address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What is done at once, without a person."""

    sign: SignName
    """The sign that it is done for."""
    quarantine: Literal["principal", "server", "tool"]
    """What is stopped, of what the alert is about. Where the alert does not name one, nothing is."""
    severity: Level = "high"
    """The least severity that it is done for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """Anomalies in what keepgate decides."""

    watch: bool = True
    """Look for them."""
    receivers: Mapping[Name, Receiver] = field(default_factory=dict)
    """Who is told."""
    respond: tuple[Response, ...] = ()
    """What is done at once; nothing unless it stands here."""
