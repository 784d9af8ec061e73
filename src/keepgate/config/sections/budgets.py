"""What callers may use of things, in rates, calls at a time and quotas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from keepgate.config.sections.types import Count, Name, Rate

Units = Annotated[float, Field(gt=0, le=1e12)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What some callers may use of some things. Amounts are in cost units: a use costs 1 unless `costs` says more."""

    name: Name
    """By which denials and records name it. What was used is kept under it."""
    to: tuple[str, ...] = ()
    """Who is under it, as in grants. Without this key: everybody."""
    uses: tuple[str, ...] = ()
    """`server/name` patterns as in roles. Without this key: everything."""
    each: tuple[Literal["principal", "user", "client", "tenant", "server", "tool"], ...] = ("principal",)
    """What has a counter of its own. An empty list: all share one."""
    rate: Rate | None = None
    """Units per second."""
    burst: Units | None = None
    """Units at once after a pause. Without this key: those of one second, or what the dearest use costs."""
    concurrent: Count | None = None
    """Calls at a time."""
    per_day: Units | None = None
    """Units in a day, UTC."""
    per_month: Units | None = None
    """Units in a month, UTC."""
    costs: Mapping[str, Units] = field(default_factory=dict)
    """Units that a use costs, by pattern; of several that match the highest."""
