"""The admin face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from keepgate.config import values


@dataclass(frozen=True, slots=True, kw_only=True)
class Admin:
    """The admin API under `/admin/api/v1`, for those that `keepgate admin add` makes administrators."""

    url: Annotated[str, AfterValidator(values.public_url)] = ""
    """As administrators reach it from elsewhere: `https://gate.example.com`. Without this key: only on this machine."""
    session_idle: Annotated[float, Field(ge=60, le=86_400)] = 900.0
    """Seconds without a request after which a login ends."""
    session_maximum: Annotated[float, Field(ge=60, le=604_800)] = 28_800.0
    """Seconds after which a login ends in any case."""
    second_factor: Literal["changes", "always", "never"] = "changes"
    """What a key or password alone does not open: whatever changes something or shows payloads, all, or nothing."""
