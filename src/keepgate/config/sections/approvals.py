"""Requests that wait for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """What `ask` patterns and policies leave to a person."""

    expire: Annotated[float, Field(ge=10, le=86_400)] = 900.0
    """Seconds that a request waits for a decision, and that an approval waits for being used."""
