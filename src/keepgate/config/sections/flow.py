"""What is known of data flows, and what follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Labels on what callers were shown, and what must not leave together."""

    trifecta: Literal["ask", "deny", "record", "ignore"] | None = None
    """What follows where private data could leave after untrusted text. Without this key: `ask`; `record` under
    `content.profile: relaxed`."""
    idle: Annotated[float, Field(ge=60, le=30 * 86_400)] = 3600.0
    """Seconds after which labels are forgotten, if the caller did nothing and has no session."""
