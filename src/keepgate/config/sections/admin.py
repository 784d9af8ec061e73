"""The admin face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator

from keepgate.config import values


@dataclass(frozen=True, slots=True, kw_only=True)
class Admin:
    """The admin API under `/admin/api/v1`, for those that `keepgate admin add` makes administrators."""

    url: Annotated[str, AfterValidator(values.public_url)] = ""
    """As administrators reach it from elsewhere: `https://gate.example.com`. Without this key: only on this machine."""
    second_factor: Literal["changes", "always", "never"] = "changes"
    """What a key or password alone does not open: whatever changes something or shows payloads, all, or nothing."""
