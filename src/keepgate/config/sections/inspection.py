"""What is looked for in messages, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from keepgate.config.sections.types import Name

Follows = Literal["ignore", "record", "redact", "ask", "deny"]
AttackFollows = Literal["ignore", "record", "neutralise", "redact", "ask", "deny"]
Profile = Literal["relaxed", "balanced", "strict"]
Posture = Literal["enforce", "record", "ignore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Families:
    """What follows from what is found, instead of what the profile says, for what is at least likely."""

    secrets: Follows | None = None
    """Credentials."""
    personal: Follows | None = None
    """Personal data."""
    attacks: AttackFollows | None = None
    """Instructions to the model, dangerous commands. `neutralise` passes the text on, marked as data of its server."""
    exfil: AttackFollows | None = None
    """Images and links that carry data away when they are shown. `neutralise` makes addresses that nothing opens."""
    hidden: AttackFollows | None = None
    """Terminal escapes and signs that hide text. `neutralise` leaves them out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContent:
    """What follows for one tool, before what is said for its server and for all."""

    arguments: Families = Families()
    """In its calls."""
    results: Families = Families()
    """In its definition and results."""
    wrap: bool | None = None
    """Mark every text of its results as data of its server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerContent:
    """What follows for one server, before what is said for all."""

    profile: Profile | None = None
    """Instead of `content.profile`."""
    arguments: Families = Families()
    """In messages to it."""
    results: Families = Families()
    """In what it says: definitions, results, questions, log messages."""
    wrap: bool | None = None
    """Mark every text of its results as its data."""
    tools: Mapping[str, ToolContent] = field(default_factory=dict)
    """By name or pattern (`read_*`); of several that match the one with the longest literal text counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Inspection of what messages say, in both directions."""

    inspect: bool = True
    """Look for secrets, personal data and attacks. `false` switches all of it off."""
    profile: Profile = "balanced"
    """`relaxed` only records. `balanced` takes sure secrets out of results. `strict` also acts on what is likely."""
    arguments: Families = Families()
    """In messages to servers."""
    results: Families = Families()
    """In messages to clients."""
    wrap: bool = False
    """Mark every text of a result as data of its server, so that a model can tell it from what its user says."""
    servers: Mapping[Name, ServerContent] = field(default_factory=dict)
    """By server: what is different there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schemas:
    """Checks of tool calls against the schemas that servers list."""

    arguments: Posture = "enforce"
    """Arguments that do not fit `inputSchema`: refused, only recorded, or not looked at."""
    results: Posture = "record"
    """`structuredContent` that does not fit `outputSchema`: the same."""
    unusable: Posture = "enforce"
    """A schema that cannot be used. `enforce` refuses the calls that it should have checked, and says why."""
