"""Who may use what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from keepgate.config import values
from keepgate.config.sections.types import Name
from keepgate.policy.roles import Grant, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may use what. What no role allows is denied."""

    roles: Mapping[Name, Role] = field(default_factory=dict)
    """Named sets of `server/name` patterns."""
    grants: tuple[Grant, ...] = ()
    """Who has which role."""
    policies: tuple[Path, ...] = ()
    """Files of Cedar policies that join the roles. Relative paths start at the configuration file."""
    timezone: Annotated[str, AfterValidator(values.timezone)] = "UTC"
    """In which conditions on the time are meant: `Europe/Berlin`."""
