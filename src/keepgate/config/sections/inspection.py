"""What is looked for in messages, and what follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Follows = Literal["ignore", "record", "redact", "deny"]
Posture = Literal["enforce", "record", "ignore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Families:
    """What follows from what is found, instead of what the profile says, for what is at least likely."""

    secrets: Follows | None = None
    """Credentials."""
    personal: Follows | None = None
    """Personal data."""
    attacks: Follows | None = None
    """Instructions to the model, ways out, dangerous commands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Inspection of what messages say, in both directions."""

    inspect: bool = True
    """Look for secrets, personal data and attacks. `false` switches all of it off."""
    profile: Literal["relaxed", "balanced", "strict"] = "balanced"
    """`relaxed` only records. `balanced` takes sure secrets out of results. `strict` also acts on what is likely."""
    arguments: Families = Families()
    """In messages to servers."""
    results: Families = Families()
    """In messages to clients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schemas:
    """Checks of tool calls against the schemas that servers list."""

    arguments: Posture = "enforce"
    """Arguments that do not fit `inputSchema`: refused, only recorded, or not looked at."""
    results: Posture = "record"
    """`structuredContent` that does not fit `outputSchema`: the same."""
    unusable: Posture = "enforce"
    """A schema that cannot be used. `enforce` refuses the calls that it should have checked, and says why."""
